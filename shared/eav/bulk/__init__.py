"""Many entities in one call: judged in memory in input order, written set-wise, one statement per table."""
