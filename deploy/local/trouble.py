"""How the embedded run talks to a person: progress lines, and the one error that a person has to put right.

Not for programming mistakes: those keep their trace.
"""

from __future__ import annotations


class Trouble(Exception):
    """Printed as one line by the command, which then ends with code 1."""


def say(text: str) -> None:
    """A line of progress."""
    print(f"* {text}", flush=True)
