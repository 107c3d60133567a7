"""Filters as they are asked for: a tree of conditions over attribute names with raw operands.

Any door builds these; `check` makes of them what can be compiled to SQL or evaluated in Python.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.eav.types.operators import Operator

__all__ = ["MAX_DEPTH", "MAX_LIST", "MAX_NODES", "And", "Condition", "Node", "Not", "Operator", "Or", "Text"]

MAX_DEPTH = 32
MAX_NODES = 500
MAX_LIST = 10_000


@dataclass(frozen=True, slots=True)
class Condition:
    """One attribute (by any name it is known by) asked with one operator. BETWEEN has two operands, IN any number."""

    attribute: str
    operator: Operator
    operands: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class And:
    """All of them; of none: true."""

    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them; of none: false."""

    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite. Two-valued: what does not match, matches the opposite, missing values included."""

    child: Node


@dataclass(frozen=True, slots=True)
class Text:
    """Free text: every word occurs somewhere inside a searchable attribute."""

    query: str


Node = Condition | And | Or | Not | Text
