"""Table of attachments, as statements for the migration. Instants are UTC without zone.

entry_id null: nobody has said anything with it yet; such files are forgotten after a day.
"""

from __future__ import annotations

_CREATE = (
    """create table desk_attachment (
        id bigint generated always as identity primary key, entry_id bigint, name text not null,
        content_type text not null, size int not null, content bytea not null, created_by text not null,
        created_at timestamp not null default timezone('utc', clock_timestamp()))""",
    "alter table desk_attachment alter column content set storage external",
    "create index desk_attachment_entry on desk_attachment (entry_id) where entry_id is not null",
    "create index desk_attachment_unclaimed on desk_attachment (created_at) where entry_id is null",
)


def create_statements() -> list[str]:
    """DDL of everything."""
    return list(_CREATE)


def drop_statements() -> list[str]:
    """What undoes it."""
    return ["drop table if exists desk_attachment"]
