"""How the wire dialect's pairs of type and fieldType stand for attribute kinds, both ways: one table.

Only the definition doors ask. Behaviour of kinds lives in `shared.eav.types`.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.eav.declare import AttributeDef


@dataclass(frozen=True, slots=True)
class WireKind:
    """One pair and the kind it stands for. `made` False: shown so, but a definition given so means another row."""

    type: str
    field_type: str
    kind: str
    made: bool = True


# The first row of a kind is how it is shown when its field_type does not name another of its rows.
WIRE_KINDS: tuple[WireKind, ...] = (
    WireKind("string", "text", "string"),
    WireKind("string", "file", "string"),
    WireKind("string", "textarea", "long_text"),
    WireKind("string", "html", "long_text"),
    WireKind("string", "phonenumber", "phone"),
    WireKind("string", "text", "phone", made=False),
    WireKind("string", "text", "email", made=False),
    WireKind("string", "text", "url", made=False),
    WireKind("number", "number", "number"),
    WireKind("number", "number", "reference", made=False),
    WireKind("date", "date", "date"),
    WireKind("datetime", "date", "datetime"),
    WireKind("enumeration", "select", "enumeration"),
    WireKind("enumeration", "radio", "enumeration"),
    WireKind("enumeration", "booleancheckbox", "enumeration"),
    WireKind("enumeration", "checkbox", "multi_enumeration"),
    WireKind("bool", "booleancheckbox", "boolean"),
)
# Choices that live elsewhere look like enumerations, whatever kind keeps them.
EXTERNAL = {
    field_type: WireKind("enumeration", field_type, "reference") for field_type in ("select", "radio", "checkbox")
}
CALCULATED = "calculation_equation"
TYPES = tuple(dict.fromkeys(row.type for row in WIRE_KINDS))
FIELD_TYPES = tuple(dict.fromkeys(row.field_type for row in WIRE_KINDS))

_MADE = {(row.type, row.field_type): row for row in WIRE_KINDS if row.made}
_SHOWN = {(row.kind, row.field_type): row for row in WIRE_KINDS}
_USUAL = {row.kind: row for row in reversed(WIRE_KINDS)}


def made(type: str, field_type: str) -> WireKind | None:
    """The row for a given pair, None when they do not go together."""
    return _MADE.get((type, field_type))


def field_types_of(type: str) -> tuple[str, ...]:
    """The fieldTypes that go with a type, for messages."""
    return tuple(row.field_type for row in WIRE_KINDS if row.made and row.type == type)


def shown(attribute: AttributeDef) -> WireKind:
    """How an attribute is shown."""
    if attribute.external_options:
        return EXTERNAL.get(attribute.field_type) or EXTERNAL["select"]
    return _SHOWN.get((attribute.kind, attribute.field_type)) or _USUAL[attribute.kind]
