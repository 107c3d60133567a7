"""Values that refer to entities of another service: which of them refer to nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from shared.eav.bulk.items import BulkItem
from shared.eav.catalog import Keyed, LiveType, keyed
from shared.eav.requests import Draft, Update, Upsert
from shared.kernel.errors import FieldError
from shared.service.foreign import Foreign

_DIGITS = 19


def unknown_references(
    foreign: Foreign, live: LiveType, items: Sequence[Draft | Update | Upsert | BulkItem]
) -> dict[int, list[FieldError]]:
    """Errors, by place in the input, of ids that nobody knows. Asks one question per foreign type, none without ids.

    Values that are no ids at all are left to coercion, which says what is wrong with them.
    """
    asked: dict[str, dict[int, list[tuple[int, str]]]] = {}
    followed = _followed(foreign, live)
    for place, item in enumerate(items):
        for name in item.values if followed else ():
            if name not in followed:
                continue
            text = str(item.values[name]).strip()
            if text.isdecimal() and len(text) < _DIGITS:
                asked.setdefault(followed[name], {}).setdefault(int(text), []).append((place, name))
    errors: dict[int, list[FieldError]] = {}
    for entity_type, places in asked.items():
        for ident in foreign.unknown(entity_type, places.keys()):
            for place, name in places[ident]:
                message = f"{ident} is not the id of any {entity_type}"
                errors.setdefault(place, []).append(FieldError(name, "INVALID_OPTION", message))
    return errors


def _followed(foreign: Foreign, live: LiveType) -> Mapping[str, str]:
    """{name a caller may use: foreign type} of the attributes whose ids can be told real from made up."""
    return _names(foreign.types, keyed(live)) if foreign.types else {}


@lru_cache(maxsize=256)
def _names(types: frozenset[str], key: Keyed) -> dict[str, str]:
    live = key.live
    return {
        name: one.reference
        for one in live.attributes.values()
        if one.reference in types
        for name in (one.wire, one.name, one.label)
        if live.find(name) is one
    }
