"""Use cases of the workspace service over several rows: submitting, steering and mapping of imports."""
