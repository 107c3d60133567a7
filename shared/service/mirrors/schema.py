"""Tables of mirrors, beside the engine's, and the statements on them that belong to nobody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.eav.links.asked import LinkChange
from shared.kernel.db import Connection

_NOTED = "select digest from mirror_wanted where source = %(source)s for update"
_NOTE = """insert into mirror_wanted (source, digest) values (%(source)s, %(digest)s)
on conflict (source) do update set digest = excluded.digest"""
# An epoch that no log has: the source answers that this place is lost, and the mirror is read from it as it is.
_ANEW = "update watermark set epoch = '00000000-0000-0000-0000-000000000000' where subscription = %(name)s"
_KEYS = "select key, attribute_id from mirror_attribute where type_id = %(type)s"
_PUT_KEY = """insert into mirror_attribute (type_id, key, attribute_id)
select %(type)s, k, a from unnest(%(k)s::text[], %(a)s::int[]) g(k, a)
on conflict (type_id, key) do update set attribute_id = excluded.attribute_id"""
_UNDONE = """insert into link_undone (relation, from_id, to_id, reason)
select * from unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[], %(why)s::text[])"""
_LISTED = """select relation, to_id, at, reason from link_undone
where from_id = any(%(ids)s::bigint[]) and relation = any(%(relations)s::int[]) order by id desc limit %(limit)s"""


def create_statements() -> list[str]:
    """DDL."""
    return [
        # By which key the home of a mirrored type tells of an attribute.
        """create table mirror_attribute (
            type_id int not null, key text not null, attribute_id int not null,
            primary key (type_id, key))""",
        "create table mirror_wanted (source text primary key, digest text not null)",
        # Links that were written here and undone, because the other end's home knows of no such entity.
        """create table link_undone (
            id bigint generated always as identity primary key, relation int not null, from_id bigint not null,
            to_id bigint not null, at timestamp not null default timezone('utc', clock_timestamp()),
            reason text not null)""",
        "create index on link_undone (from_id, relation)",
    ]


DROP = "drop table if exists link_undone, mirror_wanted, mirror_attribute"


def noted(connection: Connection, source: str, digest: str) -> bool:
    """Note what is wanted of a source; whether that is something else than before."""
    before = connection.row(_NOTED, {"source": source})
    connection.run(_NOTE, {"source": source, "digest": digest})
    return before is not None and before != (digest,)


def begin_anew(connection: Connection, subscription: str) -> None:
    """Have a subscription rebuild its copy."""
    connection.run(_ANEW, {"name": subscription})


def keys(connection: Connection, type_id: int) -> dict[str, int]:
    """The attributes (ids here) of a mirror by the keys that their home tells of them by."""
    return dict(connection.rows(_KEYS, {"type": type_id}, prepare=True))


def put_keys(connection: Connection, type_id: int, ids: Mapping[str, int]) -> None:
    """Note such keys."""
    if ids:
        connection.run(_PUT_KEY, {"type": type_id, "k": list(ids), "a": list(ids.values())})


@dataclass(frozen=True, slots=True)
class Undone:
    """A link of an entity that was undone here, and why."""

    relation: int
    to_id: int
    at: datetime
    reason: str


def note_undone(connection: Connection, changes: Sequence[LinkChange]) -> None:
    """Keep why these links were undone, where there is a reason to show."""
    told = [one for one in changes if one.reason]
    if told:
        columns: dict[str, list[Any]] = {
            "r": [one.relation for one in told],
            "f": [one.from_id for one in told],
            "t": [one.to_id for one in told],
            "why": [one.reason for one in told],
        }
        connection.run(_UNDONE, columns)


def undone(connection: Connection, ident: int, relations: Sequence[int], limit: int) -> list[Undone]:
    """The latest links of an entity, under these relations, that were undone."""
    params = {"ids": [ident], "relations": list(relations), "limit": limit}
    rows = connection.rows(_LISTED, params)
    return [Undone(relation, to, at.replace(tzinfo=UTC), why) for relation, to, at, why in rows]
