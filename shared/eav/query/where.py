"""Checked filters to SQL conditions, two-valued like their evaluation in Python (`filters.matches`).

Built once per shape: parameters are bound by the names the checked filter gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.filters import (
    Checked,
    CheckedAnd,
    CheckedCondition,
    CheckedLinked,
    CheckedNode,
    CheckedNot,
    CheckedOr,
    CheckedText,
    Operator,
    searchable,
)
from shared.eav.query.source import Source, linked_source
from shared.eav.tables import LINK, MULTI
from shared.eav.types import kind_of
from shared.eav.types.operators import MATCHES_MISSING, TOKENS

Sql = sa.ColumnElement[bool]

# What is "not" of a condition that a value must be there for, asked the other way round.
COMPLEMENTS = {
    Operator.NOT_HAS: Operator.HAS,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_CONTAINS_TOKEN: Operator.CONTAINS_TOKEN,
}


def attributes_of(checked: Checked | None) -> list[AttributeDef]:
    """Every attribute a filter asks for, so that the statement's source joins its bank."""
    return [] if checked is None else list(walk(checked.root))


def walk(node: CheckedNode) -> Iterator[AttributeDef]:
    """The attributes of a node's conditions on the type itself."""
    match node:
        case CheckedCondition():
            yield node.attribute
        case CheckedAnd(children) | CheckedOr(children):
            for child in children:
                yield from walk(child)
        case CheckedNot(child):
            yield from walk(child)
        case CheckedText() | CheckedLinked():
            return


# The index that serves a text pattern serves only a plan that knows the pattern: no plan fits all of them.
PATTERNS = frozenset({*TOKENS, Operator.STARTS_WITH})


def asks_words(node: CheckedNode) -> bool:
    """Whether search documents are asked: what is found there comes in no order, and is sorted as a whole."""
    match node:
        case CheckedCondition():
            return node.operator in TOKENS
        case CheckedAnd(children) | CheckedOr(children):
            return any(asks_words(child) for child in children)
        case CheckedNot(child):
            return asks_words(child)
    return isinstance(node, CheckedText)


def where(source: Source, node: CheckedNode) -> Sql:
    """The condition of a node; never NULL where that would matter: NOT asks `is not true`."""
    match node:
        case CheckedCondition():
            return _condition(source, node)
        case CheckedAnd(children):
            return sa.and_(sa.true(), *(where(source, child) for child in children))
        case CheckedOr(children):
            return sa.or_(sa.false(), *(where(source, child) for child in children))
        case CheckedNot(child):
            return where(source, child).is_not(sa.true())
        case CheckedText():
            return _text(source, node)
        case CheckedLinked():
            return _linked(source, node)


def _linked(source: Source, node: CheckedLinked) -> Sql:
    """From the linked ones, where somebody looked up which match (they are few); else link by link from here."""
    own = source.main.c.id
    if node.ids is not None:
        here = sa.select(LINK.c.to_id).where(LINK.c.relation == sa.literal_column(str(node.linkage.inverse)))
        return own.in_(here.where(LINK.c.from_id == sa.func.any(_array(node.ids, sa.BigInteger()))))
    other = linked_ends(node)
    asked: sa.Select[Any] = (
        sa.select(sa.literal_column("1"))
        .select_from(LINK.join(other.rows, other.main.c.id == LINK.c.to_id))
        .where(LINK.c.relation == sa.literal_column(str(node.linkage.relation)), LINK.c.from_id == own)
        .where(where(other, node.child))
        .correlate(source.main)
    )
    return sa.exists(asked)


def linked_ends(node: CheckedLinked) -> Source:
    """The rows of the other type, for asking the child."""
    live = node.linkage.live_type
    assert isinstance(live, LiveType)
    return linked_source(live, list(walk(node.child)))


def _condition(source: Source, node: CheckedCondition) -> Sql:
    if node.operator in (Operator.CONTAINS_TOKEN, Operator.NOT_CONTAINS_TOKEN):
        found = _in_words(source, node)
        return found if node.operator is Operator.CONTAINS_TOKEN else sa.not_(found)
    if kind_of(node.attribute).family is None:
        return _multiple(source, node)
    column = source.column(node.attribute)
    if column is None:
        # No value was ever stored: the same as every entity lacking one.
        return sa.true() if node.operator in MATCHES_MISSING else sa.false()
    return _OPERATORS[node.operator](column, node)


def _bind(name: str, like: sa.ColumnElement) -> sa.BindParameter:
    kind = sa.Text() if isinstance(like.type, sa.Text) else like.type
    return sa.bindparam(name, type_=kind)


def _array(name: str, kind: Any) -> sa.ColumnElement[Any]:
    plain = sa.Text() if isinstance(kind, sa.Text) else kind
    return sa.cast(sa.bindparam(name), pg.ARRAY(plain))


def _starts_with(column: sa.ColumnElement, node: CheckedCondition) -> Sql:
    return column.like(_bind(node.params[0], column))


_OPERATORS: dict[Operator, Callable[[sa.ColumnElement, CheckedCondition], Sql]] = {
    Operator.HAS: lambda column, node: column.is_not(None),
    Operator.NOT_HAS: lambda column, node: column.is_(None),
    Operator.EQ: lambda column, node: column == _bind(node.params[0], column),
    Operator.NEQ: lambda column, node: column != _bind(node.params[0], column),
    Operator.LT: lambda column, node: column < _bind(node.params[0], column),
    Operator.LTE: lambda column, node: column <= _bind(node.params[0], column),
    Operator.GT: lambda column, node: column > _bind(node.params[0], column),
    Operator.GTE: lambda column, node: column >= _bind(node.params[0], column),
    Operator.BETWEEN: lambda column, node: sa.and_(
        column >= _bind(node.params[0], column), column <= _bind(node.params[1], column)
    ),
    Operator.IN: lambda column, node: column == sa.func.any(_array(node.params[0], column.type)),
    Operator.NOT_IN: lambda column, node: sa.or_(
        column.is_(None), column != sa.func.all(_array(node.params[0], column.type))
    ),
    Operator.STARTS_WITH: _starts_with,
}


def _multiple(source: Source, node: CheckedCondition) -> Sql:
    """Kinds without a slot: rows of eav_multi, found by (attribute, value); one row says that there is long text."""
    ident: sa.ColumnElement[int] = sa.literal_column(str(node.attribute.id))
    rows = sa.select(MULTI.c.entity_id).where(MULTI.c.attribute_id == ident)
    has = source.main.c.id.in_(rows)
    if node.operator in (Operator.HAS, Operator.NOT_HAS):
        return has if node.operator is Operator.HAS else sa.not_(has)
    if node.operator in (Operator.EQ, Operator.NEQ):
        chosen = source.main.c.id.in_(rows.where(MULTI.c.value == _bind(node.params[0], MULTI.c.value)))
    else:
        values = _array(node.params[0], MULTI.c.value.type)
        chosen = source.main.c.id.in_(rows.where(MULTI.c.value == sa.func.any(values)))
    return {
        Operator.EQ: chosen,
        Operator.IN: chosen,
        Operator.NEQ: sa.and_(has, sa.not_(chosen)),
        Operator.NOT_IN: sa.not_(chosen),
    }[node.operator]


def _segment(document: sa.ColumnElement, attribute: AttributeDef) -> sa.ColumnElement:
    """The words of one attribute inside a search document (see store.state.document)."""
    mark: sa.ColumnElement[str] = sa.literal_column(f"E'\\n{attribute.id}\\t'")
    rest = sa.func.split_part(document, mark, sa.literal_column("2"))
    return sa.func.split_part(rest, sa.literal_column("E'\\n'"), sa.literal_column("1"))


def _in_words(source: Source, node: CheckedCondition) -> Sql:
    """The whole document narrows down by its trigrams, the attribute's own segment decides."""
    search = source.search
    pattern = sa.bindparam(node.params[0], type_=sa.Text())
    segment = _segment(search.c.doc, node.attribute)
    found = sa.select(search.c.id).where(*source.worded, search.c.doc.like(pattern), segment.like(pattern))
    return source.main.c.id.in_(found)


def _text(source: Source, node: CheckedText) -> Sql:
    if not node.params:
        return sa.true()
    search = source.search
    looked_at = searchable(source.live)
    conditions: list[Sql] = list(source.worded)
    for name in node.params:
        pattern = sa.bindparam(name, type_=sa.Text())
        conditions.append(search.c.doc.like(pattern))
        conditions.append(sa.or_(sa.false(), *(_segment(search.c.doc, one).like(pattern) for one in looked_at)))
    return source.main.c.id.in_(sa.select(search.c.id).where(*conditions))
