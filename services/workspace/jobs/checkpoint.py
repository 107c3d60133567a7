"""How far a file has been read, and what is known of it by then; kept between slices. For `reading` alone."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from services.workspace.domain.profile import Profile
from shared.kernel.json import dumps, loads

_FAST = 1


class Checkpoint:
    """line, offset: the last line cut and where the next begins (None at the start, and for what has no offsets)."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.line: int | None = None
        self.offset: int | None = None
        self.rows = self.refused = self.chunks = 0

    def advance(self, line: int, offset: int | None, rows: int, refused: int) -> None:
        """A chunk was cut. Rows that could not be read are rows, too."""
        self.line, self.offset = line, offset
        self.rows += rows + refused
        self.refused += refused
        self.chunks += 1

    def state(self) -> bytes:
        """What `restored` goes on from."""
        told = [self.line, self.offset, self.rows, self.refused, self.chunks, self.profile.state()]
        return zlib.compress(dumps(told), _FAST)

    @classmethod
    def restored(cls, header: Sequence[str], state: bytes | None) -> Checkpoint:
        """The checkpoint of a state; the beginning for None."""
        if state is None:
            return cls(Profile(header))
        line, offset, rows, refused, chunks, profile = loads(zlib.decompress(state))
        made = cls(Profile.restored(header, profile))
        made.line, made.offset, made.rows, made.refused, made.chunks = line, offset, rows, refused, chunks
        return made
