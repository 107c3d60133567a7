"""Pipelines: their pure parts."""
