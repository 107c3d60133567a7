"""Benchmarks: each prints a table; none is a test with a time limit. See README.md here."""
