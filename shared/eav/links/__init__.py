"""Links between entities: two rows for each, one per direction, under a relation that implies both types."""
