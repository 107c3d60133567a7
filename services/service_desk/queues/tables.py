"""Tables of queues, followers and what they are told, as statements for the migration. Instants are UTC without zone.

`desk_queue.filter` null: the tickets that name the queue are in it. `desk_follower` is `ticket.followers` the other way
round, written with it. `desk_notification` was one line per owner and thing that happened; those are the kit's notices
now.
"""

from __future__ import annotations

_CREATE = (
    """create table desk_queue (
        id bigint generated always as identity primary key, name text not null, description text not null default '',
        position int not null default 0, filter jsonb, pool text, automatic bool not null default false,
        sticky_days int, skills text[] not null default '{}')""",
    "create unique index desk_queue_name on desk_queue (lower(name))",
    """create table desk_follower (
        owner_id bigint not null, ticket_id bigint not null, primary key (owner_id, ticket_id))""",
    "create index desk_follower_ticket on desk_follower (ticket_id)",
    """create table desk_notification (
        id bigint generated always as identity primary key, owner_id bigint not null, at timestamp not null,
        kind text not null, ticket_id bigint not null, entry_id bigint, detail jsonb not null default '{}',
        read_at timestamp)""",
    "create index desk_notification_owner on desk_notification (owner_id, id)",
    "create index desk_notification_unread on desk_notification (owner_id, id) where read_at is null",
    "create index desk_notification_ticket on desk_notification (ticket_id)",
    "create index desk_notification_read on desk_notification (read_at) where read_at is not null",
)


def create_statements() -> list[str]:
    """DDL of everything."""
    return list(_CREATE)


def drop_statements() -> list[str]:
    """What undoes it."""
    return ["drop table if exists desk_notification, desk_follower, desk_queue"]
