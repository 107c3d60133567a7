"""What of a mapping is kept for the next file with these columns: where they go and how their cells are written.

Not for what was wanted of one run (mode, what blanks mean, values set in every row, missing link targets): that is said
anew each time, lest one import's orders act in the next. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COLUMN = ("column", "attribute", "date_format", "decimal", "values")
_LINK = ("column", "type", "attribute", "relation", "values")


def lasting(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a mapping that is about columns."""
    return {
        "key": mapping.get("key"),
        "id_column": mapping.get("id_column"),
        "columns": [_only(one, _COLUMN) for one in mapping.get("columns") or ()],
        "links": [_only(one, _LINK) for one in mapping.get("links") or ()],
        "effective_at": mapping.get("effective_at"),
        "create_attributes": list(mapping.get("create_attributes") or ()),
    }


def recalled(kept: Mapping[str, Any], proposed: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping that can be used as it is, from what was kept; what was not is as it is proposed for this file.

    A run that only created had no key: the proposed one finds rows if its column goes where it did.
    """
    found = {**proposed, **lasting(kept)}
    if found["key"] is None and found["id_column"] is None:
        filled = {(one["column"], one["attribute"]) for one in found["columns"]}
        key = proposed.get("key")
        found["key"] = key if key and (key["column"], key["attribute"]) in filled else None
    found["mode"] = "update" if found["id_column"] is not None else "upsert" if found["key"] else "create"
    return found


def _only(one: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: one[name] for name in names if name in one}
