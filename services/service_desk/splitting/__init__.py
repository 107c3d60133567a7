"""Splitting a ticket in two: `commands` does it; `doors`: HTTP."""
