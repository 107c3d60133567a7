"""What must hold of a definition before it is stored: names, kinds, options, groups. Pure; all errors at once.

Attributes alone: what an entity type needs besides is said by whoever declares one (see the kit).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.eav.catalog import LiveType, nearest
from shared.eav.declare import AttributeDef
from shared.eav.naming import MAX_NAME, NAME_PATTERN, free_name
from shared.eav.requests import ItemError
from shared.eav.types import KINDS, kind_of
from shared.kernel.errors import AlreadyExists, CrmError, ErrorList, Invalid

MOST_LABEL = 250
MOST_OPTIONS = 10_000
MOST_ATTRIBUTES = 2_000
PRESENTATION = frozenset({"label", "group", "description", "display_order", "hidden", "form_field", "options"})


def completed_attributes(
    live: LiveType, drafts: Sequence[AttributeDef], *, partial: bool = False
) -> list[AttributeDef | ItemError]:
    """The drafts as they can be stored; one that names an archived attribute brings it back.

    Raises Invalid or AlreadyExists for the first refused one, unless `partial`.
    """
    if len(live.attributes) + len(drafts) > MOST_ATTRIBUTES:
        message = f"an entity type has at most {MOST_ATTRIBUTES} attributes"
        raise Invalid.one("attributes", "LIMIT_EXCEEDED", message)
    outcome: list[AttributeDef | ItemError] = []
    in_force = {name for one in live.attributes.values() for name in (one.name, one.wire)}
    taken = {*in_force, *live.archived, *(one.wire for one in live.archived.values())}
    claimed: set[str] = set()
    for place, draft in enumerate(drafts):
        try:
            done = completed_attribute(live, draft, taken | claimed)
            if {done.name, done.wire} & (claimed | in_force):
                raise AlreadyExists(f'A property named "{done.name}" already exists')
            claimed |= {done.name, done.wire}
            outcome.append(done)
        except CrmError as error:
            if not partial:
                raise
            outcome.append(ItemError(place, error))
    return outcome


def completed_attribute(live: LiveType, draft: AttributeDef, taken: set[str]) -> AttributeDef:
    """The draft with name, label and group filled in. Raises Invalid with everything wrong."""
    errors = ErrorList()
    label = draft.label.strip() or draft.name
    same = live.by_label.get(label)
    if not draft.name.strip() and same is not None:
        # Asked twice, most likely: a second one of that label could not be told from the first by people.
        raise AlreadyExists(f'A property labelled "{label}" already exists: {same.wire}')
    name = draft.name.strip() or free_name(label, taken)
    check_name(name, "name", errors)
    check_label(label, errors)
    if draft.kind not in KINDS:
        close = nearest(draft.kind, KINDS)
        hint = f"; did you mean {', '.join(close)}?" if close else f"; there are {', '.join(KINDS)}"
        errors.add("type", "INVALID_TYPE", f'there is no attribute type "{draft.kind}"{hint}', close)
    else:
        _check_kind(draft, errors)
    check_group(live, draft.group, errors)
    check_options(draft, errors)
    errors.raise_if_any()
    group = draft.group or next((one.name for one in live.defn.groups if not one.archived), "")
    return replace(draft, name=name, wire_name=draft.wire_name or name, label=label, group=group)


def check_name(name: str, place: str, errors: ErrorList) -> None:
    """A name for machines."""
    if not NAME_PATTERN.match(name):
        message = f"{place} must be lower-case letters, digits and _, beginning with a letter, at most {MAX_NAME} long"
        errors.add(place, "INVALID_NAME", message)


def check_label(label: str, errors: ErrorList) -> None:
    """A name for people."""
    if not label or len(label) > MOST_LABEL:
        errors.add("label", "INVALID_LABEL", f"label must have 1 to {MOST_LABEL} characters")


def _check_kind(draft: AttributeDef, errors: ErrorList) -> None:
    kind = KINDS[draft.kind]
    if draft.unique and not kind.can_be_unique:
        errors.add("unique", "INVALID_UNIQUE", f"an attribute of type {draft.kind} cannot be unique")
    if draft.options and "enumeration" not in draft.kind and draft.kind != "boolean":
        errors.add("options", "INVALID_OPTIONS", f"an attribute of type {draft.kind} has no options")


def check_group(live: LiveType, group: str, errors: ErrorList) -> None:
    """The group named exists; "" is the type's first."""
    known = [one.name for one in live.defn.groups if not one.archived]
    if group and group not in known:
        close = nearest(group, known)
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        errors.add("group", "GROUP_DOESNT_EXIST", f'there is no group "{group}"{hint}', close)


def check_options(draft: AttributeDef, errors: ErrorList) -> None:
    """Options have a value, no two the same."""
    if len(draft.options) > MOST_OPTIONS:
        errors.add("options", "INVALID_OPTIONS", f"at most {MOST_OPTIONS} options are allowed")
    seen: set[str] = set()
    for option in draft.options:
        if not option.value or ";" in option.value or "\x00" in option.value:
            errors.add("options", "INVALID_OPTION_VALUE", "an option needs a value, without ; and NUL characters")
        elif option.value in seen:
            errors.add("options", "DUPLICATE_OPTION", f'two options have the value "{option.value}"')
        seen.add(option.value)


def _meaning(attribute: AttributeDef, options: object) -> object:
    """Options as they are wanted; one that says nothing of what it means to its domain still means the same."""
    if not isinstance(options, tuple):
        return options
    known = {one.value: one for one in (*attribute.retired, *attribute.options)}
    return tuple(
        replace(one, detail=known[one.value].detail) if not one.detail and one.value in known else one
        for one in options
    )


def changed_attribute(
    live: LiveType, attribute: AttributeDef, changes: Mapping[str, object]
) -> tuple[AttributeDef, dict[str, object]]:
    """The attribute after the changes, and those of them that really change something. Raises Invalid.

    The kind changes only while the attribute never had a value, which its slot tells; kinds without a slot stay.
    """
    changes = {key: _meaning(attribute, value) if key == "options" else value for key, value in changes.items()}
    wanted = {key: value for key, value in changes.items() if getattr(attribute, key) != value}
    after = replace(attribute, **wanted)  # type: ignore[arg-type]
    errors = ErrorList()
    if attribute.builtin and wanted.keys() - PRESENTATION:
        errors.add("name", "READ_ONLY_DEFINITION", f'"{attribute.wire}" is built in: only its presentation changes')
    if "kind" in wanted:
        if after.kind in KINDS:
            _check_kind(after, errors)
        if attribute.column is not None or kind_of(attribute).family is None or after.kind not in KINDS:
            message = "the type of an attribute with values cannot change: make a new attribute"
            errors.add("type", "INVALID_TYPE", message)
    if "group" in wanted:
        check_group(live, after.group, errors)
    if "options" in wanted and attribute.external_options:
        errors.add("options", "READ_ONLY_OPTIONS", f'the options of "{attribute.wire}" are kept elsewhere')
    check_options(after, errors)
    errors.raise_if_any()
    return after, wanted
