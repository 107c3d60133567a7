"""Reporting: a replica of everything, and numbers kept exact from events."""
