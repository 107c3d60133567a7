"""Metrics in force: compiled against the replica's types, kept by deltas, backfilled, verified."""
