"""What the `schema.py` of a service declares with: definitions, and shorthand for built-in attributes.

Not for custom attributes, which callers describe themselves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.eav.declare import AttributeDef, GroupDef, OptionDef, TypeDef

__all__ = [
    "FIELD_TYPES",
    "AttributeDef",
    "GroupDef",
    "OptionDef",
    "TypeDef",
    "attribute",
    "choices",
    "grouped",
    "merged_ids_attribute",
    "owner_attribute",
    "system_attributes",
]

# Slots of a custom entity type: texts, integers, timestamps, numerics.
SPARE_POOL = (24, 24, 8, 8)

FIELD_TYPES = {
    "string": "text",
    "long_text": "textarea",
    "number": "number",
    "boolean": "booleancheckbox",
    "date": "date",
    "datetime": "date",
    "enumeration": "select",
    "multi_enumeration": "checkbox",
    "email": "text",
    "phone": "phonenumber",
    "url": "text",
    "reference": "number",
}


def attribute(name: str, label: str, kind: str = "string", **more: Any) -> AttributeDef:
    """A built-in attribute; the presentation hint follows from the kind unless `field_type` says otherwise."""
    shown = "select" if more.get("external_options") else FIELD_TYPES[kind]
    return AttributeDef(name, label, kind, **{"builtin": True, "field_type": shown, **more})


def choices(*pairs: tuple[str, str]) -> tuple[OptionDef, ...]:
    """Options from (value, label) pairs, shown in the order given."""
    return tuple(OptionDef(value, label, place) for place, (value, label) in enumerate(pairs))


def system_attributes(
    group: str, *, created: str = "createdate", updated: str = "hs_lastmodifieddate"
) -> tuple[AttributeDef, ...]:
    """The three every entity has, kept by the store in columns of their own; `created` and `updated` are wire names.

    The id is of the kind reference, not number: its column is a bigint, and clients walk by `id >= last + 1`.
    """
    kept: dict[str, Any] = {"group": group, "read_only": True, "form_field": False, "default": True}
    return (
        attribute(
            "id",
            "Id",
            "reference",
            wire_name="hs_object_id",
            column="id",
            description="Number of this entity, unique within its type. Given once, never reused.",
            **kept,
        ),
        attribute(
            "created_at",
            "Created",
            "datetime",
            wire_name=created,
            column="created_at",
            description="When the entity was created.",
            **kept,
        ),
        attribute(
            "updated_at",
            "Last changed",
            "datetime",
            wire_name=updated,
            column="updated_at",
            description="When any value of the entity last changed.",
            **kept,
        ),
    )


def owner_attribute(group: str = "") -> AttributeDef:
    """The person or queue an entity belongs to: an owner of the workspace service."""
    return attribute(
        "owner_id",
        "Owner",
        "reference",
        wire_name="hubspot_owner_id",
        reference="owner",
        external_options=True,
        group=group,
        description="Who looks after this entity.",
    )


def merged_ids_attribute(plural: str) -> AttributeDef:
    """The ids of the entities that were merged into one."""
    return attribute(
        "merged_ids",
        "Merged ids",
        wire_name="hs_merged_object_ids",
        field_type="checkbox",
        external_options=True,
        description=f"Ids of the {plural} that were merged into this one, separated by semicolons.",
    )


def grouped(group: str, attributes: tuple[AttributeDef, ...], *, kept: bool = False) -> tuple[AttributeDef, ...]:
    """The attributes in a presentation group; `kept` ones are the system's: read-only and in no form."""
    return tuple(
        replace(one, group=group, read_only=one.read_only or kept, form_field=one.form_field and not kept)
        for one in attributes
    )
