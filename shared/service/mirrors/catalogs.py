"""Definitions of mirrored attributes: from what their home tells, by name, to attributes of ours with slots of ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from shared.contracts.event import CATALOG_ATTRIBUTE, CATALOG_TYPE, Event
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef, OptionDef
from shared.eav.definitions import add_attributes, change_attribute, change_type
from shared.eav.loading import load_within
from shared.eav.slots import take_within
from shared.eav.types import KINDS
from shared.kernel.clock import now
from shared.kernel.db import Connection
from shared.kernel.telemetry import logger
from shared.service.mirrors import schema

Detail = Mapping[str, Any]
_SHOWN = ("label", "description", "options", "hidden", "display_order", "searchable")
_NAMES = ("label", "plural_label", "primary_display", "secondary_display")
_ATTRIBUTE_FIELDS = frozenset(one.name for one in fields(AttributeDef)) - {"options", "retired", "id"}
_OPTION_FIELDS = frozenset(one.name for one in fields(OptionDef)) - {"id"}
_log = logger("mirrors")


def apply_catalog_events(
    connection: Connection, live: LiveType, chosen: Collection[str], told: Sequence[Event]
) -> bool:
    """Take over what events tell of a mirrored type's definitions; whether there was anything. In order."""
    wanted = [one for one in told if one.entity_type == live.name and one.kind in (CATALOG_TYPE, CATALOG_ATTRIBUTE)]
    for event in wanted:
        whole = event.kind == CATALOG_TYPE
        apply_type(connection, live.id, chosen, event.detail if whole else {"attributes": [event.detail]})
    return bool(wanted)


def apply_type(connection: Connection, type_id: int, chosen: Collection[str], detail: Detail) -> None:
    """Take over a type, or some attributes of it, as its home tells them."""
    (live,) = load_within(connection, [type_id])
    names = {name: detail[name] for name in _NAMES if detail.get(name)}
    names = {name: tuple(one) if isinstance(one, list) else one for name, one in names.items()}
    if any(getattr(live.defn, name) != one for name, one in names.items()):
        change_type(connection, live.id, names)
    given = [one for one in detail.get("attributes", ()) if one["name"] in chosen and _fits(live, one)]
    fresh = [one for one in given if one["name"] not in live.every]
    made = add_attributes(connection, live.id, [_attribute(one) for one in fresh])
    for one in given:
        known = live.every.get(one["name"])
        if known is not None:
            _change(connection, live, known, one)
    ids = {name: known.id for name, known in live.every.items()}
    ids |= dict(zip((str(one["name"]) for one in fresh), made, strict=True))
    schema.put_keys(connection, live.id, {str(one["id"]): ids[one["name"]] for one in given})
    if fresh:
        (live,) = load_within(connection, [type_id])
        take_within(connection, live, [live.every[one["name"]] for one in fresh])


def _fits(live: LiveType, detail: Detail) -> bool:
    """Whether values of this kind can be kept: one value, in a slot, of the kind that the mirror began with."""
    known = live.every.get(detail["name"])
    fits = KINDS[detail["kind"]].family is not None and (known is None or known.kind == detail["kind"])
    if not fits:
        _log.warning("not mirrored", type=live.name, attribute=detail["name"], kind=detail["kind"])
    return fits


def _change(connection: Connection, live: LiveType, known: AttributeDef, detail: Detail) -> None:
    wanted = _attribute(detail)
    changes: dict[str, Any] = {name: getattr(wanted, name) for name in _SHOWN if name != "options"}
    changes = {name: one for name, one in changes.items() if getattr(known, name) != one}
    if (known.archived_at is None) is not (wanted.archived_at is None):
        changes["archived_at"] = wanted.archived_at
    if [replace(one, id=0) for one in known.options] != [replace(one, id=0) for one in wanted.options]:
        changes["options"] = wanted.options
    if changes:
        change_attribute(connection, live, known, changes)


def _attribute(detail: Detail) -> AttributeDef:
    given = {key: one for key, one in detail.items() if key in _ATTRIBUTE_FIELDS}
    options = tuple(
        OptionDef(**{key: one for key, one in option.items() if key in _OPTION_FIELDS})
        for option in detail.get("options", ())
    )
    # Unique, required and the like are promises of its home: here nothing is refused.
    kept: dict[str, Any] = {
        "unique": False,
        "required": False,
        "read_only": True,
        "form_field": False,
        "archived_at": None,
    }
    if detail.get("archived"):
        kept["archived_at"] = now().replace(tzinfo=None)
    return AttributeDef(**{**given, **kept}, options=options)
