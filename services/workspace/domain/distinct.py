"""How many different texts there are: exact up to a limit, estimated above it, in bounded memory.

The smallest hashes are kept; how densely they lie tells how many there are (about one per cent off at 16,384 kept).
Hashes are the same in every process, so that counting may go on elsewhere.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable

_ODD = 0x9E3779B1
_LOW = 2**32 - 1
_END = 2**64


class Distinct:
    """A counter that keeps at most `keep` hashes (twice that between two sweeps)."""

    __slots__ = ("_below", "_hashes", "_keep")

    def __init__(self, keep: int, kept: bytes = b"") -> None:
        self._keep = keep
        self._hashes: set[int] = set(array("Q", kept))
        self._below = _END
        self._sweep()

    def add(self, texts: Iterable[str]) -> None:
        """Count these texts in."""
        crc32, adler32, hashes = zlib.crc32, zlib.adler32, self._hashes
        below = self._below >> 32
        for text in texts:
            raw = text.encode("utf-8", "replace")
            high = (crc32(raw) * _ODD) & _LOW
            if high <= below:
                hashes.add(high << 32 | adler32(raw))
        if len(hashes) > 2 * self._keep:
            self._sweep()

    @property
    def exact(self) -> bool:
        """Whether `count` is no estimate."""
        return self._below == _END and len(self._hashes) <= self._keep

    @property
    def count(self) -> int:
        """How many different ones there are, about."""
        if self.exact:
            return len(self._hashes)
        kept = sorted(self._hashes)[: self._keep]
        return round((len(kept) - 1) * _END / kept[-1])

    def state(self) -> bytes:
        """What makes an equal counter: `Distinct(keep, state)`."""
        self._sweep()
        return array("Q", sorted(self._hashes)).tobytes()

    def _sweep(self) -> None:
        # One more than is kept tells apart "exactly as many" and "more".
        if len(self._hashes) > self._keep:
            kept = sorted(self._hashes)[: self._keep + 1]
            self._hashes = set(kept)
            self._below = kept[-1] + 1
