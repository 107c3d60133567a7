"""When Python looks for cyclic garbage, for processes that make very many objects which are gone again soon.

Not for what runs for minutes inside one call: memory of circles grows until its end.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG, _MIDDLE, _OLD = 20_000, 20, 20
"""How many objects may come before somebody looks at the young ones, and so on. By default 700, 10 and 10: folding a
page of a thousand events then looked at all of it dozens of times."""


def settle() -> None:
    """For processes that have loaded what they need: it stays to the end and is not looked at again, and what comes is
    looked at less often. Once per process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without looking for cyclic garbage inside the block; what it makes stays until its end."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
