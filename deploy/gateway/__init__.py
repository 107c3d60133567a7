"""nginx in front of services that run apart, configured from the one route table. Not used by the one-command run."""
