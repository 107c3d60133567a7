"""Faults of the event path: real processes, real kills, drawn from a seed. `python -m tests.faults.events.soak`."""
