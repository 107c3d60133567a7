"""Tables of e-mail, as statements for the migration. Instants are UTC without zone.

`mail_out` is one row per entry that is to go out: which message it is, whom it goes to, what became of it. What it says
stands in the entry alone. `token` makes its message id one that nobody guesses; address and message id are settled when
it is first tried. `handed_at`: the server is being given the message, and has not answered yet; `doubtful` counts how
often nobody learned the answer. `allowed_at`: an automatic message was let through then. `untold`: its entry does not
tell yet what became of it.
`mail_in` is one row per message that came in, without what it said: what became of it, and whether a machine wrote it.
"""

from __future__ import annotations

_NOW = "timezone('utc', clock_timestamp())"
_CREATE = (
    f"""create table mail_out (
        id bigint generated always as identity primary key, entry_id bigint not null unique, ticket_id bigint not null,
        token text not null default replace(gen_random_uuid()::text, '-', ''), automatic bool not null,
        state text not null default 'queued', to_email text, message_id text unique, reason text not null default '',
        attempts int not null default 0, doubtful int not null default 0, queued_at timestamp not null default {_NOW},
        allowed_at timestamp, handed_at timestamp, next_at timestamp, settled_at timestamp,
        untold bool not null default false)""",
    "create index mail_out_untold on mail_out (id) where untold",
    "create index mail_out_ticket on mail_out (ticket_id)",
    "create index mail_out_state on mail_out (state, id) where state <> 'sent'",
    "create index mail_out_allowed on mail_out (to_email, allowed_at) where allowed_at is not null",
    f"""create table mail_in (
        message_id text primary key, sender text not null, automatic bool not null, quiet bool not null,
        outcome text not null, ticket_id bigint, entry_id bigint, at timestamp not null default {_NOW})""",
    "create index mail_out_known on mail_out (settled_at) where to_email is not null and settled_at is not null",
    "create index mail_in_at on mail_in (at)",
    "create index mail_in_known on mail_in (at) where sender <> ''",
    "create index mail_in_entry on mail_in (entry_id)",
    "create index mail_in_ticket on mail_in (ticket_id, at)",
)


def create_statements() -> list[str]:
    """DDL of everything."""
    return list(_CREATE)


def drop_statements() -> list[str]:
    """What undoes it."""
    return ["drop table if exists mail_out, mail_in cascade"]
