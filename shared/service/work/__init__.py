"""Slow work in chunks that survives everything: a ledger in the service's own database, and who works it off."""
