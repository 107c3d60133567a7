"""Which entities of other services a service knows, and what of them: part of its manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from shared.eav.declare import GroupDef, TypeDef
from shared.eav.definitions import declare
from shared.eav.loading import load_within
from shared.eav.mirroring import prepare
from shared.kernel import json
from shared.kernel.db import Database
from shared.service.known_types import known_type
from shared.service.mirrors import schema
from shared.service.schema import grouped, system_attributes

_GROUP = "mirrored"
SPARE = 4
"""How many attributes a mirror may come to have later, besides those that it began with."""
_ROOM = """select least(p.texts, p.integers, p.timestamps, p.numerics) from eav_table p
join eav_type t on t.table_number = p.number where t.name = %(name)s"""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A type of the service `source`, with the attributes (internal names) that are to be at hand here: for filters by
    linked entities and for what is shown of them. Attributes of several choices and long texts cannot be."""

    source: str
    type: str
    attributes: tuple[str, ...] = ()


def mirror_type(one: Mirror) -> TypeDef:
    """The type as it is before its home has told of it. Raises LookupError for one that no service has."""
    known = known_type(one.type)
    if known is None:
        raise LookupError(f"{one.type} is no type of this system: it cannot be mirrored")
    room = len(one.attributes) + SPARE  # every attribute has a slot from the start, whatever its kind
    return replace(
        known,
        groups=(GroupDef(_GROUP, "Mirrored", 0),),
        attributes=grouped(_GROUP, system_attributes(_GROUP), kept=True),
        pool=(room, room, room, room),
        mirror_of=one.source,
    )


def sources(mirrors: Iterable[Mirror]) -> dict[str, list[Mirror]]:
    """Mirrors by the service that they are of."""
    found: dict[str, list[Mirror]] = {}
    for one in mirrors:
        found.setdefault(one.source, []).append(one)
    return found


def subscription_name(service: str, source: str) -> str:
    """Under what name a service follows another one for its mirrors; the other looks by it how far that has come."""
    return f"{service}.mirrors.{source}"


def declare_mirrors(database: Database, service: str, mirrors: Sequence[Mirror]) -> None:
    """Bring the catalog to what is declared; idempotent. A mirror that is to have more than it had is read anew from
    its home. Raises RuntimeError when it has no room for that."""
    for one in mirrors:
        with database.transaction() as connection:
            declare(connection, mirror_type(one))
            prepare(connection, next(live for live in load_within(connection) if live.name == one.type))
            room = connection.row(_ROOM, {"name": one.type})
        if room is None or room[0] < len(one.attributes):
            raise RuntimeError(
                f"{service}: the mirror of {one.type} was made for fewer attributes: mirror fewer of them"
            )
    for source, those in sources(mirrors).items():
        wanted = sorted([one.type, *sorted(one.attributes)] for one in those)
        digest = hashlib.sha256(json.canonical(wanted)).hexdigest()
        with database.transaction() as connection:
            if schema.noted(connection, source, digest):
                schema.begin_anew(connection, subscription_name(service, source))
