"""Erasing a person on request: from every table and cache of a service, with a ledger that survives restores."""
