"""How the wire dialect names things: entity types in paths, ids, and refs by a unique attribute.

For the dialect's doors only; the native door passes names through as they are.
"""

from __future__ import annotations

import re

from shared.kernel.errors import NotFound
from shared.service.entities import Ref
from shared.service.web.errors import PORTAL_ID

BIGGEST_ID = 2**63 - 1
ID_PROPERTY = "hs_object_id"
_QUALIFIED = re.compile(r"p\d+_(.+)", re.DOTALL)


def entity_type(text: str) -> str:
    """The name to look a type up by: `p12_car` of any installation's number means `car` here."""
    if text[:1] == "p" and (found := _QUALIFIED.fullmatch(text)):
        return found[1]
    return text


def qualified(name: str) -> str:
    """The fully qualified name of a custom type."""
    return f"p{PORTAL_ID}_{name}"


def entity_id(text: str) -> int | None:
    """The number of an id, None when it has not the form of one. Too great a number is one that no entity has."""
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if len(text) < 20 and int(text) <= BIGGEST_ID else BIGGEST_ID


def ref_of(text: str, id_property: str = "") -> Ref | None:
    """A ref by id, or by the value of a unique property; None when nothing can have this id."""
    if id_property and id_property != ID_PROPERTY:
        return Ref(attribute=id_property, value=text) if text else None
    number = entity_id(text)
    return None if number is None else Ref(id=number)


def ref_in_path(kind: str, text: str, id_property: str = "") -> Ref:
    """The same for the rest of a path, which may hold slashes when a property's value does. Raises NotFound."""
    found = ref_of(text, id_property) or ref_of(text.removesuffix("/"))
    if found is None:
        raise NotFound(kind, [text])
    return found
