"""Possible duplicates: match rules of entity types, and their keys, kept with every write."""
