"""How many entities match: exactly, with complements asked as differences an index alone can answer, or estimated."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from shared.eav.catalog import LiveType, keyed
from shared.eav.filters import Checked, CheckedAnd, CheckedCondition, CheckedNode, CheckedNot, Operator
from shared.eav.query.planning import ANEW, ANEW_PARAMS
from shared.eav.query.sorting import Order, phase_where
from shared.eav.query.source import bank_source, source
from shared.eav.query.where import COMPLEMENTS, PATTERNS, attributes_of, walk, where
from shared.eav.types.operators import MATCHES_MISSING, TOKENS
from shared.kernel.db import Connection, compiled

_EVERYTHING = CheckedAnd(())
GUESSED = 10_000


class _Key:
    """Live type and filter as a cache key: equal when the SQL is."""

    __slots__ = ("_key", "filter", "live")

    def __init__(self, live: LiveType, checked: Checked | None) -> None:
        self.live = live
        self.filter = checked
        self._key = (keyed(live), checked.shape if checked else None)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._key == other._key


def parts(node: CheckedNode) -> tuple[CheckedNode, CheckedNode | None]:
    """(counted, subtracted): "not set" is all minus set, "not equal" is set minus equal, "not" is all minus it."""
    if isinstance(node, CheckedAnd) and len(node.children) == 1:
        return parts(node.children[0])
    if isinstance(node, CheckedNot):
        return _EVERYTHING, node.child
    if isinstance(node, CheckedCondition):
        if node.operator in COMPLEMENTS:
            return _EVERYTHING, replace(node, operator=COMPLEMENTS[node.operator])
        if node.operator is Operator.NEQ:
            has = replace(node, operator=Operator.HAS, operands=(), params=())
            return has, replace(node, operator=Operator.EQ)
    return node, None


def _count(live: LiveType, node: CheckedNode) -> sa.Select[Any]:
    bank = _only_bank(node)
    attributes = list(walk(node))
    tables = source(live, attributes) if bank is None else bank_source(live, attributes, bank)
    query = sa.select(sa.func.count()).select_from(tables.rows).correlate(None)
    return query if node == _EVERYTHING else query.where(where(tables, node))


def exact(live: LiveType, checked: Checked | None) -> sa.ColumnElement[int]:
    """The exact number as a value, for a statement of its own or within another."""
    counted, subtracted = parts(checked.root) if checked else (_EVERYTHING, None)
    answer: sa.ColumnElement[int] = _count(live, counted).scalar_subquery()
    return answer if subtracted is None else answer - _count(live, subtracted).scalar_subquery()


def _only_bank(node: CheckedNode) -> int | None:
    """The bank whose rows alone tell: all conditions are on its slots, and none holds where there is no row."""
    conditions = node.children if isinstance(node, CheckedAnd) else (node,)
    banks = {_strict_bank(one) for one in conditions}
    return banks.pop() if len(banks) == 1 else None


def _strict_bank(node: CheckedNode) -> int | None:
    if not isinstance(node, CheckedCondition) or node.operator in MATCHES_MISSING | TOKENS:
        return None
    return node.attribute.bank if node.attribute.column is not None else None


@lru_cache(maxsize=2048)
def _statement(key: _Key) -> str:
    query = sa.select(exact(key.live, key.filter).label("total"))
    return compiled(query if _has_one_plan(key.filter) else query.where(ANEW))


def count(connection: Connection, live: LiveType, checked: Checked | None) -> int:
    """The exact number, in one statement."""
    params = {**checked.params, **ANEW_PARAMS} if checked else ANEW_PARAMS
    row = connection.row(_statement(_Key(live, checked)), params, prepare=None)
    assert row is not None
    return int(row[0])


def _has_one_plan(checked: Checked | None) -> bool:
    """Without a condition, or with a single one on a slot, there is one sensible plan whatever the value."""
    return checked is None or _is_single(checked.root)


def _is_single(node: CheckedNode) -> bool:
    if isinstance(node, CheckedAnd) and len(node.children) == 1:
        return _is_single(node.children[0])
    return isinstance(node, CheckedCondition) and node.operator not in PATTERNS


@lru_cache(maxsize=512)
def _estimate_statement(key: _Key) -> str:
    tables = source(key.live, attributes_of(key.filter))
    query = sa.select(tables.main.c.id).select_from(tables.rows)
    if key.filter is not None:
        query = query.where(where(tables, key.filter.root))
    return "explain (format json) " + compiled(query)


def estimate(connection: Connection, live: LiveType, checked: Checked | None) -> int:
    """What the planner's statistics say, without reading data; few are counted, since there a guess is far off."""
    row = connection.row(_estimate_statement(_Key(live, checked)), checked.params if checked else {})
    assert row is not None
    guess = int(row[0][0]["Plan"]["Plan Rows"])
    return guess if guess > GUESSED else count(connection, live, checked)


def phase_size(
    connection: Connection, live: LiveType, checked: Checked | None, orders: tuple[Order, ...], phase: int
) -> int:
    """How many entities one phase of an order has: where a cold offset falls. Not kept: cold jumps are rare."""
    tables = source(live, [*attributes_of(checked), *(order.attribute for order in orders)])
    query = sa.select(sa.func.count()).select_from(tables.rows).where(*phase_where(tables, orders, phase))
    if checked is not None:
        query = query.where(where(tables, checked.root))
    row = connection.row(compiled(query), checked.params if checked else {})
    assert row is not None
    return int(row[0])
