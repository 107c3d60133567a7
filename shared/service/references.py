"""Values that refer to entities of another service: which of them refer to nothing."""

from __future__ import annotations

from collections.abc import Sequence

from shared.eav.catalog import LiveType
from shared.eav.requests import Draft, Update, Upsert
from shared.kernel.errors import FieldError
from shared.service.foreign import Foreign

_DIGITS = 19


def unknown_references(
    foreign: Foreign, live: LiveType, items: Sequence[Draft | Update | Upsert]
) -> dict[int, list[FieldError]]:
    """Errors, by place in the input, of ids that nobody knows. Asks one question per foreign type, none without ids.

    Values that are no ids at all are left to coercion, which says what is wrong with them.
    """
    asked: dict[str, dict[int, list[tuple[int, str]]]] = {}
    for place, item in enumerate(items):
        for name, value in item.values.items():
            attribute = live.find(name)
            if attribute is None or not foreign.follows(attribute.reference):
                continue
            text = str(value).strip()
            if text.isdecimal() and len(text) < _DIGITS:
                asked.setdefault(attribute.reference, {}).setdefault(int(text), []).append((place, name))
    errors: dict[int, list[FieldError]] = {}
    for entity_type, places in asked.items():
        for ident in foreign.unknown(entity_type, places.keys()):
            for place, name in places[ident]:
                message = f"{ident} is not the id of any {entity_type}"
                errors.setdefault(place, []).append(FieldError(name, "INVALID_OPTION", message))
    return errors
