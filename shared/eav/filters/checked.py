"""Filters that have been checked: names resolved, operators offered by the kind, operands ready to be compared.

`check` is the only way to make them. The planner compiles `root`, keeping the SQL by `shape`, and binds `params`;
`matches` evaluates the same tree in Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.eav.declare import AttributeDef, TypeDef
from shared.eav.types import Operator, kind_of

Shape = tuple[Any, ...]


class TypeInForce(Protocol):
    """What checking needs of an entity type in force (`catalog.LiveType` is one)."""

    @property
    def defn(self) -> TypeDef:
        """The definition."""

    @property
    def attributes(self) -> Mapping[str, AttributeDef]:
        """Live attributes by name."""

    def attribute(self, name: str) -> AttributeDef:
        """An attribute by any of its names; raises an Invalid."""


@dataclass(frozen=True, slots=True)
class CheckedCondition:
    """`operands` are slot-side: compared with `AttributeType.comparable`; parts of words for the token operators, the
    folded prefix for STARTS_WITH. `params` name what SQL binds: none, one, or two (BETWEEN); a list for IN."""

    attribute: AttributeDef
    operator: Operator
    operands: tuple[Any, ...]
    params: tuple[str, ...]
    members: frozenset[Any] = frozenset()

    @property
    def shape(self) -> Shape:
        """All that the SQL depends on besides the values, the names of what it binds included: a looked up part of a
        filter is asked without its child, whose number of parameters the names after it go by."""
        attribute = self.attribute
        return (self.operator.value, attribute.name, attribute.id, attribute.bank, attribute.column, *self.params)


@dataclass(frozen=True, slots=True)
class CheckedText:
    """Every part occurs in the words of one of the attributes; `params` bind LIKE patterns, one for each part."""

    attributes: tuple[AttributeDef, ...]
    parts: tuple[str, ...]
    params: tuple[str, ...]

    @property
    def shape(self) -> Shape:
        """What it binds."""
        return ("text", *self.params)


@dataclass(frozen=True, slots=True)
class CheckedAnd:
    """All of them; of none: true."""

    children: tuple[CheckedNode, ...]

    @property
    def shape(self) -> Shape:
        """The children's shapes."""
        return ("and", *(child.shape for child in self.children))


@dataclass(frozen=True, slots=True)
class CheckedOr:
    """Any of them; of none: false."""

    children: tuple[CheckedNode, ...]

    @property
    def shape(self) -> Shape:
        """The children's shapes."""
        return ("or", *(child.shape for child in self.children))


@dataclass(frozen=True, slots=True)
class CheckedNot:
    """The opposite."""

    child: CheckedNode

    @property
    def shape(self) -> Shape:
        """The child's shape."""
        return ("not", self.child.shape)


@dataclass(frozen=True, slots=True)
class Linkage:
    """How entities of a type are linked to those of another one: under the plain relation and its inverse. Two of an
    equal `mark` have the same definitions."""

    relation: int
    inverse: int
    live_type: TypeInForce = field(compare=False)
    mark: object


class Linkages(Protocol):
    """What checking needs to know of the types that a type is linked to."""

    def linkage(self, name: str) -> Linkage | None:
        """The linkage to a type by any of its names; None for unknown ones and those that cannot be linked."""

    def names(self) -> Sequence[str]:
        """Names of the types there are linkages to, for hints."""


@dataclass(frozen=True, slots=True)
class CheckedLinked:
    """Any live linked entity of the other type matches the child, which asks for that type's attributes.

    ids: the parameter that binds the ids of all entities that match the child, where somebody has looked them up.
    """

    linkage: Linkage
    child: CheckedNode
    ids: str | None = None

    @property
    def shape(self) -> Shape:
        """The linkage, and the child's shape where it has to be asked."""
        asked = ("ids",) if self.ids is not None else self.child.shape
        return ("linked", self.linkage.relation, self.linkage.mark, self.ids, asked)


CheckedNode = CheckedCondition | CheckedText | CheckedAnd | CheckedOr | CheckedNot | CheckedLinked


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked filter. `shape` holds no values: equal shapes of one catalog version make equal SQL."""

    root: CheckedNode
    shape: Shape
    params: Mapping[str, Any]


def searchable(live_type: TypeInForce) -> tuple[AttributeDef, ...]:
    """The attributes that free text looks at: of those asked by token, the ones that say so or that the type names."""
    named: Sequence[str] = live_type.defn.searchable
    texts = (one for one in live_type.attributes.values() if Operator.CONTAINS_TOKEN in kind_of(one).operators)
    return tuple(one for one in texts if one.searchable or one.name in named)
