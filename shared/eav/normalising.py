"""Equality operands of a filter as the domain would store them: what was written is found by what was typed."""

from __future__ import annotations

from shared.eav.catalog import Catalog, LiveType
from shared.eav.filters import And, Condition, Node, Not, Operator, Or
from shared.eav.links.neighbours import linked_name
from shared.eav.validation import Judge
from shared.kernel.errors import NotFound

_EQUALITIES = {Operator.EQ, Operator.NEQ, Operator.IN, Operator.NOT_IN}


def normalised(catalog: Catalog, live: LiveType, node: Node, judge: Judge) -> Node:
    """The filter over `live` with such operands; what it names wrongly stays as it is, for `check` to tell."""
    match node:
        case And(children) | Or(children):
            return type(node)(tuple(normalised(catalog, live, child, judge) for child in children))
        case Not(child):
            return Not(normalised(catalog, live, child, judge))
        case Condition(name, operator, operands) if operator in _EQUALITIES:
            meant = _meant(catalog, live, name)
            if meant is not None:
                return Condition(name, operator, tuple(judge.normalised(*meant, one) for one in operands))
    return node


def _meant(catalog: Catalog, live: LiveType, name: str) -> tuple[str, str] | None:
    """(type, attribute) that a name means, of a linked type's too; None for unknown ones."""
    linked = linked_name(live, name)
    try:
        owner = live if linked is None else catalog.linkable(linked[0])
    except NotFound:
        return None
    found = owner.find(name if linked is None else linked[1])
    return None if found is None else (owner.name, found.name)
