"""Reading many entities from one snapshot in portions, as columns of values: how `Reads.stream` does it.

PostgreSQL scans and formats; Python turns whole columns, never single entities, which is what makes it fast. Memory
holds two portions, whatever the number of entities.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from shared.eav.catalog import VERSION_SQL, LiveType, StaleCatalog
from shared.eav.declare import AttributeDef
from shared.eav.extract import Block, Column, Extract, Extraction, LinkedIds
from shared.eav.filters import Checked
from shared.eav.query import sorting
from shared.eav.query.counting import count
from shared.eav.query.page import Request
from shared.eav.query.reading import Convert
from shared.eav.query.source import Source, source
from shared.eav.query.where import attributes_of, where
from shared.eav.tables import table_name
from shared.eav.types import kind_of
from shared.kernel import json
from shared.kernel.db import Connection, Database, compiled
from shared.kernel.errors import ErrorList, Invalid

PORTION = 2000
# A client that stopped reading must not hold a snapshot, and with it dead rows, for ever. Compiling a plan to machine
# code costs more than it saves on rows that are mostly formatted.
_SNAPSHOT = (
    "set transaction isolation level repeatable read, read only; "
    "set local idle_in_transaction_session_timeout = '5min'; set local jit = off"
)
_EXTRA, _LONG = "extra", "long"


@dataclass(frozen=True, slots=True)
class _Cell:
    """Where a column's values are: `place` among the fetched ones, if anywhere; what stands in `document` under `key`
    goes first."""

    place: int | None
    document: str | None
    key: str
    convert: Convert | None


@dataclass(frozen=True, slots=True)
class _Plan:
    sql: str
    documents: dict[str, int]
    cells: tuple[_Cell, ...]

    def block(self, rows: Sequence[tuple[Any, ...]]) -> Block:
        """The columns of some rows."""
        fetched = list(zip(*rows, strict=True))
        aside = {name: [json.loads(one) if one else None for one in fetched[at]] for name, at in self.documents.items()}
        return [_values(cell, fetched, aside, len(rows)) for cell in self.cells]


def _values(cell: _Cell, fetched: list[tuple[Any, ...]], aside: dict[str, list[Any]], size: int) -> list[Any]:
    key = cell.key
    found: Sequence[Any] = fetched[cell.place] if cell.place is not None else ()
    if cell.document is not None:
        above = aside[cell.document]
        if cell.place is None:
            found = [one.get(key) if one else None for one in above]
        else:
            found = [one.get(key, value) if one else value for one, value in zip(above, found, strict=True)]
    elif cell.place is None:
        return [None] * size
    return list(map(cell.convert, found)) if cell.convert else list(found)


def begin(
    database: Database, live: LiveType, request: Request, extract: Extract, links: Sequence[LinkedIds]
) -> Extraction:
    """Open the snapshot and read the first portion. Raises StaleCatalog, Invalid, and what connecting raises."""
    attributes = chosen(live, extract.attributes)
    with ExitStack() as opened:
        connection = opened.enter_context(database.connect())
        opened.enter_context(connection.transaction())
        connection.run(_SNAPSHOT)
        if connection.row(VERSION_SQL, {"id": live.id}) != (live.version,):
            raise StaleCatalog(live.name)
        tables = source(live, [*attributes, *_others(request)], archive=extract.archived)
        if extract.longest is not None:
            _refuse_long(connection, tables, request.filter, attributes, links, extract.longest)
        total = _total(connection, live, tables, request, extract) if extract.counted else None
        plan = _plan(tables, request, attributes, links, extract)
        params = request.filter.params if request.filter else {}
        portions = connection.portions(plan.sql, params, PORTION)
        opened.callback(portions.close)
        first = next(portions, None)
        shown = [Column(one.name, one.label, one.kind) for one in attributes]
        columns = (*shown, *(Column(one.name, one.label, "links") for one in links))
        kept = opened.pop_all()
    return Extraction(columns, total, _blocks(kept, plan, first, portions), kept)


def chosen(live: LiveType, names: Sequence[str] | None) -> tuple[AttributeDef, ...]:
    """The id, then the named attributes in their order; all, the system's own first, for None. Raises Invalid."""
    if names is None:
        every = sorted(live.attributes.values(), key=lambda one: not one.system)
    else:
        errors = ErrorList()
        every = []
        for name in names:
            try:
                every.append(live.attribute(name))
            except Invalid as error:
                errors.errors.extend(error.errors)
        errors.raise_if_any()
    ident = next(one for one in live.attributes.values() if one.column == "id")
    return tuple(dict.fromkeys((ident, *every)))


def _blocks(
    kept: ExitStack, plan: _Plan, first: list[tuple[Any, ...]] | None, portions: Iterator[list[tuple[Any, ...]]]
) -> Iterator[Block]:
    with kept:
        if first is not None:
            yield plan.block(first)
        for rows in portions:
            yield plan.block(rows)


def _others(request: Request) -> list[AttributeDef]:
    return [*attributes_of(request.filter), *(order.attribute for order in request.orders)]


def _linked(tables: Source, one: LinkedIds) -> sa.ColumnElement[Any]:
    """The ids of live entities at the other end, joined by `;`. Numbers of ours alone stand in the text."""
    return sa.literal_column(
        f"(select string_agg(l.to_id::text, ';' order by l.to_id) from eav_link l"
        f" join {table_name(one.table)} e on e.id = l.to_id"
        f" where l.relation = {one.relation:d} and l.from_id = {tables.main.name}.id)"
    )


def _ids(text: str | None) -> list[str]:
    return text.split(";") if text else []


def _plan(
    tables: Source,
    request: Request,
    attributes: Sequence[AttributeDef],
    links: Sequence[LinkedIds],
    extract: Extract,
) -> _Plan:
    columns: list[sa.ColumnElement[Any]] = []
    cells: list[_Cell] = []
    for attribute in attributes:
        kind, column = kind_of(attribute), tables.column(attribute)
        document = None if attribute.system or kind.family not in (None, "t") else _EXTRA
        if kind.name == "long_text":
            document = _LONG
        place = None if column is None else len(columns)
        if column is not None:
            columns.append(kind.select(column))
        present = kind.text_of if extract.form == "text" else kind.json_of
        cells.append(_Cell(place, document, attribute.key, present(attribute)))
    for link in links:
        cells.append(_Cell(len(columns), None, "", _ids if extract.form == "json" else None))
        columns.append(_linked(tables, link))
    documents: dict[str, int] = {}
    for name in dict.fromkeys(cell.document for cell in cells if cell.document is not None):
        documents[name] = len(columns)
        columns.append(sa.cast(tables.main.c[name], sa.Text()))
    labelled = [column.label(f"c{number}") for number, column in enumerate(columns)]
    query = sa.select(*labelled).select_from(tables.rows).where(tables.shown)
    if request.filter is not None:
        query = query.where(where(tables, request.filter.root))
    return _Plan(compiled(query.order_by(*sorting.whole_order(tables, request.orders))), documents, tuple(cells))


def _total(connection: Connection, live: LiveType, tables: Source, request: Request, extract: Extract) -> int:
    if not extract.archived:
        return count(connection, live, request.filter)
    row = connection.row(compiled(sa.select(sa.func.count()).select_from(tables.main).where(tables.shown)))
    assert row is not None
    return int(row[0])


# A character outside the basic plane takes two units. Asked in this order, since most documents are short.
_TOO_LONG = """
(octet_length({column}::text) > :longest and exists(select 1 from json_each_text({column}) one
    where one.key = any(cast(:keys as text[])) and :longest
        < length(one.value) + length(regexp_replace(one.value, '[^\\U00010000-\\U0010FFFF]', '', 'g'))))
"""


def _refuse_long(
    connection: Connection,
    tables: Source,
    checked: Checked | None,
    attributes: Sequence[AttributeDef],
    links: Sequence[LinkedIds],
    longest: int,
) -> None:
    """Raise Invalid when a text to be read is too long for a cell."""
    main = tables.main
    too_long = [sa.text(_TOO_LONG.format(column=f"{main.name}.{name}")) for name in (_EXTRA, _LONG)]
    too_long += [sa.text(f"length({_linked(tables, one)}) > :longest") for one in links]
    query = sa.select(main.c.id).select_from(tables.rows).where(sa.or_(*too_long)).limit(sa.literal_column("1"))
    if checked is not None:
        query = query.where(where(tables, checked.root))
    params = {**(checked.params if checked else {}), "longest": longest, "keys": [one.key for one in attributes]}
    row = connection.row(compiled(query), params)
    if row is not None:
        message = f"entity {row[0]} has a text of more than {longest} characters, which no cell holds: choose csv"
        raise Invalid.one("format", "TOO_LONG", message)
