"""What the service does beyond writing single entities: one module per use case. Doors call these."""
