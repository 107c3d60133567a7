"""Tables of the timeline, as statements for the migration. Instants are UTC without zone.

`timeline_entry`: one line of one entity's timeline. It stands at `at`, the instant that it counts from; `key` says
what it tells of and never changes, so that an event that comes twice makes no second line. ref: the other entity that
the line is about ("" for none); data: what is shown of it. phase: what an activity is for the entity it stands with.
`timeline_link`: on whose timelines the lines of deals and activities stand, where that leads to another service.
`timeline_gone`: whom nothing may be told of any more. `timeline_turn`: when an entity's last or next activity becomes
another one because time passes. `timeline_said`: what was said about tickets, as far as that was told: `told` and
`stood` are the versions of it that its text and its being there are known from.
"""

from __future__ import annotations

_CREATE = (
    """create table timeline_entry (
        subject_type text not null, subject_id bigint not null, at timestamp not null, key text not null,
        kind text not null, ref_type text not null default '', ref_id bigint, recorded_at timestamp not null,
        service text not null, actor text, source text, source_id text, phase text, data jsonb,
        primary key (subject_type, subject_id, at, key))""",
    "create index timeline_entry_kind on timeline_entry (subject_type, subject_id, kind, ref_type, at, key)",
    "create index timeline_entry_ref on timeline_entry (ref_type, ref_id) where ref_id is not null",
    """create index timeline_entry_phase on timeline_entry (subject_type, subject_id, phase, at)
        where phase is not null""",
    """create table timeline_link (
        ref_type text not null, ref_id bigint not null, subject_type text not null, subject_id bigint not null,
        live bool not null, clock bigint not null, origin text not null,
        primary key (ref_type, ref_id, subject_type, subject_id))""",
    "create index timeline_link_subject on timeline_link (subject_type, subject_id)",
    "create table timeline_gone (entity_type text not null, id bigint not null, primary key (entity_type, id))",
    """create table timeline_turn (
        subject_type text not null, subject_id bigint not null, at timestamp not null,
        primary key (subject_type, subject_id))""",
    "create index timeline_turn_at on timeline_turn (at)",
)

_SAID = (
    """create table timeline_said (
        id bigint primary key, ticket_id bigint, at timestamp, recorded_at timestamp, kind text, author text,
        actor text, source text, source_id text, title text, told int not null, live bool not null,
        stood int not null)""",
    "create index timeline_said_ticket on timeline_said (ticket_id)",
    """create index timeline_entry_actor on timeline_entry (subject_type, subject_id, actor, kind, ref_type, at, key)
        where actor is not null""",
)


def create_statements() -> list[str]:
    """The DDL, in order."""
    return list(_CREATE)


def said_statements() -> list[str]:
    """What was said about tickets, and lines by who made them."""
    return list(_SAID)


def drop_statements() -> list[str]:
    """The way back."""
    return ["drop table if exists timeline_turn, timeline_gone, timeline_link, timeline_entry"]
