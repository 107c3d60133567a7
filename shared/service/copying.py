"""Values that a new entity takes from another one of its service that it refers to: a line item those of its product.

Declared per entity type (`Manifest.copies`). What the caller gives stands, an empty value too; what the other one has
fills the rest, once, when the entity is created: later changes of the other one change nothing here. The id itself is
looked up on every write, and is refused when nobody has it. Not for references to other services (`references`), and
not for what must follow later (a follower of events).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

from shared.eav.bulk.items import BulkItem
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.requests import Draft, Ref, Update, Upsert
from shared.kernel.errors import FieldError, Invalid

Item = TypeVar("Item", Draft, Update, Upsert, BulkItem)
Errors = dict[int, list[FieldError]]
_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Copied:
    """by: the attribute that refers to an entity of the type `of`. attributes: own name -> name there. beside: values
    that mean something only beside another one, and are copied only together with it."""

    by: str
    of: str
    attributes: Mapping[str, str]
    beside: Mapping[str, str] = field(default_factory=dict)


Copies = Mapping[str, Copied]
NOTHING_COPIED: Copies = MappingProxyType({})


def copied(
    engine: Engine, copies: Copies, live: LiveType, items: Sequence[Item], *, creating: bool
) -> tuple[Sequence[Item], Errors]:
    """The items with what they copy, and errors by place of ids that nobody has. creating: whether they are all new
    ones. One read of all that is referred to, and one of those that may be there already; none without."""
    declared = copies.get(live.name)
    if declared is None:
        return items, {}
    asked = {place: ident for place, one in enumerate(items) if (ident := _referred(live, declared.by, one.values))}
    if not asked:
        return items, {}
    there = _read(engine, declared, sorted(set(asked.values())))
    fresh = set(asked) if creating else _fresh(engine, live, items, asked)
    errors: Errors = {}
    filled = list(items)
    for place, ident in asked.items():
        if ident not in there:
            message = f"{ident} is not the id of any {declared.of}"
            errors[place] = [FieldError(declared.by, "INVALID_OPTION", message)]
        elif place in fresh:
            values = _filled(live, declared, items[place].values, there[ident])
            filled[place] = replace(items[place], values=values)
    return filled, errors


def _fresh(engine: Engine, live: LiveType, items: Sequence[Item], places: Iterable[int]) -> set[int]:
    """The items that make new entities: those without a reference, and those whose reference finds nobody."""
    found: set[int] = set()
    sought: dict[int, Ref] = {}
    for place in places:
        one = items[place]
        if isinstance(one, BulkItem) and (one.ref is None or one.mode == "create"):
            found.add(place)
        elif isinstance(one, Upsert) or (isinstance(one, BulkItem) and one.mode == "upsert"):
            assert one.ref is not None  # else it was a new one
            sought[place] = one.ref
    try:
        there = engine.reads.read(live.name, list(sought.values()), View("text", ())) if sought else []
    except Invalid:  # references by what is not unique, or not there: who judges the items says so
        return found
    return found | {place for place, one in zip(sought, there, strict=True) if one is None}


def _referred(live: LiveType, name: str, values: Mapping[str, object]) -> int | None:
    """The id that a write gives the reference; None also for what is no id, which coercion tells of."""
    for spelled, value in values.items():
        found = live.find(spelled)
        if found is not None and found.name == name:
            text = str(value).strip()
            return int(text) if text.isascii() and text.isdecimal() and len(text) < _DIGITS else None
    return None


def _read(engine: Engine, declared: Copied, ids: Sequence[int]) -> dict[int, Mapping[str, str | None]]:
    """Values as text by name, of live and archived ones."""
    other = engine.catalog.type(declared.of)
    names = tuple(dict.fromkeys(declared.attributes.values()))
    wires = {other.attributes[name].wire: name for name in names}
    found: dict[int, Mapping[str, str | None]] = {}
    for archived in (False, True):
        left = [one for one in ids if one not in found]
        if left:
            read = engine.reads.read(other.name, [Ref(id=one) for one in left], View("text", names), archived=archived)
            for ident, one in zip(left, read, strict=True):
                if one is not None:
                    found[ident] = {wires[wire]: value for wire, value in one.values.items() if wire in wires}
    return found


def _filled(
    live: LiveType, declared: Copied, given: Mapping[str, object], there: Mapping[str, str | None]
) -> dict[str, object]:
    said = {found.name for name in given if (found := live.find(name)) is not None}
    taken = {
        own: there[other]
        for own, other in declared.attributes.items()
        if own not in said and there.get(other) is not None and declared.beside.get(own) not in said
    }
    return {**given, **taken}
