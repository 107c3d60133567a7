"""Rows of attachments. Every function runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from services.service_desk.domain.attachments import MOST_BYTES, MOST_FILES, Attachment
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Invalid

ENTRY, LEFT_OUT = "ticket_entry", "attachments_left_out"
_COLUMNS = "id, entry_id, name, content_type, size"
_ADD = """
insert into desk_attachment (name, content_type, size, content, created_by)
values (%(name)s, %(type)s, %(size)s, %(content)s, %(by)s) returning id
"""
_UNCLAIMED = """
select id, size from desk_attachment where id = any(%(ids)s::bigint[]) and entry_id is null and created_by = %(by)s
order by id for update
"""
_STALE = """
delete from desk_attachment where id in (select id from desk_attachment where entry_id is null
    and created_at < timezone('utc', clock_timestamp()) - interval '1 day' order by created_at limit 100)
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a file besides its bytes."""

    id: int
    entry: int | None
    name: str
    content_type: str
    size: int

    def as_json(self) -> dict[str, object]:
        """As doors show it."""
        return {"id": str(self.id), "name": self.name, "content_type": self.content_type, "size": self.size}


def add(connection: Connection, files: Iterable[Attachment], by: str) -> list[int]:
    """Keep files that nobody has said anything with yet; their ids."""
    found = []
    for one in files:
        values = {"name": one.name, "type": one.content_type, "size": len(one.content), "content": one.content}
        row = connection.row(_ADD, {**values, "by": by})
        assert row is not None
        found.append(int(row[0]))
    return found


def claim(connection: Connection, entry: int, ids: Collection[int], by: str) -> None:
    """From now on files belong to an entry. Raises Invalid for those that are not there, somebody else's or taken."""
    rows = connection.rows(_UNCLAIMED, {"ids": sorted(set(ids)), "by": by})
    missing = sorted(set(ids) - {row[0] for row in rows})
    if missing:
        told = f"there is no file {missing[0]} that you have uploaded and nobody has sent yet"
        raise Invalid.one("attachment_ids", "INVALID_OPTION", told)
    if len(rows) > MOST_FILES or sum(row[1] for row in rows) > MOST_BYTES:
        told = f"at most {MOST_FILES} files of {MOST_BYTES:,} bytes together go with an entry"
        raise Invalid.one("attachment_ids", "LIMIT_EXCEEDED", told)
    sql = "update desk_attachment set entry_id = %(entry)s where id = any(%(ids)s::bigint[])"
    connection.run(sql, {"entry": entry, "ids": sorted(set(ids))})


def held(connection: Connection, entry: int) -> list[Held]:
    """The files of an entry, without their bytes."""
    sql = f"select {_COLUMNS} from desk_attachment where entry_id = %(entry)s order by id"
    return [Held(*row) for row in connection.rows(sql, {"entry": entry})]


def find(connection: Connection, ident: int) -> Held | None:
    """One file without its bytes, None when nothing has been said with it."""
    sql = f"select {_COLUMNS} from desk_attachment where id = %(id)s and entry_id is not null"
    row = connection.row(sql, {"id": ident})
    return None if row is None else Held(*row)


def content(connection: Connection, ident: int) -> bytes:
    """The bytes of a file; none when it is gone."""
    row = connection.row("select content from desk_attachment where id = %(id)s", {"id": ident})
    return b"" if row is None else bytes(row[0])


def files(connection: Connection, entry: int) -> tuple[Attachment, ...]:
    """The files of an entry as they go out with it."""
    return tuple(Attachment(one.name, one.content_type, content(connection, one.id)) for one in held(connection, entry))


def forget(connection: Connection, entity_type: str, ids: Collection[int]) -> None:
    """Erased entries take their files along."""
    if entity_type == ENTRY:
        sql = "delete from desk_attachment where entry_id = any(%(ids)s::bigint[])"
        connection.run(sql, {"ids": list(ids)})


def tidy(database: Database) -> int:
    """Part of every round: files of a day ago that nobody said anything with; how many."""
    with database.transaction() as connection:
        return connection.run(_STALE)
