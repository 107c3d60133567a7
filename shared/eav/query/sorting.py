"""Sort orders and where a page begins: entities without a value come last in both directions, ids break ties.

An order by k attributes has k + 1 phases: in phase n the first n attributes have no value and the n-th one has. Each
phase is an index walk of its own (a partial index is used only when the query says `is not null`), and a cursor names
phase, values and id of the last entity seen, so that it passes from valued to empty ones without loss.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.query.source import Source
from shared.eav.requests import MAX_SORTS, Sort
from shared.eav.types import ValueProblem, kind_of
from shared.eav.types.number import parse_number
from shared.eav.types.scalar import check_text
from shared.kernel import json
from shared.kernel.errors import ErrorList, Invalid


@dataclass(frozen=True, slots=True)
class Order:
    """A resolved sort: the attribute and its direction."""

    attribute: AttributeDef
    descending: bool


@dataclass(frozen=True, slots=True)
class Boundary:
    """The last entity of a page: sort values from the phase's own attribute on, as text, and the id."""

    phase: int
    values: tuple[str | None, ...]
    id: int

    @property
    def shape(self) -> tuple[Any, ...]:
        """What the keyset condition depends on: the phase and which values are missing."""
        return (self.phase, *(value is None for value in self.values))


def resolve(live: LiveType, sorts: Sequence[Sort]) -> tuple[Order, ...]:
    """Checked sorts; raises Invalid with all errors. Attributes that never had a value do not order anything."""
    errors = ErrorList()
    if len(sorts) > MAX_SORTS:
        errors.add("sorts", "INVALID_SORT", f"at most {MAX_SORTS} sorts are allowed, {len(sorts)} given")
        errors.raise_if_any()
    found: dict[str, Order] = {}
    for sort in sorts:
        try:
            attribute = live.attribute(sort.attribute)
        except Invalid as error:
            errors.errors.extend(error.errors)
            continue
        if not kind_of(attribute).sortable:
            kind = kind_of(attribute).name
            errors.add(sort.attribute, "INVALID_SORT", f"{sort.attribute} is of kind {kind}, which has no order")
        found.setdefault(attribute.name, Order(attribute, sort.descending))
    errors.raise_if_any()
    return tuple(order for order in found.values() if order.attribute.column is not None)


def sort_columns(source: Source, orders: Sequence[Order]) -> list[sa.ColumnElement]:
    """The sort values of a row as text, for its boundary."""
    return [sa.cast(_column(source, order), sa.Text()) for order in orders]


def _column(source: Source, order: Order) -> sa.ColumnElement:
    column = source.column(order.attribute)
    assert column is not None
    return column


def phases(orders: Sequence[Order]) -> range:
    """The phases of an order; a system attribute always has a value, which ends them."""
    for number, order in enumerate(orders):
        if order.attribute.system:
            return range(number + 1)
    return range(len(orders) + 1)


def phase_where(source: Source, orders: Sequence[Order], phase: int) -> list[sa.ColumnElement[bool]]:
    """The conditions of a phase."""
    conditions: list[sa.ColumnElement[bool]] = [_column(source, order).is_(None) for order in orders[:phase]]
    if phase < len(orders) and not orders[phase].attribute.system:
        conditions.append(_column(source, orders[phase]).is_not(None))
    return conditions


def phase_order(source: Source, orders: Sequence[Order], phase: int) -> list[sa.ColumnElement]:
    """ORDER BY of a phase: its own attribute without NULLS LAST (an index walk), the rest with, then the id."""
    terms: list[sa.ColumnElement] = []
    for number, order in enumerate(orders[phase:]):
        column = _column(source, order)
        term: sa.ColumnElement = column.desc() if order.descending else column.asc()
        terms.append(term if number == 0 or order.attribute.system else term.nulls_last())
    ident = _ident(source, orders, phase)
    return [*terms, ident.desc() if _descending(orders) else ident.asc()]


def whole_order(source: Source, orders: Sequence[Order]) -> list[sa.ColumnElement]:
    """ORDER BY of all phases in one: for reading everything, where no index walk has to begin anywhere."""
    columns = [(_column(source, order), order.descending) for order in orders]
    terms = [column.desc() if descending else column.asc() for column, descending in columns]
    ident = source.main.c.id
    return [*(one.nulls_last() for one in terms), ident.desc() if _descending(orders) else ident.asc()]


def _ident(source: Source, orders: Sequence[Order], phase: int) -> sa.ColumnElement[int]:
    """The id beside the phase's own attribute: both are in one index, whichever bank that is."""
    first = orders[phase].attribute if phase < len(orders) else None
    table = source.main if first is None else source.banks[first.bank]
    return table.c.id


def _descending(orders: Sequence[Order]) -> bool:
    return bool(orders) and orders[0].descending


def after(source: Source, orders: Sequence[Order], boundary: Boundary) -> sa.ColumnElement[bool]:
    """The keyset condition: everything behind the boundary in the order of its phase."""
    left = orders[boundary.phase :]
    columns = [_column(source, order) for order in left]
    binds = [_typed(f"k{number}", column) for number, column in enumerate(columns)]
    ident, ident_bind = _ident(source, orders, boundary.phase), sa.bindparam("kid", type_=sa.BigInteger())
    down = _descending(orders)
    if len(left) == 1 and left[0].descending == down:
        pair, bound = sa.tuple_(columns[0], ident), sa.tuple_(binds[0], ident_bind)
        return pair < bound if down else pair > bound
    condition: sa.ColumnElement[bool] = ident < ident_bind if down else ident > ident_bind
    for number in reversed(range(len(left))):
        column, bind = columns[number], binds[number]
        if boundary.values[number] is None:
            condition = sa.and_(column.is_(None), condition)
            continue
        beyond = column < bind if left[number].descending else column > bind
        if number:
            beyond = sa.or_(beyond, column.is_(None))
        condition = sa.or_(beyond, sa.and_(column == bind, condition))
    if left and boundary.values[0] is not None:
        # Redundant, but it tells the planner where the index walk starts.
        start = columns[0] <= binds[0] if left[0].descending else columns[0] >= binds[0]
        condition = sa.and_(start, condition)
    return condition


def _typed(name: str, column: sa.ColumnElement) -> sa.BindParameter:
    return sa.bindparam(name, type_=sa.Text() if isinstance(column.type, sa.Text) else column.type)


def boundary_params(orders: Sequence[Order], boundary: Boundary) -> dict[str, Any]:
    """Values of the keyset parameters."""
    params: dict[str, Any] = {"kid": boundary.id}
    for number, (order, text) in enumerate(zip(orders[boundary.phase :], boundary.values, strict=True)):
        if text is not None:
            params[f"k{number}"] = _PARSE[order.attribute.column[0] if order.attribute.column else "t"](text)
    return params


def _integer(text: str) -> int:
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise ValueError("no column holds so large a number")
    return value


def _instant(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is not None:
        raise ValueError("columns hold instants without a zone")
    return value


# By the first letter of the column: slot families, and the fixed columns created_at, updated_at, id. They raise
# ValueError or ValueProblem for text that the column cannot have given, which cursors from outside may hold.
_PARSE: dict[str, Callable[[str], Any]] = {
    "t": check_text,
    "i": _integer,
    "n": parse_number,
    "d": _instant,
    "c": _instant,
    "u": _instant,
}


def encode(boundary: Boundary, fingerprint: str) -> str:
    """An opaque cursor text."""
    raw = json.dumps([fingerprint, boundary.phase, list(boundary.values), boundary.id])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(cursor: str, orders: Sequence[Order], fingerprint: str) -> Boundary:
    """The boundary of a cursor; raises Invalid for anything that `encode` did not make for this very query."""
    try:
        raw = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        mark, phase, values, ident = raw
        boundary = Boundary(phase, tuple(values), ident)
        sound = mark == fingerprint and type(phase) is int and phase in phases(orders) and type(ident) is int
        sound = sound and all(value is None or isinstance(value, str) for value in values)
        if sound and 0 <= ident < 2**63 and len(values) == len(orders) - phase:
            boundary_params(orders, boundary)
            if phase < len(orders) and values[0] is None:
                raise ValueError("the phase's own attribute has a value")
            return boundary
    except (ValueError, TypeError, ValueProblem, binascii.Error, json.JsonError):
        pass
    message = "the cursor does not belong to this query: start again without it"
    raise Invalid.one("cursor", "INVALID_CURSOR", message)
