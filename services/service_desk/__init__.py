"""The service desk: tickets, what was promised about them, and clocks that tell whether it was kept."""
