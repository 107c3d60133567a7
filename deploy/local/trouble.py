"""The one error of the embedded run: something a person has to put right, told in one line.

Not for programming mistakes: those keep their trace.
"""

from __future__ import annotations


class Trouble(Exception):
    """Printed as one line by the command, which then ends with code 1."""
