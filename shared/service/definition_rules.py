"""What must hold of a definition before it is stored: names, kinds, options, groups. Pure; all errors at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.eav.catalog import LiveType, nearest
from shared.eav.declare import AttributeDef, GroupDef, TypeDef
from shared.eav.naming import MAX_NAME, NAME_PATTERN, free_name
from shared.eav.types import KINDS
from shared.kernel.errors import ErrorList, Invalid
from shared.service.schema import FIELD_TYPES, system_attributes

MOST_LABEL = 250
MOST_OPTIONS = 10_000
MOST_ATTRIBUTES = 2_000


def completed_attribute(live: LiveType, draft: AttributeDef, taken: set[str]) -> AttributeDef:
    """The draft with name, label and hints filled in. Raises Invalid with everything wrong."""
    errors = ErrorList()
    label = draft.label.strip() or draft.name
    name = draft.name.strip() or free_name(label, taken)
    _check_name(name, "name", errors)
    if not label or len(label) > MOST_LABEL:
        errors.add("label", "INVALID_LABEL", f"label must have 1 to {MOST_LABEL} characters")
    if draft.kind not in KINDS:
        close = nearest(draft.kind, KINDS)
        hint = f"; did you mean {', '.join(close)}?" if close else f"; there are {', '.join(KINDS)}"
        errors.add("type", "INVALID_TYPE", f'there is no attribute type "{draft.kind}"{hint}', close)
    else:
        _check_kind(draft, errors)
    check_group(live, draft.group, errors)
    check_options(draft, errors)
    errors.raise_if_any()
    group = draft.group or (live.defn.groups[0].name if live.defn.groups else "")
    hint = draft.field_type or FIELD_TYPES[draft.kind]
    return replace(draft, name=name, wire_name=draft.wire_name or name, label=label, group=group, field_type=hint)


def _check_name(name: str, place: str, errors: ErrorList) -> None:
    if not NAME_PATTERN.match(name):
        message = f"{place} must be lower-case letters, digits and _, beginning with a letter, at most {MAX_NAME} long"
        errors.add(place, "INVALID_NAME", message)


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


def completed_type(draft: TypeDef) -> TypeDef:
    """A custom entity type with the system's attributes, a group and all its names. Raises Invalid."""
    errors = ErrorList()
    for place, name in (("name", draft.name), ("plural", draft.plural)):
        _check_name(name, place, errors)
    if not draft.label or len(draft.label) > MOST_LABEL:
        errors.add("label", "INVALID_LABEL", f"label must have 1 to {MOST_LABEL} characters")
    errors.raise_if_any()
    group = f"{draft.name}_information"
    groups = draft.groups or (GroupDef(group, f"{draft.label} information"),)
    attributes = draft.attributes
    if not any(one.system for one in attributes):
        attributes = (*system_attributes(group), *attributes)
    synonyms = tuple(dict.fromkeys((*draft.synonyms, f"p_{draft.name}")))
    whole = replace(draft, groups=groups, synonyms=synonyms, builtin=False)
    return replace(whole, attributes=_completed_all(whole, attributes))


def _completed_all(defn: TypeDef, attributes: Sequence[AttributeDef]) -> tuple[AttributeDef, ...]:
    empty = LiveType(0, 0, 0, defn.pool, 1, defn, {}, {}, {}, {}, {})
    taken: set[str] = set()
    done: list[AttributeDef] = []
    errors = ErrorList()
    for place, one in enumerate(attributes):
        if one.system:
            done.append(one)
        else:
            try:
                done.append(completed_attribute(empty, one, taken))
            except Invalid as error:
                errors.errors += [replace(part, name=f"properties[{place}].{part.name}") for part in error.errors]
                continue
        names = {done[-1].name, done[-1].wire}
        if names & taken:
            errors.add("properties", "DUPLICATE_NAME", f'the name "{done[-1].name}" occurs more than once')
        taken |= names
    errors.raise_if_any()
    return tuple(done)
