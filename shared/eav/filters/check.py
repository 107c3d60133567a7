"""Checking filters against an entity type in force: every error at once, or a tree ready to be run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.eav.declare import AttributeDef
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
    TypeInForce,
    searchable,
)
from shared.eav.filters.nodes import MAX_DEPTH, MAX_LIST, MAX_NODES, And, Condition, Node, Not, Or, Text
from shared.eav.filters.parse import INVALID_FILTER, INVALID_OPERATOR
from shared.eav.folding import fold, nearest, parts_like, query_parts, slot_prefix
from shared.eav.types import ValueProblem, kind_of
from shared.eav.types.kind import pattern_of, token_operand
from shared.eav.types.operators import LISTS, PRESENCE, TOKENS, Operator
from shared.eav.types.scalar import check_text, scalar_text
from shared.kernel.errors import ErrorList, Invalid

MAX_QUERY = 3000
MAX_QUERY_PARTS = 100
REQUIRED = "REQUIRED_FIELD"
TOO_FAR = "TOO_MANY_LINKS"

LINKS = "associations."
"""What names of links begin with: `associations.company` are the ids of linked companies, `company.industry` asks for
an attribute of any of them."""

_ALL = CheckedAnd(())
_OF_LINKS = (Operator.EQ, Operator.NEQ, Operator.IN, Operator.NOT_IN, Operator.HAS, Operator.NOT_HAS)


def check(node: Node, live_type: TypeInForce, linkages: Linkages | None = None) -> Checked:
    """The filter, checked. Raises Invalid with every error: unknown attributes, operators that a kind does not offer,
    operands that it does not take; each error is named by the attribute as the caller wrote it.

    linkages: the types whose entities, and their attributes, may be asked for; None: no links can be.
    """
    checker = _Checker(live_type, linkages)
    root = checker.node(node, 1)
    checker.errors.raise_if_any()
    return Checked(root, root.shape, checker.params)


def check_several(
    nodes: Sequence[Node], live_type: TypeInForce, linkages: Linkages | None = None, *, strict: bool = True
) -> tuple[tuple[CheckedNode | None, ...], dict[str, Any]]:
    """Filters for one statement, and what all of them bind, each under names of its own. Raises Invalid; not strict:
    None in the place of what is wrong."""
    found: list[CheckedNode | None] = []
    params: dict[str, Any] = {}
    for node in nodes:
        checker = _Checker(live_type, linkages, params=params)
        root = checker.node(node, 1)
        if strict:
            checker.errors.raise_if_any()
        found.append(None if checker.errors.errors else root)
    return tuple(found), params


@dataclass(slots=True)
class _Checker:
    """One checking: collects errors and parameters."""

    live_type: TypeInForce
    linkages: Linkages | None = None
    errors: ErrorList = field(default_factory=ErrorList)
    params: dict[str, Any] = field(default_factory=dict)
    count: int = 0

    def bind(self, value: Any) -> str:
        name = f"p{len(self.params)}"
        self.params[name] = value
        return name

    def node(self, node: Node, depth: int) -> CheckedNode:
        self.count += 1
        if self.count > MAX_NODES or depth > MAX_DEPTH:
            if self.count == MAX_NODES + 1 or depth > MAX_DEPTH:
                limits = f"{MAX_NODES} parts and {MAX_DEPTH} levels"
                self.errors.add("filter", INVALID_FILTER, f"a filter has at most {limits}")
            return _ALL
        match node:
            case Condition():
                return self.condition(node)
            case And(children):
                return CheckedAnd(tuple(self.node(child, depth + 1) for child in children))
            case Or(children):
                return CheckedOr(tuple(self.node(child, depth + 1) for child in children))
            case Not(child):
                return CheckedNot(self.node(child, depth + 1))
            case Text(query):
                return self.text(query)

    def text(self, query: str) -> CheckedNode:
        try:
            parts = query_parts(check_text(query)) if len(query) <= MAX_QUERY else None
        except ValueProblem as problem:
            self.errors.add("text", problem.code, problem.message)
            return _ALL
        if parts is None or len(parts) > MAX_QUERY_PARTS:
            limits = f"{MAX_QUERY} characters and {MAX_QUERY_PARTS} words"
            self.errors.add("text", INVALID_FILTER, f"a free text has at most {limits}")
            return _ALL
        params = tuple(self.bind(parts_like([part])) for part in parts)
        return CheckedText(searchable(self.live_type), parts, params)

    def condition(self, node: Condition) -> CheckedNode:
        try:
            attribute = self.live_type.attribute(node.attribute)
        except Invalid as error:
            linked = self.linked(node)
            if linked is None:
                self.errors.errors.extend(error.errors)
            return linked or _ALL
        return self.on(attribute, node)

    def linked(self, node: Condition) -> CheckedNode | None:
        """What a name with a dot in it means, None when it is no name of links or of linked entities' attributes."""
        if self.linkages is None or "." not in node.attribute:
            return None
        if node.attribute.startswith(LINKS):
            name = node.attribute.removeprefix(LINKS)
            linkage = self.linkages.linkage(name)
            return self.unlinkable(node, name) if linkage is None else self.links(linkage, node)
        name, _, inner = node.attribute.partition(".")
        linkage = self.linkages.linkage(name)
        if linkage is None:
            return None
        try:
            attribute = linkage.live_type.attribute(inner)
        except Invalid as error:
            if "." in inner:
                return self.too_far(node, linkage, inner)
            for one in error.errors:
                close = tuple(f"{name}.{known}" for known in one.nearest)
                self.errors.add(node.attribute, one.code, one.message, close)
            return _ALL
        return CheckedLinked(linkage, self.on(attribute, node))

    def too_far(self, node: Condition, linkage: Linkage, inner: str) -> CheckedNode:
        """More than one link away: what that finds among millions would be anybody's guess. Two questions tell it."""
        plural = linkage.live_type.defn.plural
        message = (
            f"{node.attribute[:200]} leads over more than one link; conditions reach one link far. Ask {plural} for "
            f"{inner[:100]} first, then for {LINKS}{linkage.live_type.defn.name} IN with their ids"
        )
        self.errors.add(node.attribute, TOO_FAR, message)
        return _ALL

    def unlinkable(self, node: Condition, name: str) -> CheckedNode:
        known = self.linkages.names() if self.linkages else ()
        close = tuple(f"{LINKS}{one}" for one in nearest(name, known))
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        message = f"{node.attribute}: nothing here is linked to {name[:100]}{hint}"
        self.errors.add(node.attribute, "PROPERTY_DOESNT_EXIST", message, close)
        return _ALL

    def links(self, linkage: Linkage, node: Condition) -> CheckedNode:
        """The ids of linked entities, asked like an attribute of several values."""
        if node.operator not in _OF_LINKS:
            offered = ", ".join(one.value for one in _OF_LINKS)
            message = f"{node.operator.value} is not offered for {node.attribute}: links are asked with {offered}"
            self.errors.add(node.attribute, INVALID_OPERATOR, message)
            return _ALL
        some = CheckedLinked(linkage, _ALL)
        if node.operator in PRESENCE:
            if not self.right_number(node):
                return _ALL
            return some if node.operator is Operator.HAS else CheckedNot(some)
        asked = Operator.IN if node.operator in LISTS else Operator.EQ
        ident = linkage.live_type.attributes["id"]
        these = CheckedLinked(linkage, self.on(ident, Condition(node.attribute, asked, node.operands)))
        if node.operator is Operator.NEQ:
            return CheckedAnd((some, CheckedNot(these)))
        return CheckedNot(these) if node.operator is Operator.NOT_IN else these

    def on(self, attribute: AttributeDef, node: Condition) -> CheckedNode:
        """A condition on this attribute, whose type may be another than the filter's."""
        kind = kind_of(attribute)
        if node.operator not in kind.operators:
            offered = ", ".join(one.value for one in Operator if one in kind.operators)
            message = (
                f"{node.operator.value} is not offered for {node.attribute}, which is of kind {kind.name}: "
                f"each kind has its operators, {kind.name} has {offered}"
            )
            self.errors.add(node.attribute, INVALID_OPERATOR, message)
            return _ALL
        if not self.right_number(node):
            return _ALL
        operands = [self.operand(node, raw, attribute) for raw in node.operands]
        return self.bound(attribute, node.operator, tuple(operands))

    def right_number(self, node: Condition) -> bool:
        given = len(node.operands)
        if node.operator in PRESENCE:
            needed, right = "no value", given == 0
        elif node.operator in LISTS:
            needed, right = f"1 to {MAX_LIST} values", 0 < given <= MAX_LIST
        else:
            count = 2 if node.operator is Operator.BETWEEN else 1
            needed, right = f"{count} value{'s' * (count > 1)}", given == count
        if not right:
            message = f"{node.operator.value} on {node.attribute} needs {needed}, {given} given"
            self.errors.add(node.attribute, INVALID_FILTER, message)
        return right

    def operand(self, node: Condition, raw: object, attribute: AttributeDef) -> Any:
        if raw is None or raw == "":
            hint = f"to find entities without a value, use {Operator.NOT_HAS.value}"
            message = f"{node.operator.value} on {node.attribute} needs a value; {hint}"
            self.errors.add(node.attribute, REQUIRED, message)
            return None
        try:
            if node.operator in TOKENS:
                return token_operand(raw)
            if node.operator is Operator.STARTS_WITH:
                return slot_prefix(fold(scalar_text(raw)))
            return kind_of(attribute).operand(raw, attribute)
        except ValueProblem as problem:
            message = f"{node.attribute}: {problem.message}"
            self.errors.add(node.attribute, problem.code, message, problem.nearest)
            return None

    def bound(self, attribute: AttributeDef, operator: Operator, operands: tuple[Any, ...]) -> CheckedNode:
        if self.errors.errors:
            return _ALL
        if operator in LISTS:
            members = frozenset(operands)
            once = tuple(dict.fromkeys(operands))
            return CheckedCondition(attribute, operator, once, (self.bind(list(once)),), members)
        if operator in TOKENS or operator is Operator.STARTS_WITH:
            params = (self.bind(pattern_of(operator, operands[0])),)
            return CheckedCondition(attribute, operator, operands, params)
        return CheckedCondition(attribute, operator, operands, tuple(self.bind(one) for one in operands))
