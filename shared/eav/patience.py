"""How often a request is tried again while definitions change, slots are taken or other writes come between.

Not for waiting: every try does all of its work, and most requests need one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from shared.kernel.clock import monotonic

LEAST = 12
SECONDS = 5.0


def tries() -> Iterator[int]:
    """Numbers of tries, until there were enough of them AND some time went by: while hundreds of attributes are being
    made one after the other, a dozen tries pass in a moment in which no try can win."""
    began = monotonic()
    for number in itertools.count():
        if number >= LEAST and monotonic() - began > SECONDS:
            return
        yield number
