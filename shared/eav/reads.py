"""Reading entities: by reference, page by page, by query. The number of statements never depends on how many."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from shared.eav.absorbed import heirs
from shared.eav.catalog import Catalog, LiveType, StaleCatalog
from shared.eav.entity import Entity, Page, View
from shared.eav.extract import Extract, Extraction, LinkedIds
from shared.eav.filters import And, Checked, Node, Text, check, check_several
from shared.eav.history import histories
from shared.eav.holdings import (
    Held,
    HeldLink,
    HeldVersion,
    LinkSum,
    RangeSum,
    holdings,
    last_id,
    link_sums,
    links,
    range_sums,
    versions,
)
from shared.eav.links.far import add_far, far_names, resolved
from shared.eav.links.neighbours import Neighbours
from shared.eav.links.relations import Relations
from shared.eav.normalising import normalised
from shared.eav.patience import tries
from shared.eav.query import streaming
from shared.eav.query.narrowing import confirm, narrowed
from shared.eav.query.page import Forgetful, Request, Walk, check_version, page
from shared.eav.query.picking import counts_by
from shared.eav.query.reading import ID, Reader, reader
from shared.eav.query.sorting import Order, resolve
from shared.eav.query.tallying import Wanted, tallies
from shared.eav.references import MAX_BIGINT, resolve_refs
from shared.eav.requests import Query, Ref
from shared.eav.showing import shown_names
from shared.eav.tables import table_name
from shared.eav.validation import Judge
from shared.kernel.db import Connection, Database, bigint, compiled
from shared.kernel.errors import FieldError, Invalid, Unavailable

T = TypeVar("T")


class Reads:
    """The reading half of the engine."""

    def __init__(
        self, database: Database, catalog: Catalog, judge: Judge, relations: Relations, walk: Walk | None = None
    ) -> None:
        self._judge = judge
        self._relations = relations
        self._database = database
        self._catalog = catalog
        self._walk = walk or Forgetful()

    def _fresh(self, type_name: str, work: Callable[[Connection, LiveType], T]) -> T:
        """Run `work` again with a reloaded catalog whenever it turned out to be stale."""

        def connected(live: LiveType) -> T:
            with self._database.connect() as connection:
                return work(connection, live)

        return self._current(type_name, connected)

    def _current(self, type_name: str, work: Callable[[LiveType], T]) -> T:
        for _ in tries():
            live = self._catalog.type(type_name)
            try:
                return work(live)
            except StaleCatalog:
                self._catalog.refresh()
        raise Unavailable("the catalog keeps changing: try again")

    def read(self, type_name: str, refs: Sequence[Ref], view: View, *, archived: bool = False) -> list[Entity | None]:
        """Entities in the order of the references; None where there is none."""

        def work(connection: Connection, live: LiveType) -> list[Entity | None]:
            ids = resolve_refs(connection, live, refs, self._judge)
            show = reader(live, shown_names(live, view), view.form, archive=archived)
            rows = show.rows(connection, [one for one in ids if one is not None])
            meant = heirs(connection, live, {one for one in ids if one is not None} - {row[ID] for row in rows})
            if meant:
                rows += show.rows(connection, sorted(set(meant.values()) - {row[ID] for row in rows}))
            check_version(connection, live, rows)
            found = {entity.id: entity for entity in show.entities(rows)}
            self._add_history(connection, live, found, view, archived)
            self._add_far(connection, live, found, view)
            return [found.get(meant.get(one, one)) if one is not None else None for one in ids]

        return self._reloading(type_name, work)

    def gone(self, type_name: str, ids: Sequence[int], view: View) -> Sequence[Entity]:
        """What of these was archived, or absorbed by merges, as it was then. For reports of the past; else `read`, to
        which an absorbed id means its survivor."""

        def work(connection: Connection, live: LiveType) -> Sequence[Entity]:
            show = reader(live, shown_names(live, view), view.form, archive=True)
            rows = connection.rows(show.gone, {"ids": [*ids]}, prepare=True)
            check_version(connection, live, rows)
            return [*show.entities(rows)]

        return self._reloading(type_name, work)

    def list(
        self, type_name: str, view: View, *, limit: int, after: int | None = None, archived: bool = False
    ) -> tuple[list[Entity], int | None]:
        """A page in id order behind `after`, and the id to go on from (None on the last page)."""

        def work(connection: Connection, live: LiveType) -> tuple[list[Entity], int | None]:
            show = reader(live, shown_names(live, view), view.form, archive=archived)
            if show.list_sql is None:
                show.list_sql = _list_statement(show)
            params = {"after": bigint(min(after or 0, MAX_BIGINT)), "rows": limit + 1}
            rows = connection.rows(show.list_sql, params, prepare=True)
            check_version(connection, live, rows)
            entities = show.entities(rows[:limit])
            self._add_history(connection, live, {one.id: one for one in entities}, view, archived)
            self._add_far(connection, live, {one.id: one for one in entities}, view)
            return entities, entities[-1].id if len(rows) > limit else None

        return self._reloading(type_name, work)

    def holdings(self, type_name: str, *, after: int, limit: int) -> Sequence[Held]:
        """A canonical page for copies, see `holdings.holdings`."""
        return self._fresh(type_name, lambda one, live: holdings(one, live, after=after, limit=limit))

    def versions(self, type_name: str, held: Sequence[Held]) -> Mapping[int, Sequence[HeldVersion]]:
        """What became of a page, see `holdings.versions`."""
        return self._fresh(type_name, lambda one, live: versions(one, live, held))

    def range_sums(self, type_name: str, *, after: int, span: int, ranges: int) -> Sequence[RangeSum]:
        """Sums of checksums, see `holdings.range_sums`."""
        return self._fresh(type_name, lambda one, live: range_sums(one, live, after=after, span=span, ranges=ranges))

    def last_id(self, type_name: str) -> int:
        """The greatest id of a type, see `holdings.last_id`."""
        return self._fresh(type_name, last_id)

    def links(self, *, after: tuple[int, int, int], limit: int) -> Sequence[HeldLink]:
        """A page of all links for copies, see `holdings.links`."""
        with self._database.connect() as connection:
            return links(connection, after=after, limit=limit)

    def link_sums(self, *, after: tuple[int, int], span: int, limit: int) -> Sequence[LinkSum]:
        """Sums of links, see `holdings.link_sums`."""
        with self._database.connect() as connection:
            return link_sums(connection, after=after, span=span, limit=limit)

    def query(self, type_name: str, query: Query, view: View) -> Page:
        """One page of a search; raises Invalid with all errors of filter, sorts and cursor."""

        def work(connection: Connection, live: LiveType) -> Page:
            request = self._request(live, query, view)
            request = replace(request, filter=narrowed(connection, request.filter), asked=request.filter)
            found = page(connection, request, self._walk)
            by_id = {one.id: one for one in found.entities}
            self._add_history(connection, live, by_id, view, archived=False)
            self._add_far(connection, live, by_id, view)
            return found

        return self._reloading(type_name, work)

    def stream(self, type_name: str, extract: Extract, links: Sequence[LinkedIds] = ()) -> Extraction:
        """All entities that fit, from one snapshot. `links` are what `extract.links` names.

        Raises Invalid; afterwards, what losing the database raises.
        """
        query = Query(extract.filter, extract.text, extract.sorts, offset=None)

        def opened(live: LiveType) -> Extraction:
            request = self._request(live, query, View())
            confirm(self._database, request.filter)
            return streaming.begin(self._database, live, request, extract, links)

        return self._looking_again(type_name, lambda: self._current(type_name, opened))

    def counts(self, type_name: str, node: Node, name: str, values: Collection[int]) -> dict[int, int]:
        """How many entities that fit have each of these values of a reference, see `picking.counts_by`."""

        def work(connection: Connection, live: LiveType) -> dict[int, int]:
            found = counts_by(connection, live, check(node, live, self._neighbours(live)), name, values)
            check_version(connection, live, ())
            return found

        return self._reloading(type_name, work)

    def tallies(self, type_name: str, wanted: Wanted) -> Sequence[tuple[int, ...] | None]:
        """How many fit each of several filters, see `tallying.tallies`; None for one that asks for what is no more."""

        def work(connection: Connection, live: LiveType, *, strict: bool) -> Sequence[tuple[int, ...] | None]:
            nodes = [normalised(self._catalog, live, one, self._judge) for one in wanted.nodes]
            checked, params = check_several(nodes, live, self._neighbours(live), strict=strict)
            found = tallies(connection, live, wanted, checked, params)
            check_version(connection, live, ())
            return found

        try:
            return self._reloading(type_name, partial(work, strict=True))
        except Invalid:
            return self._reloading(type_name, partial(work, strict=False))

    def check(self, type_name: str, node: Node) -> Checked:
        """A filter checked against the catalog in force, for evaluation in Python (`filters.matches`)."""
        return self._reloading(type_name, lambda _, live: check(node, live, self._neighbours(live)))

    def check_view(self, type_name: str, view: View) -> None:
        """Raises Invalid with everything wrong with what a view shows of linked entities."""
        self._reloading(type_name, lambda _, live: resolved(live, view, self._neighbours(live), self._relations))

    def _reloading(self, type_name: str, work: Callable[[Connection, LiveType], T]) -> T:
        return self._looking_again(type_name, lambda: self._fresh(type_name, work))

    def _looking_again(self, type_name: str, attempt: Callable[[], T]) -> T:
        """Names this process does not know may be new: look once, then refuse."""
        try:
            return attempt()
        except Invalid:
            if not self._catalog.moved():
                raise
            return attempt()

    def _neighbours(self, live: LiveType) -> Neighbours:
        return Neighbours(self._catalog, self._relations, live)

    def _request(self, live: LiveType, query: Query, view: View) -> Request:
        asked = query.filter and normalised(self._catalog, live, query.filter, self._judge)
        nodes: list[Node] = [node for node in (asked, Text(query.text) if query.text else None) if node is not None]
        errors: list[FieldError] = []
        checked: Checked | None = None
        orders: tuple[Order, ...] = ()
        try:
            whole = nodes[0] if len(nodes) == 1 else And(tuple(nodes))
            checked = check(whole, live, self._neighbours(live)) if nodes else None
        except Invalid as error:
            errors += error.errors
        try:
            orders = resolve(live, query.sorts)
        except Invalid as error:
            errors += error.errors
        if errors:
            raise Invalid(errors)
        names = shown_names(live, view)
        return Request(live, checked, orders, names, view.form, query.limit, query.offset, query.cursor, query.total)

    def _add_history(
        self, connection: Connection, live: LiveType, found: dict[int, Entity], view: View, archived: bool
    ) -> None:
        """Fill `history` of these entities, keyed like their values."""
        if not view.history or not found:
            return
        names = [one for name in view.history if (one := live.by_wire.get(name) or live.attributes.get(name))]
        attributes = list(dict.fromkeys(one for one in names if not one.system))
        show = reader(live, tuple(one.name for one in attributes), "canonical", archive=archived)
        rows = show.rows(connection, list(found))
        check_version(connection, live, rows)
        current = [(one.id, one.values) for one in show.entities(rows)]
        table = table_name(live.table, archive=archived)
        wire = view.form == "text"
        for ident, by_name in histories(connection, live, table, current, attributes).items():
            found[ident].history = {
                live.attributes[name].wire if wire else name: entries for name, entries in by_name.items()
            }

    def _add_far(self, connection: Connection, live: LiveType, found: dict[int, Entity], view: View) -> None:
        """Fill in values of linked entities, see `links.far`. Raises Invalid, with nothing found as well."""
        if far_names(live, view):
            add_far(connection, found, resolved(live, view, self._neighbours(live), self._relations))


def _list_statement(show: Reader) -> str:
    ident = show.source.main.c.id
    after = sa.bindparam("after", type_=sa.BigInteger())
    query = show.select().where(ident > after).order_by(ident)
    return compiled(query.limit(sa.bindparam("rows", type_=sa.Integer())))
