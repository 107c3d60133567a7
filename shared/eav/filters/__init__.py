"""Filters: asked for (`parse` or nodes built by a door), checked against a type in force, evaluated in Python.

No SQL here: the planner compiles checked filters.
"""

from __future__ import annotations

from shared.eav.filters.check import check, check_several
from shared.eav.filters.checked import (
    Checked,
    CheckedAnd,
    CheckedCondition,
    CheckedLinked,
    CheckedNode,
    CheckedNot,
    CheckedOr,
    CheckedText,
    Linkage,
    Linkages,
    searchable,
)
from shared.eav.filters.matching import matches
from shared.eav.filters.nodes import And, Condition, Node, Not, Or, Text
from shared.eav.filters.parse import parse
from shared.eav.types.operators import Operator

__all__ = [
    "And",
    "Checked",
    "CheckedAnd",
    "CheckedCondition",
    "CheckedLinked",
    "CheckedNode",
    "CheckedNot",
    "CheckedOr",
    "CheckedText",
    "Condition",
    "Linkage",
    "Linkages",
    "Node",
    "Not",
    "Operator",
    "Or",
    "Text",
    "check",
    "check_several",
    "matches",
    "parse",
    "searchable",
]
