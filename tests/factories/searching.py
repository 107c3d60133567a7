"""Looking for texts in everything a service keeps: every table of its database, and Redis."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.kernel.db import Connection

_TABLES = "select tablename from pg_tables where schemaname = 'public' order by 1"


def tables_with(connection: Connection, texts: Iterable[str]) -> dict[str, list[str]]:
    """{table: texts found in it}, whatever column and kind they stand in; bytes are looked into as well."""
    found: dict[str, list[str]] = {}
    wanted = list(texts)
    for (table,) in connection.rows(_TABLES):
        for text in wanted:
            params = {"plain": text.lower(), "hex": text.encode().hex()}
            sql = (
                f'select 1 from "{table}" t where position(%(plain)s in lower(t::text)) > 0'
                " or position(%(hex)s in t::text) > 0 limit 1"
            )
            if connection.row(sql, params) is not None:
                found.setdefault(table, []).append(text)
    return found


def redis_keys_with(client: Any, texts: Iterable[str]) -> list[bytes]:
    """Keys that hold one of the texts, in their name or their value."""
    wanted = [text.encode() for text in texts]
    found = []
    for key in client.scan_iter(count=1000):
        # Strings as they are: a dump of one may be compressed.
        held = key + ((client.get(key) if client.type(key) == b"string" else client.dump(key)) or b"")
        if any(text in held for text in wanted):
            found.append(key)
    return found
