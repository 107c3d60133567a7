"""Mappings that are kept: under a name somebody gave, and under the header of the file they were last used for.

The latter without what was wanted of that one run: see `domain.remembering`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.workspace.domain.remembering import lasting
from services.workspace.domain.synonyms import plain
from shared.kernel.db import Connection
from shared.kernel.json import dumps

_PUT = """
insert into import_mapping (entity_type, {key}, mapping, actor) values (%(type)s, %(key)s, %(mapping)s, %(actor)s)
on conflict (entity_type, {key}) where {key} <> '' do update set mapping = excluded.mapping, actor = excluded.actor,
    updated_at = clock_timestamp() at time zone 'utc'
"""
_GET = "select mapping from import_mapping where entity_type = %(type)s and {key} = %(key)s"
_LIST = """
select name, entity_type, mapping, updated_at from import_mapping
where name > %(after)s and entity_type = any(%(types)s) order by name, entity_type limit %(limit)s
"""
_DROP = "delete from import_mapping where entity_type = %(type)s and name = %(key)s and name <> ''"


def header_key(header: Iterable[str]) -> str:
    """The same for files with the same columns in any order and spelling."""
    told = "\\n".join(sorted(plain(name) for name in header))
    return hashlib.sha256(told.encode()).hexdigest()


def save(connection: Connection, entity_type: str, name: str, mapping: Mapping[str, Any], actor: str) -> None:
    """Keep a mapping under a name; one of that name is replaced."""
    _put(connection, "name", entity_type, name, mapping, actor)


def remember(connection: Connection, entity_type: str, header: Iterable[str], mapping: Mapping[str, Any]) -> None:
    """Keep where these columns go. Not before a run begins: what was only tried out is not remembered."""
    _put(connection, "header_key", entity_type, header_key(header), lasting(mapping), "")


def remembered(connection: Connection, entity_type: str, header: Iterable[str]) -> Mapping[str, Any] | None:
    """What was used for these columns last."""
    row = connection.row(_GET.format(key="header_key"), {"type": entity_type, "key": header_key(header)})
    return None if row is None else row[0]


def named(connection: Connection, entity_type: str, name: str) -> Mapping[str, Any] | None:
    """The mapping of a name."""
    row = connection.row(_GET.format(key="name"), {"type": entity_type, "key": name})
    return None if row is None else row[0]


def listed(connection: Connection, types: Iterable[str], after: str, limit: int) -> list[dict[str, Any]]:
    """Named mappings of these types, by name."""
    rows = connection.rows(_LIST, {"types": list(types), "after": after, "limit": limit})
    return [{"name": row[0], "type": row[1], "mapping": row[2], "updated_at": row[3]} for row in rows]


def drop(connection: Connection, entity_type: str, name: str) -> bool:
    """Forget a named mapping; whether there was one."""
    return connection.run(_DROP, {"type": entity_type, "key": name}) == 1


def every(connection: Connection) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """All of them by number, remembered ones too."""
    for row in connection.rows("select id, mapping from import_mapping order by id"):
        yield row[0], row[1]


def change(connection: Connection, ident: int, mapping: Mapping[str, Any]) -> None:
    """Put another one in its place; nobody used it."""
    told = {"id": ident, "mapping": dumps(mapping).decode()}
    connection.run("update import_mapping set mapping = %(mapping)s where id = %(id)s", told)


def _put(
    connection: Connection, key: str, entity_type: str, value: str, mapping: Mapping[str, Any], actor: str
) -> None:
    told = {"type": entity_type, "key": value, "mapping": dumps(mapping).decode(), "actor": actor}
    connection.run(_PUT.format(key=key), told)
