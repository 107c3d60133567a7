"""Where an attribute's value is found in SQL: the slot table of its bank, joined by id when it is not the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.sql.selectable import NamedFromClause

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.tables import ABSORBED, VERSIONS, search_table, slot_table


@dataclass(frozen=True)
class Source:
    """The tables a statement reads: `main` is bank 1, `rows` the join of all banks in use."""

    live: LiveType
    main: NamedFromClause
    banks: Mapping[int, NamedFromClause]
    rows: sa.FromClause
    archive: bool = False

    def column(self, attribute: AttributeDef) -> sa.ColumnElement | None:
        """The attribute's column, or None while no value was ever stored."""
        if attribute.column is None:
            return None
        return self.banks[attribute.bank].c[attribute.column]

    @property
    def shown(self) -> sa.ColumnElement[bool]:
        """Which rows are entities of their own: in the archive lie those that merges absorbed, too."""
        return sa.true() if not self.archive else ~sa.exists().where(ABSORBED.c.id == self.main.c.id)

    @property
    def search(self) -> sa.Table:
        """The type's search documents."""
        return search_table(self.live.table)

    @property
    def worded(self) -> Sequence[sa.ColumnElement[bool]]:
        """Of mirrors only what is linked to has its words indexed, and nobody asks for others."""
        return (self.search.c.linked,) if self.live.mirror else ()

    @property
    def catalog_version(self) -> sa.ScalarSelect:
        """The catalog version of the type as this very statement sees it."""
        mine = VERSIONS.c.type_id == sa.literal_column(str(self.live.id))
        return sa.select(VERSIONS.c.version).where(mine).scalar_subquery()


def source(live: LiveType, attributes: Iterable[AttributeDef], *, archive: bool = False) -> Source:
    """The tables for reading, filtering and sorting by these attributes."""
    columns: dict[int, set[str]] = {1: set()}
    for attribute in attributes:
        if attribute.column is not None:
            columns.setdefault(attribute.bank, set()).add(attribute.column)
    banks = {}
    for bank, names in sorted(columns.items()):
        slots = tuple(sorted(name for name in names if name[1:].isdigit()))
        banks[bank] = slot_table(live.table, bank, slots, archive=archive)
    main = banks[1]
    rows: sa.FromClause = main
    for bank, table in banks.items():
        if bank != 1:
            rows = rows.outerjoin(table, table.c.id == main.c.id)
    return Source(live, main, banks, rows, archive)


def linked_source(live: LiveType, attributes: Iterable[AttributeDef]) -> Source:
    """Like `source`, under names of its own, for asking about linked entities inside another statement."""
    plain = source(live, attributes)
    banks: dict[int, NamedFromClause] = {bank: table.alias(f"linked_{bank}") for bank, table in plain.banks.items()}
    main = banks[1]
    rows: sa.FromClause = main
    for bank, table in banks.items():
        if bank != 1:
            rows = rows.outerjoin(table, table.c.id == main.c.id)
    return Source(live, main, banks, rows)


def bank_source(live: LiveType, attributes: Iterable[AttributeDef], bank: int) -> Source:
    """One bank alone, for what needs no more: its rows are there only for entities with a value in it."""
    names = {one.column for one in attributes if one.column is not None}
    table = slot_table(live.table, bank, tuple(sorted(name for name in names if name[1:].isdigit())))
    return Source(live, table, {bank: table}, table)
