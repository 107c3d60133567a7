"""What the kit adds to the engine's rules for definitions: presentation hints, and what every custom type gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef, GroupDef, TypeDef
from shared.eav.definition_rules import check_label, check_name, completed_attribute
from shared.kernel.errors import AlreadyExists, ErrorList, Invalid
from shared.service.schema import FIELD_TYPES, system_attributes

# Names of entity types that belong to services of this system, today or later, whichever service is asked: a custom
# type of such a name would answer for them under one of its names and not under another.
RESERVED = frozenset(
    "contact contacts company companies deal deals ticket tickets product products line_item line_items quote quotes "
    "note notes call calls email emails meeting meetings task tasks communication communications postal_mail "
    "lead leads goal_target goal_targets user users owner owners team teams feedback_submission "
    "feedback_submissions invoice invoices order orders marketing_event marketing_events tax taxes".split()
)


def hinted(draft: AttributeDef) -> AttributeDef:
    """The attribute with the input element its kind is usually shown by, unless it names one."""
    return replace(draft, field_type=draft.field_type or FIELD_TYPES[draft.kind])


def completed_type(draft: TypeDef) -> TypeDef:
    """A custom entity type with the system's attributes, a group and all its names. Raises Invalid."""
    errors = ErrorList()
    for place, name in (("name", draft.name), ("plural", draft.plural)):
        check_name(name, place, errors)
    check_label(draft.label, errors)
    errors.raise_if_any()
    for name in (draft.name, draft.plural):
        if name in RESERVED:
            raise AlreadyExists(f'"{name}" is the name of a built-in entity type')
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
                done.append(hinted(completed_attribute(empty, one, taken)))
            except Invalid as error:
                errors.errors += [replace(part, name=f"properties[{place}].{part.name}") for part in error.errors]
                continue
        names = {done[-1].name, done[-1].wire}
        if names & taken:
            errors.add("properties", "DUPLICATE_NAME", f'the name "{done[-1].name}" occurs more than once')
        taken |= names
    errors.raise_if_any()
    return tuple(done)
