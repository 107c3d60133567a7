"""Pages of a query: by keyset cursor, or by offset with remembered boundaries. One statement per phase that is touched.

Statements are built once per shape (type, view, filter shape, order, phase, boundary shape), prepared when they come
again, and planned with their values: anew each time, or once a minute for what is asked again and again. Totals are a
statement of their own, in which "not set" and other complements become differences of counts that an index alone can
answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, Protocol

import sqlalchemy as sa

from shared.eav.catalog import VERSION_SQL, LiveType, StaleCatalog, keyed
from shared.eav.entity import Form, Page
from shared.eav.filters import Checked
from shared.eav.query import sorting
from shared.eav.query.counting import count, estimate, exact, phase_size
from shared.eav.query.planning import ANEW, ANEW_PARAMS
from shared.eav.query.reading import ID, VERSION_SEEN, Reader, reader
from shared.eav.query.repeated import Repeated
from shared.eav.query.sorting import Boundary, Order
from shared.eav.query.where import asks_words, attributes_of, where
from shared.kernel import json
from shared.kernel.db import Connection, compiled

Total = Literal["exact", "estimated", "none"]
_FARTHEST = 2**63 - 1
_REPEATED = Repeated()


class Walk(Protocol):
    """Remembers, for a while, where the page at an offset begins. Losing it costs time, never correctness."""

    def get(self, key: str) -> bytes | None:
        """What `put` kept, if it is still there."""

    def put(self, key: str, value: bytes) -> None:
        """Keep a boundary."""


class Forgetful:
    """A Walk without memory."""

    def get(self, key: str) -> bytes | None:
        """Nothing."""
        return None

    def put(self, key: str, value: bytes) -> None:
        """Nothing is kept."""


@dataclass(frozen=True, slots=True)
class Request:
    """A checked query: names are internal ones. Either `cursor` or `offset` says where the page begins."""

    live: LiveType
    filter: Checked | None
    orders: tuple[Order, ...]
    names: tuple[str, ...]
    form: Form
    limit: int
    offset: int | None = None
    cursor: str | None = None
    total: Total = "exact"
    asked: Checked | None = None
    """The filter as it was asked, where `filter` is narrowed down by what was looked up."""

    @property
    def shape(self) -> tuple[Any, ...]:
        """What the SQL depends on, besides phase and boundary."""
        orders = tuple((order.attribute.name, order.descending) for order in self.orders)
        return (self.filter.shape if self.filter else None, orders, self.names, self.form)


class _Shape:
    """A request as a cache key: equal when the SQL is, whatever the values."""

    __slots__ = ("_key", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self._key = (keyed(request.live), request.shape)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shape) and self._key == other._key


@lru_cache(maxsize=2048)
def _view(shape: _Shape) -> Reader:
    request = shape.request
    others = (*attributes_of(request.filter), *(order.attribute for order in request.orders))
    return reader(request.live, request.names, request.form, others=tuple(dict.fromkeys(others)))


@lru_cache(maxsize=4096)
def _statement(shape: _Shape, phase: int, boundary: tuple[Any, ...] | None, *, by_offset: bool, counted: bool) -> str:
    request, view = shape.request, _view(shape)
    source, orders = view.source, request.orders
    conditions = [*sorting.phase_where(source, orders, phase), ANEW]
    if request.filter is not None:
        conditions.insert(0, where(source, request.filter.root))
    if boundary is not None:
        missing = tuple(None if absent else "" for absent in boundary[1:])
        conditions.append(sorting.after(source, orders, Boundary(phase, missing, 0)))
    order, rows = sorting.phase_order(source, orders, phase), sa.bindparam("rows", type_=sa.Integer())
    ids_first = by_offset or (request.filter is not None and asks_words(request.filter.root))
    if ids_first:
        # What is skipped, or found by its words and then sorted, need not be presented: only the page's ids leave here.
        ids = sa.select(source.main.c.id).select_from(source.rows).where(*conditions).order_by(*order).limit(rows)
        if by_offset:
            ids = ids.offset(sa.bindparam("skip", type_=sa.BigInteger()))
        conditions = [source.main.c.id.in_(ids.correlate(None))]
    query = view.select().add_columns(*sorting.sort_columns(source, orders[phase:])).where(*conditions)
    query = query.order_by(*order) if ids_first else query.order_by(*order).limit(rows)
    if counted:
        query = query.add_columns(exact(request.live, request.filter).label("total"))
    return compiled(query)


@dataclass(frozen=True, slots=True)
class _Start:
    """Where reading begins: a phase, behind a boundary of it or after skipping some rows of it."""

    phase: int = 0
    boundary: Boundary | None = None
    skip: int = 0


@dataclass(slots=True)
class _Rows:
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    phases: list[int] = field(default_factory=list)
    total: int | None = None


def page(connection: Connection, request: Request, walk: Walk) -> Page:
    """One page. Raises StaleCatalog when a statement saw a newer catalog than `request.live`."""
    key = fingerprint(request)
    remembered: dict[str, Any] = {}
    if request.cursor is not None:
        boundary = sorting.decode(request.cursor, request.orders, key)
        start = _Start(boundary.phase, boundary)
    elif request.offset:
        remembered = _recall(walk, key, request.offset)
        start = _warm(remembered) if remembered else _Start(skip=min(request.offset, _FARTHEST))
    else:
        start = _Start()
    known = remembered.get("t", {}).get(request.total)
    found = _collect(connection, request, start, counted=request.total == "exact" and known is None)
    view = _view(_Shape(request))
    answer = Page(view.entities(found.rows[: request.limit]))
    answer.total = _total(connection, request, known if found.total is None else found.total)
    if len(found.rows) > request.limit:
        place = request.limit - 1
        last = found.rows[place]
        behind = Boundary(found.phases[place], _sort_values(request, view, found.phases[place], last), last[ID])
        answer.next_cursor = sorting.encode(behind, key)
        if request.offset is not None:
            answer.next_offset = request.offset + request.limit
            # Most searches end with their first page: a walk is remembered from its second one on.
            if not request.offset:
                return answer
            kept = {"p": behind.phase, "v": list(behind.values), "i": behind.id, "t": {request.total: answer.total}}
            walk.put(f"{key}:{answer.next_offset}", json.dumps(kept))
    return answer


def _sort_values(request: Request, view: Reader, phase: int, row: tuple[Any, ...]) -> tuple[str | None, ...]:
    """What a row is sorted by in its phase: selected behind the columns of the view."""
    first = len(view.columns)
    return row[first : first + len(request.orders) - phase]


def fingerprint(request: Request) -> str:
    """A short hash of everything that decides which entities come in which order (not of the attributes shown)."""
    asked = request.asked or request.filter
    filtered = (asked.shape, sorted(asked.params.items())) if asked else None
    orders = tuple((order.attribute.id, order.descending) for order in request.orders)
    whole = repr((request.live.name, request.live.id, request.live.table, filtered, orders))
    return hashlib.blake2b(whole.encode(), digest_size=12).hexdigest()


def _recall(walk: Walk, key: str, offset: int) -> dict[str, Any]:
    kept = walk.get(f"{key}:{offset}")
    return json.loads(kept) if kept else {}


def _warm(remembered: Mapping[str, Any]) -> _Start:
    boundary = Boundary(remembered["p"], tuple(remembered["v"]), remembered["i"])
    return _Start(boundary.phase, boundary)


def _total(connection: Connection, request: Request, known: int | None) -> int | None:
    if request.total == "none" or known is not None:
        return known
    how = estimate if request.total == "estimated" else count
    return how(connection, request.live, request.filter)


def _collect(connection: Connection, request: Request, start: _Start, *, counted: bool) -> _Rows:
    """Rows from phase to phase until the page is full, plus one that tells whether there is more.

    counted: the first statement that finds any tells how many there are in all, which saves a round trip.
    """
    shape = _Shape(request)
    wanted = request.limit + 1
    found = _Rows()
    base = {**request.filter.params, **ANEW_PARAMS} if request.filter else ANEW_PARAMS
    boundary, skip = start.boundary, start.skip
    last = sorting.phases(request.orders)[-1]
    for phase in range(start.phase, last + 1):
        params = {**base, "rows": wanted - len(found.rows)}
        if boundary is not None:
            params |= sorting.boundary_params(request.orders, boundary)
        if skip:
            params["skip"] = skip
        here = counted and found.total is None
        sql = _statement(shape, phase, boundary.shape if boundary else None, by_offset=bool(skip), counted=here)
        again = _REPEATED.statement(sql, params) if boundary is None and not skip and connection.prepare else None
        rows = connection.rows(again, prepare=True) if again else connection.rows(sql, params, prepare=None)
        found.rows += rows
        if here and rows:
            found.total = rows[0][-1]
        found.phases += [phase] * len(rows)
        if len(found.rows) >= wanted:
            break
        if skip and not rows and phase < last:
            # An offset that no page before it left a boundary for, and that falls behind this phase.
            skip -= min(skip, phase_size(connection, request.live, request.filter, request.orders, phase))
        else:
            skip = 0
        boundary = None
    check_version(connection, request.live, found.rows)
    return found


def check_version(connection: Connection, live: LiveType, rows: Sequence[tuple[Any, ...]]) -> None:
    """Raise StaleCatalog unless the rows (or, when there are none, one more look) saw the catalog at hand."""
    if rows:
        seen = rows[0][VERSION_SEEN]
    else:
        row = connection.row(VERSION_SQL, {"id": live.id}, prepare=True)
        seen = row[0] if row else None
    if seen != live.version:
        raise StaleCatalog(live.name)
