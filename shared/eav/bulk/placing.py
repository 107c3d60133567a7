"""Where the values of many entities go, as lines of COPY: slots, side columns, search documents, keys and options.

A repeated value is placed once. Says the same as `store.rows.place`, by the same function. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from shared.eav.bulk.shapes import Column, Shapes, remember
from shared.eav.store.rows import placed
from shared.eav.store.state import documented, segment
from shared.kernel import json
from shared.kernel.copying import NULL, escaped


def moment(instant: datetime) -> str:
    """A naive instant as PostgreSQL reads it."""
    return instant.isoformat(" ")


# A slot's text, by family.
_RENDER: dict[str, Callable[[Any], str]] = {"t": escaped, "i": str, "d": moment, "n": str}


class Aside(NamedTuple):
    """What a value leaves outside its slot: in `extra` or `long`, as a unique key, as chosen options."""

    extra: Any
    long: Any
    key: str | None
    options: Sequence[int]


class Cell(NamedTuple):
    """One value, placed: the slot as text, words to be found by, and what most values do not have."""

    slot: str
    segment: str
    aside: Aside | None


NOTHING = Cell(NULL, "", None)


class Placer:
    """One column, and `index`: where its slot stands in the line, None where it has none. `known`: cells by canonical
    JSON; ask it first, unless that is a list."""

    __slots__ = ("_column", "_documented", "_render", "id", "index", "known")

    def __init__(self, column: Column, index: int | None, found_by_words: bool) -> None:
        self._column = column
        self._documented = found_by_words
        self._render = _RENDER.get(column.kind.family or "", str)
        self.known = column.placed
        self.index, self.id = index, column.attribute.id

    def cell(self, held: Any) -> Cell:
        """A canonical JSON value, placed."""
        if type(held) is list:
            return self._made(held)
        found = self.known.get(held)
        return remember(self.known, held, self._made(held)) if found is None else found

    def _made(self, held: Any) -> Cell:
        column, attribute = self._column, self._column.attribute
        value = held if column.plain else column.kind.from_json(held, attribute)
        slot, extra, long, key, options = placed(attribute, value)
        usual = extra is None and long is None and key is None and not options
        words = segment(attribute, value) if self._documented else ""
        aside = None if usual else Aside(extra, long, key, options)
        return Cell(NULL if slot is None else self._render(slot), words, aside)


class Lines:
    """The lines of one staged table: its columns in order, those that are the same in all of them, the placers of the
    attributes whose slots it holds."""

    def __init__(
        self, shapes: Shapes, shape: Iterable[str], common: Mapping[str, str | None], keys: Iterable[str]
    ) -> None:
        self.names = tuple(shape)
        self.places = {name: n for n, name in enumerate(self.names)}
        given = (common.get(name) for name in self.names)
        self._template = [NULL if text is None else escaped(text) for text in given]
        kept = documented(shapes.live)
        self.placers: dict[str, Placer] = {}
        for key in keys:
            attribute = shapes.live.by_id[int(key)]
            index = self.places.get(f"b{attribute.bank}_{attribute.column}")
            self.placers[key] = Placer(shapes.column(attribute), index, key in kept)

    def start(self) -> list[str]:
        """A line to be filled in."""
        return self._template.copy()


def as_json(value: Any) -> str:
    """A JSON column's value; NULL for none."""
    return escaped(json.dumps(value).decode()) if value else NULL
