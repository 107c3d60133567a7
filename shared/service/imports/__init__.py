"""Imports, in the service that owns the entities: from the cells of a chunk to what is written. See spec.py first."""
