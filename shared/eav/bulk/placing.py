"""Where the values of many entities go, as lines of COPY: slots, side columns, search documents, keys and options.

A repeated value is placed once. Says the same as `store.rows.place`, by the same function. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from shared.eav.bulk.shapes import REMEMBERED
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.store.rows import placed
from shared.eav.store.state import documented, segment
from shared.eav.types import AttributeType, kind_of
from shared.kernel import json
from shared.kernel.copying import NULL, escaped


def moment(instant: datetime) -> str:
    """A naive instant as PostgreSQL reads it."""
    return instant.isoformat(" ")


# A slot's text, by family.
_RENDER: dict[str, Callable[[Any], str]] = {"t": escaped, "i": str, "d": moment, "n": str}


class Cell(NamedTuple):
    """One value, placed: the slot as text, what stands aside, the unique key, chosen options, words to be found by."""

    slot: str
    extra: Any
    long: Any
    key: str | None
    options: Sequence[int]
    segment: str


NOTHING = Cell(NULL, None, None, None, (), "")


class Placer:
    """One attribute of one call. `index`: where its slot stands in the line, None where it has none."""

    __slots__ = ("_attribute", "_cells", "_documented", "_kind", "_plain", "_render", "id", "index", "key")

    def __init__(self, attribute: AttributeDef, index: int | None, found_by_words: bool) -> None:
        self._attribute = attribute
        self._kind = kind_of(attribute)
        self._plain = type(self._kind).from_json is AttributeType.from_json
        self._documented = found_by_words
        self._render = _RENDER.get(self._kind.family or "", str)
        self._cells: dict[Any, Cell] = {}
        self.index, self.id, self.key = index, attribute.id, attribute.key

    def cell(self, held: Any) -> Cell:
        """A canonical JSON value, placed."""
        if type(held) is list:
            return self._made(held)
        found = self._cells.get(held)
        if found is None:
            found = self._made(held)
            if len(self._cells) < REMEMBERED:
                self._cells[held] = found
        return found

    def _made(self, held: Any) -> Cell:
        attribute = self._attribute
        value = held if self._plain else self._kind.from_json(held, attribute)
        slot, extra, long, key, options = placed(attribute, value)
        words = segment(attribute, value) if self._documented else ""
        return Cell(NULL if slot is None else self._render(slot), extra, long, key, options, words)


class Lines:
    """The lines of one staged table: its columns in order, those that are the same in all of them, the placers of the
    attributes whose slots it holds."""

    def __init__(
        self, live: LiveType, shape: Iterable[str], common: Mapping[str, str | None], keys: Iterable[str]
    ) -> None:
        self.names = tuple(shape)
        self.places = {name: n for n, name in enumerate(self.names)}
        given = (common.get(name) for name in self.names)
        self._template = [NULL if text is None else escaped(text) for text in given]
        kept = documented(live)
        self.placers: dict[str, Placer] = {}
        for key in keys:
            attribute = live.by_id[int(key)]
            index = self.places.get(f"b{attribute.bank}_{attribute.column}")
            self.placers[key] = Placer(attribute, index, key in kept)

    def start(self) -> list[str]:
        """A line to be filled in."""
        return self._template.copy()


def as_json(value: Any) -> str:
    """A JSON column's value; NULL for none."""
    return escaped(json.dumps(value).decode()) if value else NULL
