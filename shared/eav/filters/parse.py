"""The native JSON grammar of filters, read into nodes. Not for the wire dialect, whose door builds nodes itself.

{"and": [F, ..]} | {"or": [F, ..]} | {"not": F} | {"text": "words"}
| {"attribute": name, "operator": OP, "value": v | "values": [v, ..] | "high_value": v}

A name is one of the attribute's own, `associations.company` (the ids of linked companies) or `company.industry` (an
attribute of any linked company).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.eav.filters.nodes import MAX_DEPTH, MAX_LIST, MAX_NODES, And, Condition, Node, Not, Or, Text
from shared.eav.folding import nearest
from shared.eav.types.operators import LISTS, PRESENCE, Operator
from shared.kernel.errors import ErrorList

INVALID_FILTER = "INVALID_FILTER"
INVALID_OPERATOR = "INVALID_OPERATOR"

# What an unreadable part is replaced by, so that reading goes on and finds the other errors too.
_NOTHING = And(())


def parse(raw: object, path: str = "filter") -> Node:
    """The nodes of parsed JSON. Raises Invalid with every error, each named by its path (`filter.and[0].operator`)."""
    reader = _Reader()
    node = reader.node(raw, path, 1)
    reader.errors.raise_if_any()
    return node


@dataclass(slots=True)
class _Reader:
    """One reading: counts nodes and collects errors."""

    errors: ErrorList = field(default_factory=ErrorList)
    count: int = 0

    def wrong(self, path: str, message: str, *, code: str = INVALID_FILTER, close: tuple[str, ...] = ()) -> None:
        self.errors.add(path, code, f"{path}: {message}", close)

    def node(self, raw: object, path: str, depth: int) -> Node:
        self.count += 1
        if self.count > MAX_NODES:
            if self.count == MAX_NODES + 1:
                self.wrong(path, f"a filter has at most {MAX_NODES} parts")
            return _NOTHING
        if depth > MAX_DEPTH:
            self.wrong(path, f"a filter is at most {MAX_DEPTH} levels deep")
            return _NOTHING
        if not isinstance(raw, dict):
            self.wrong(path, "expected an object")
            return _NOTHING
        forms = [name for name in _FORMS if name in raw]
        if len(forms) != 1:
            self.wrong(path, f"expected exactly one of {', '.join(_FORMS)}")
            return _NOTHING
        read, allowed = _FORMS[forms[0]]
        self.unknown_keys(raw, allowed, path)
        return read(self, raw, path, depth)

    def unknown_keys(self, raw: dict[Any, Any], allowed: tuple[str, ...], path: str) -> None:
        for key in raw:
            if key not in allowed:
                name = str(key)[:100]
                self.wrong(f"{path}.{name}", "is not known here", close=nearest(name, allowed))

    def children(self, raw: dict[str, Any], key: str, path: str, depth: int) -> tuple[Node, ...]:
        listed = raw[key]
        if not isinstance(listed, list):
            self.wrong(f"{path}.{key}", "expected a list of filters")
            return ()
        cut = listed[: MAX_NODES + 1]
        return tuple(self.node(one, f"{path}.{key}[{at}]", depth + 1) for at, one in enumerate(cut))

    def all_of(self, raw: dict[str, Any], path: str, depth: int) -> Node:
        return And(self.children(raw, "and", path, depth))

    def any_of(self, raw: dict[str, Any], path: str, depth: int) -> Node:
        return Or(self.children(raw, "or", path, depth))

    def opposite(self, raw: dict[str, Any], path: str, depth: int) -> Node:
        return Not(self.node(raw["not"], f"{path}.not", depth + 1))

    def text(self, raw: dict[str, Any], path: str, _depth: int) -> Node:
        query = raw["text"]
        if not isinstance(query, str):
            self.wrong(f"{path}.text", "expected text")
            return _NOTHING
        return Text(query)

    def condition(self, raw: dict[str, Any], path: str, _depth: int) -> Node:
        attribute = raw["attribute"]
        if not isinstance(attribute, str) or not attribute:
            self.wrong(f"{path}.attribute", "expected the name of an attribute")
            attribute = ""
        operator = self.operator(raw, path)
        if operator is None:
            return _NOTHING
        return Condition(attribute, operator, self.operands(operator, raw, path))

    def operator(self, raw: dict[str, Any], path: str) -> Operator | None:
        name = raw.get("operator")
        if isinstance(name, str) and name in _OPERATORS:
            return _OPERATORS[name]
        close = nearest(name.replace(" ", "_"), _OPERATORS) if isinstance(name, str) else ()
        hint = f"did you mean {' or '.join(close)}?" if close else f"use one of {', '.join(_OPERATORS)}"
        self.wrong(f"{path}.operator", f"not an operator; {hint}", code=INVALID_OPERATOR, close=close)
        return None

    def operands(self, operator: Operator, raw: dict[str, Any], path: str) -> tuple[object, ...]:
        if operator in PRESENCE:
            return ()
        if operator in LISTS:
            values = raw.get("values")
            if not isinstance(values, list) or not 0 < len(values) <= MAX_LIST:
                self.wrong(f"{path}.values", f"{operator} needs a list of 1 to {MAX_LIST} values")
                return ()
            return tuple(values)
        needed = ("value", "high_value") if operator is Operator.BETWEEN else ("value",)
        for key in needed:
            if raw.get(key) is None:
                self.wrong(f"{path}.{key}", f"{operator} needs it")
        return tuple(raw.get(key) for key in needed)


_OPERATORS = {operator.value: operator for operator in Operator}
_Read = Callable[[_Reader, dict[str, Any], str, int], Node]
_FORMS: dict[str, tuple[_Read, tuple[str, ...]]] = {
    "and": (_Reader.all_of, ("and",)),
    "or": (_Reader.any_of, ("or",)),
    "not": (_Reader.opposite, ("not",)),
    "text": (_Reader.text, ("text",)),
    "attribute": (_Reader.condition, ("attribute", "operator", "value", "values", "high_value")),
}
