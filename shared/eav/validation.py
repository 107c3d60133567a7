"""From what a caller sent to canonical values, or ALL errors. Pure: knows the catalog, not the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.eav.catalog import LiveType, nearest
from shared.eav.declare import AttributeDef
from shared.eav.types import ValueProblem, kind_of
from shared.kernel.errors import FieldError

Values = dict[str, Any]


def coerce(live: LiveType, given: Mapping[str, object], old: Mapping[str, Any]) -> tuple[Values, list[FieldError]]:
    """Canonical values by internal name (None clears), and every error by the name the caller used.

    `old`: stored canonical values by internal name, for kinds whose input may append to them.
    """
    values: Values = {}
    errors: list[FieldError] = []
    for name, raw in given.items():
        attribute = live.by_wire.get(name) or live.attributes.get(name) or live.by_label.get(name)
        if attribute is None:
            errors.append(_unknown(live, name))
        elif attribute.read_only:
            message = f'Property "{name}" is read-only: the system keeps its value'
            errors.append(FieldError(name, "READ_ONLY_VALUE", message))
        elif attribute.name in values:
            errors.append(FieldError(name, "DUPLICATE_PROPERTY", f'Property "{name}" is given twice'))
        else:
            values[attribute.name] = None
            try:
                values[attribute.name] = _coerce_one(attribute, raw, old)
            except ValueProblem as problem:
                errors.append(FieldError(name, problem.code, problem.message, tuple(problem.nearest)))
    return values, errors


def _coerce_one(attribute: AttributeDef, raw: object, old: Mapping[str, Any]) -> Any:
    if raw is None or raw == "":
        return None
    return kind_of(attribute).coerce(raw, attribute, old.get(attribute.name))


def _unknown(live: LiveType, name: str) -> FieldError:
    close = nearest(name, (*live.by_wire, *live.attributes, *live.by_label))
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    return FieldError(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist{hint}', close)


def missing_required(live: LiveType, values: Mapping[str, Any]) -> list[FieldError]:
    """Errors for required attributes without a value (a value that is being cleared counts as none)."""
    names = {one.name for one in live.attributes.values() if one.required}
    names |= {found.name for name in live.defn.required if (found := live.find(name))}
    return [
        FieldError(live.attributes[name].wire, "REQUIRED_FIELD", f'Property "{live.attributes[name].wire}" is required')
        for name in sorted(names)
        if values.get(name) is None
    ]
