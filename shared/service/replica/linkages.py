"""Which entity of another type one leads to: by an attribute that refers to it, or by links.

Of several links the register (the primary one) counts; where the pair has none, or nobody holds it, the lowest id. A
link counts whether or not its other end is archived. What an entity leads to stands among its values under the
linkage's `key`, so that whoever evaluates values need not know where it came from: of a reference it is there already,
of links it is put there by who asks (`with_links`).

Not for whether any of several linked entities matches: that is a filter over links, which replicas do not evaluate.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shared.eav.links.relations import worked_out
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid
from shared.service.relations import BUILTIN
from shared.service.replica.catalogs import KnownType, KnownTypes

Values = Mapping[str, Any]
Leads = dict[int, int | None]
"""Ids, and the id that each of them leads to; None: to nobody."""

_OTHER = "(select to_id from fact_link where relation = {relation} and from_id = {entity} order by to_id limit 1)"


@dataclass(frozen=True, slots=True)
class Linkage:
    """From one type to `target`. key: where the other's id stands among an entity's values, as text. relation: the
    plain one of links, 0 for a reference; registers: the relations that count first."""

    key: str
    target: KnownType
    relation: int = 0
    registers: tuple[int, ...] = ()

    @property
    def relations(self) -> tuple[int, ...]:
        """All whose links decide, in the order in which they count."""
        return (*self.registers, self.relation) if self.relation else ()


def split(known: KnownType, name: str) -> tuple[str, str] | None:
    """(what leads there, attribute) of a name such as `company.industry`; None for an attribute of the type itself."""
    first, dot, attribute = name.partition(".")
    return (first, attribute) if dot and known.live.find(name) is None else None


def linkage(types: KnownTypes, known: KnownType, first: str) -> Linkage:
    """The linkage by the name of an attribute that refers to others (`owner_id`), or of a type (`company`, `owner`):
    by links where these have built-in relations, else by the one attribute that refers to it, else by links again.

    Raises Invalid when there is none.
    """
    attribute = known.live.find(first)
    if attribute is not None and not attribute.reference:  # an attribute that happens to be called like a type
        attribute = None
    target = types.find(attribute.reference if attribute is not None else first)
    if target is None:
        message = f"{first[:80]} is neither an entity type nor an attribute of {known.live.plural} that refers to one"
        raise Invalid.one(first, "PROPERTY_DOESNT_EXIST", message)
    if attribute is not None:
        return Linkage(attribute.key, target)
    plain, registers = _builtin().get((known.name, target.name), (0, ()))
    referring = [one for one in known.live.attributes.values() if one.reference == target.name]
    if not plain and len(referring) == 1:
        return Linkage(referring[0].key, target)
    plain = plain or _worked_out(known, target)
    return Linkage(f"@{plain}", target, plain, registers)


def _worked_out(known: KnownType, target: KnownType) -> int:
    """The plain relation of a pair that no list names. Raises Invalid for types that cannot be linked."""
    ours, theirs = worked_out(known.live.defn.wire_id), worked_out(target.live.defn.wire_id)
    if ours is None or theirs is None:
        raise Invalid.one(target.name, "INVALID_ASSOCIATION", f"{known.name} cannot be linked to {target.name}")
    return ours["base"] + ours["number"] * ours["span"] + theirs["number"]


@lru_cache(maxsize=1)
def _builtin() -> Mapping[tuple[str, str], tuple[int, tuple[int, ...]]]:
    found: dict[tuple[str, str], tuple[int, tuple[int, ...]]] = {}
    for one in BUILTIN:
        plain, registers = found.get((one.from_type, one.to_type), (0, ()))
        plain = one.id if one.plain else plain
        found[one.from_type, one.to_type] = (plain, (*registers, one.id) if one.single else registers)
    return found


def lead_sql(linkage: Linkage, entity: str) -> str:
    """SQL of the id that an entity leads to by its links; entity: SQL of its own id."""
    places = [_OTHER.format(relation=int(one), entity=entity) for one in linkage.relations]
    return f"coalesce({', '.join(places)})"


def leads(connection: Connection, linkage: Linkage, ids: Collection[int]) -> Leads:
    """Where these entities lead by their links as they are now; one statement."""
    if not ids:
        return {}
    sql = f"select asked.id, {lead_sql(linkage, 'asked.id')} from unnest(%(ids)s::bigint[]) asked(id)"
    return dict(connection.rows(sql, {"ids": sorted(ids)}))


def with_links(values: Values | None, places: Sequence[tuple[str, int | None]]) -> Values | None:
    """Values with what the entity leads to by links, as (key, id); None stays None."""
    if values is None or not places:
        return values
    found = dict(values)
    for key, ident in places:
        if ident is not None:
            found[key] = str(ident)
    return found
