"""A service that only tests know: one entity type, one rule. The kit must treat it like any other."""
