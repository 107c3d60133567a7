"""What to select for a set of attributes, and how a fetched row becomes an entity. Built once per (type, view)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import repeat
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shared.eav.catalog import Keyed, LiveType, keyed
from shared.eav.declare import AttributeDef
from shared.eav.entity import Entity, Form
from shared.eav.guard import GUARDED
from shared.eav.query.source import Source, source
from shared.eav.types import kind_of
from shared.kernel import json
from shared.kernel.db import Connection, bigint, compiled

Convert = Callable[[Any], Any]
_ISO = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
# Positions of the fixed part of every row.
VERSION_SEEN, ID, VERSION, CREATED, UPDATED, ARCHIVED, EXTRA, LONG, FIRST_VALUE = range(9)


def iso_column(column: sa.ColumnElement) -> sa.ColumnElement:
    """A timestamp as ISO text with milliseconds."""
    return sa.func.to_char(column, sa.literal_column(f"'{_ISO}'"))


@dataclass
class Reader:
    """Turns fetched rows into entities. `columns` are selected in this order by every statement that reads."""

    source: Source
    columns: tuple[sa.ColumnElement, ...]
    system: tuple[tuple[str, int], ...]
    slots: tuple[str, ...]
    converts: tuple[tuple[str, Convert], ...]
    aside: dict[str, tuple[str, Convert | None]]
    absent: dict[str, None]
    has_long: bool
    list_sql: str | None = None
    by_id: dict[tuple[bool, bool, bool], str] = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Under which names an entity has the values of `places`."""
        return (*(name for name, _ in self.system), *self.slots)

    @cached_property
    def places(self) -> tuple[int, ...]:
        """Positions in the row of what is shown of it."""
        return (*(place for _, place in self.system), *range(FIRST_VALUE, FIRST_VALUE + len(self.slots)))

    @cached_property
    def converted(self) -> tuple[tuple[int, Convert], ...]:
        """Which of `places` are converted, and how."""
        return tuple((self.names.index(name), convert) for name, convert in self.converts)

    @cached_property
    def told(self) -> dict[str, str]:
        """Of what lies aside, the names of what is shown as it lies there."""
        return {key: name for key, (name, convert) in self.aside.items() if convert is None}

    @cached_property
    def documents(self) -> tuple[int, ...]:
        """Positions of what lies aside."""
        return (*((EXTRA,) if self.aside else ()), *((LONG,) if self.has_long else ()))

    @cached_property
    def parts(self) -> tuple[tuple[str, int, Convert | None], ...]:
        """(name, position in the row, how it is converted) of every value that has a column."""
        converts = dict(self.converts)
        return tuple((name, FIRST_VALUE + n, converts.get(name)) for n, name in enumerate(self.slots))

    def select(self, *, absorbed: bool = False) -> sa.Select[Any]:
        """The rows to read, for the caller to narrow down; `absorbed`: of the archive, also what merges put there."""
        found = sa.select(*self.columns).select_from(self.source.rows)
        return found.where(self.source.shown) if self.source.archive and not absorbed else found

    @cached_property
    def gone(self) -> str:
        """The statement for what lies in the archive under `ids`, absorbed ones included."""
        ident = self.source.main.c.id
        wanted = sa.func.any(sa.cast(sa.bindparam("ids"), pg.ARRAY(sa.BigInteger())))
        return compiled(self.select(absorbed=True).where(ident == wanted).order_by(ident))

    def rows(self, connection: Connection, ids: Sequence[int]) -> list[tuple[Any, ...]]:
        """The rows of these ids in id order.

        A single id has a statement of its own: PostgreSQL keeps its plan, while it plans one over an array anew each
        time (it cannot know the array's length), which over dozens of partial indexes costs more than the read.
        """
        return self._rows(connection, ids, None)

    def locked_rows(
        self, connection: Connection, ids: Sequence[int], guard: Mapping[str, Any], *, staying: bool = False
    ) -> list[tuple[Any, ...]]:
        """Likewise, locked for update, and under the catalog guard of these parameters.

        staying: the rows will change, not go: whoever only holds them fast (for a link to them) need not wait.
        """
        return self._rows(connection, ids, guard, staying)

    def _rows(
        self, connection: Connection, ids: Sequence[int], guard: Mapping[str, Any] | None, staying: bool = False
    ) -> list[tuple[Any, ...]]:
        how = (len(ids) == 1, guard is not None, staying)
        single = how[0]
        sql = self.by_id.get(how)
        if sql is None:
            sql = self.by_id[how] = self._rows_statement(*how)
        params = {"id": bigint(ids[0])} if single else {"ids": ids}
        return connection.rows(sql, {**params, **guard} if guard else params, prepare=True)

    def _rows_statement(self, single: bool, locked: bool, staying: bool) -> str:
        ident = self.source.main.c.id
        query = self.select()
        if single:
            query = query.where(ident == sa.cast(sa.bindparam("id"), sa.BigInteger()))
        else:
            wanted = sa.func.any(sa.cast(sa.bindparam("ids"), pg.ARRAY(sa.BigInteger())))
            query = query.where(ident == wanted).order_by(ident)
        if not locked:
            return compiled(query)
        return compiled(query.where(GUARDED).with_for_update(of=self.source.main, key_share=staying))

    def entity(self, row: Sequence[Any]) -> Entity:
        """One entity of one row; of several, see `entities`."""
        return self.entities((row,))[0]

    def entities(self, rows: Sequence[Sequence[Any]]) -> list[Entity]:
        """The entities of these rows.

        Column by column, since that takes hardly any Python per value: what is not converted is never touched. Behind
        the values of a row may stand others, what it is sorted by, and not as many in all phases of a page.
        """
        if not rows:
            return []
        columns: list[Sequence[Any]] = list(zip(*rows, strict=False))
        shown = [columns[place] for place in self.places]
        for place, convert in self.converted:
            shown[place] = list(map(convert, shown[place]))  # None stays None
        if shown:
            found: list[dict[str, Any]] = list(map(dict, map(zip, repeat(self.names), zip(*shown, strict=True))))
        else:
            found = [{} for _ in rows]
        if self.absent:
            for values in found:
                values.update(self.absent)
        for place in self.documents:
            self._put_aside(found, columns[place])
        return list(
            map(Entity, columns[ID], columns[VERSION], columns[CREATED], columns[UPDATED], found, columns[ARCHIVED])
        )

    def _put_aside(self, found: Sequence[dict[str, Any]], texts: Sequence[str | None]) -> None:
        names, others = self.told, self.aside
        for values, text in zip(found, texts, strict=True):
            if text is not None:
                for key, value in json.loads(text).items():
                    name = names.get(key)
                    if name is not None:
                        values[name] = value
                    elif key in others:
                        name, convert = others[key]
                        values[name] = value if convert is None else convert(value)


def _name(attribute: AttributeDef, form: Form) -> str:
    return {"text": attribute.wire, "json": attribute.name, "canonical": attribute.key}[form]


def _convert(attribute: AttributeDef, form: Form) -> Convert | None:
    kind = kind_of(attribute)
    present = {"text": kind.text_of, "json": kind.json_of, "canonical": kind.canonical_of}[form]
    return present(attribute)


_SYSTEM = {"created_at": CREATED, "updated_at": UPDATED}


def _fixed(tables: Source, *, archive: bool, extra: bool, long: bool) -> tuple[sa.ColumnElement, ...]:
    """What every row begins with, in the order of the positions above."""
    main = tables.main
    return (
        tables.catalog_version,
        main.c.id,
        main.c.version,
        iso_column(main.c.created_at),
        iso_column(main.c.updated_at),
        iso_column(main.c.archived_at) if archive else sa.null(),
        sa.cast(main.c.extra, sa.Text()) if extra else sa.null(),
        sa.cast(main.c.long, sa.Text()) if long else sa.null(),
    )


@lru_cache(maxsize=1024)
def _reader(
    live_key: Keyed, names: tuple[str, ...], form: Form, archive: bool, others: tuple[AttributeDef, ...]
) -> Reader:
    live = live_key.live
    attributes = [live.every[name] for name in names]
    tables = source(live, [*attributes, *others], archive=archive)
    system: list[tuple[str, int]] = []
    slots: list[str] = []
    converts: list[tuple[str, Convert]] = []
    absent: dict[str, None] = {}
    aside: dict[str, tuple[str, Convert | None]] = {}
    values: list[sa.ColumnElement] = []
    has_long = False
    for attribute in attributes:
        kind, name = kind_of(attribute), _name(attribute, form)
        convert = _convert(attribute, form)
        column = tables.column(attribute)
        if attribute.column in _SYSTEM:
            system.append((name, _SYSTEM[attribute.column]))
            continue
        if column is None:
            absent[name] = None
            has_long = has_long or kind.name == "long_text"
        else:
            slots.append(name)
            values.append(kind.select(column))
            if convert is not None:
                converts.append((name, convert))
        if kind.family in (None, "t"):
            aside[attribute.key] = (name, convert)
    fixed = _fixed(tables, archive=archive, extra=bool(aside), long=has_long)
    columns = tuple(column.label(f"c{n}") for n, column in enumerate((*fixed, *values)))
    return Reader(tables, columns, tuple(system), tuple(slots), tuple(converts), aside, absent, has_long)


def reader(
    live: LiveType,
    names: tuple[str, ...],
    form: Form,
    *,
    archive: bool = False,
    others: tuple[AttributeDef, ...] = (),
) -> Reader:
    """The reader of these attributes (internal names); `others` are filtered or sorted by, not shown."""
    return _reader(keyed(live), names, form, archive, others)
