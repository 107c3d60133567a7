"""Links as the wire dialect names and shows them, and its bodies as links wanted. Pure; the doors are beside.

An association type is one direction of a relation; a label is an association type with words for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.eav.declare import TypeDef
from shared.kernel.errors import ErrorList, Invalid
from shared.service.links import Linked, LinkOutcome, LinkTo, RelationDef
from shared.service.web.dialect import bodies, names

CATEGORIES = ("HUBSPOT_DEFINED", "USER_DEFINED", "INTEGRATOR_DEFINED")
MOST_TYPES = 50
_BIGGEST_TYPE = 2**31 - 1
# Two built-in relations that clients know by other words than their ends.
_OWN_NAMES = {13: "parent_to_child_company", 14: "child_to_parent_company"}
Known = Mapping[int, RelationDef]


def category(relation: RelationDef) -> str:
    """Who made the association type."""
    return "HUBSPOT_DEFINED" if relation.builtin else "USER_DEFINED"


def type_name(relation: RelationDef, between: Iterable[RelationDef]) -> str:
    """The name of an association type in texts: `contact_to_company` is the primary one where there is such a one,
    and the plain one then `contact_to_company_unlabeled`."""
    if relation.id in _OWN_NAMES:
        return _OWN_NAMES[relation.id]
    base = f"{relation.from_type}_to_{relation.to_type}"
    primary = f"{base}_primary"
    if relation.builtin and relation.name == primary:
        return base
    if relation.plain:
        return f"{base}_unlabeled" if any(one.builtin and one.name == primary for one in between) else base
    return relation.name


def spec(relation: RelationDef) -> dict[str, Any]:
    """An association type with its label, ready for JSON."""
    return {"category": category(relation), "typeId": relation.id, "label": relation.label}


def linked_v4(one: Linked, known: Known) -> dict[str, Any]:
    """One linked record with its association types."""
    return {
        "toObjectId": one.to_id,
        "associationTypes": [spec(known[ident]) for ident in one.relations if ident in known],
    }


def linked_v3(found: Iterable[Linked], known: Known) -> list[dict[str, Any]]:
    """Linked records, one entry per association type."""
    called = {ident: type_name(relation, known.values()) for ident, relation in known.items()}
    return [{"id": str(one.to_id), "type": called[ident]} for one in found for ident in _labels_first(one, known)]


def _labels_first(one: Linked, known: Known) -> list[int]:
    return sorted((ident for ident in one.relations if ident in known), key=lambda ident: (known[ident].plain, ident))


def labelled(one: LinkOutcome, start: TypeDef, end: TypeDef, known: Known) -> dict[str, Any]:
    """A pair with the labels it has now."""
    return {
        "fromObjectTypeId": start.wire_id,
        "fromObjectId": one.from_id,
        "toObjectTypeId": end.wire_id,
        "toObjectId": one.to_id,
        "labels": [label for ident in one.relations if ident in known and (label := known[ident].label)],
    }


def both_directions(one: LinkOutcome, plain: RelationDef) -> list[dict[str, Any]]:
    """The plain link of a pair as seen from each end."""
    ends = ((one.from_id, one.to_id, plain.id), (one.to_id, one.from_id, plain.inverse))
    return [
        {
            "from": {"id": str(start)},
            "to": {"id": str(end)},
            "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": ident},
        }
        for start, end, ident in ends
    ]


def type_ids(given: object, errors: ErrorList, where: str) -> tuple[int, ...]:
    """The ids of an array of association specs; everything wrong is noted. The id alone decides, whoever made it."""
    if not isinstance(given, list) or not given or len(given) > MOST_TYPES:
        errors.add(where, "REQUIRED_FIELD", f"{where} must be an array of 1 to {MOST_TYPES} association types")
        return ()
    found = (_type_id(one, errors, f"{where}[{index}]") for index, one in enumerate(given))
    return tuple(dict.fromkeys(ident for ident in found if ident is not None))


def _type_id(one: object, errors: ErrorList, where: str) -> int | None:
    if not isinstance(one, dict):
        errors.add(where, "INVALID_TYPE", f"{where} must be an object")
        return None
    given = one.get("associationCategory")
    if given is not None and given not in CATEGORIES:
        message = f"{where}.associationCategory must be one of {', '.join(CATEGORIES)}"
        errors.add(f"{where}.associationCategory", "INVALID_OPTION", message)
    ident = bodies.whole(one.get("associationTypeId"))
    if ident is None or not 0 < ident <= _BIGGEST_TYPE:
        message = f"{where}.associationTypeId must be the id of an association type"
        errors.add(f"{where}.associationTypeId", "INVALID_INTEGER", message)
        return None
    return ident


def end(body: Mapping[str, Any], name: str, errors: ErrorList, where: str = "") -> int:
    """The id of `{name: {"id"}}`; 0, which nothing has, for what cannot be one."""
    ident = bodies.text(
        bodies.mapping(body, name, errors, where=where), "id", errors, where=f"{where}{name}.", required=True
    )
    found = names.entity_id(ident.strip()) if ident else None
    if ident and found is None:
        errors.add(f"{where}{name}.id", "INVALID_INTEGER", f"{where}{name}.id must be the id of a record")
    return found or 0


Wanted = Sequence[tuple[int, tuple[int, ...], str]]


def wanted_links(body: Mapping[str, Any], errors: ErrorList, where: str = "") -> Wanted:
    """The `associations` of a record to be made: (id, association types, place) each."""
    found = []
    for index, one in enumerate(bodies.objects(body, "associations", errors, where=where)):
        place = f"{where}associations[{index}]."
        found.append((end(one, "to", errors, place), type_ids(one.get("types"), errors, f"{place}types"), place))
    return found


def links_of(from_type: str, wanted: Wanted, known: Known, errors: ErrorList) -> tuple[LinkTo, ...]:
    """The links that association types mean for a record of this type: they say what kind of record is linked to."""
    links = []
    for to_id, idents, place in wanted:
        ends = {known[one].to_type for one in idents if one in known and known[one].from_type == from_type}
        wrong = [one for one in idents if one not in known or known[one].from_type != from_type]
        if wrong:
            shown = ", ".join(map(str, wrong))
            message = f"{place}types: {shown} is not an association type that starts at a {from_type}"
            errors.add(f"{place}types", "INVALID_ASSOCIATION", message)
        elif len(ends) > 1:
            message = f"{place}types lead to different types of records: {', '.join(sorted(ends))}"
            errors.add(f"{place}types", "INVALID_ASSOCIATION", message)
        elif ends:
            labels = tuple(one for one in idents if not known[one].plain)
            links.append(LinkTo(ends.pop(), to_id, labels))
    return tuple(links)


def fitting(idents: Iterable[int], between: Sequence[RelationDef], errors: ErrorList, where: str) -> None:
    """Note association types that do not lead from the one type to the other."""
    known = {one.id for one in between}
    wrong = [str(ident) for ident in idents if ident not in known]
    if wrong:
        shown = ", ".join(f"{one.id} ({one.label or one.name})" for one in between)
        message = (
            f"{where}: {', '.join(wrong)} is not an association type from {between[0].from_type} to"
            f" {between[0].to_type}; those are {shown}"
        )
        errors.add(where, "INVALID_ASSOCIATION", message)


def named_type(name: str, between: Sequence[RelationDef]) -> RelationDef:
    """The association type that a text of v3 means: a name in any case, a label, or an id. Raises Invalid."""
    folded = name.strip().casefold()
    spellings = ((one, {type_name(one, between), one.label or "", str(one.id)}) for one in between)
    for one, known in spellings:
        if folded in {text.casefold() for text in known}:
            return one
    shown = ", ".join(type_name(one, between) for one in between)
    message = f'"{name[:100]}" is not an association type here; those are {shown}'
    raise Invalid.one("type", "INVALID_ASSOCIATION", message)
