"""The ledger's tables, and those that imports keep beside it. For the migration alone."""

from __future__ import annotations

_COUNTS = " ".join(
    f"{name} bigint not null default 0," for name in ("rows", "created", "updated", "unchanged", "rejected")
)
_NOW = "(clock_timestamp() at time zone 'utc')"


def create_statements() -> list[str]:
    """DDL of jobs, chunks and what imports remember of rows."""
    return [
        # number: the job's id where it was ordered; the pair is how orders name it.
        f"""create table work_job (
            id bigint generated always as identity primary key, kind text not null, number bigint not null,
            entity_type text not null, phase text not null, state text not null, spec jsonb not null default '{{}}',
            actor text, correlation text, final bool not null default false, {_COUNTS} reason text not null default '',
            served_at timestamp not null default {_NOW}, created_at timestamp not null default {_NOW},
            updated_at timestamp not null default {_NOW}, unique (kind, number))""",
        "create index work_job_running on work_job (served_at, id) where state = 'running'",
        f"""create table work_chunk (
            job_id bigint not null references work_job on delete cascade, phase text not null, n int not null,
            after int, spec jsonb not null default '{{}}', state text not null default 'pending', lease text,
            leased_until timestamp, attempts int not null default 0, failures int not null default 0,
            error text not null default '', {_COUNTS} primary key (job_id, phase, n))""",
        "create index work_chunk_pending on work_chunk (job_id, phase, n) where state <> 'done'",
        # What each row of a file became: for undo, and to find the lines of an entity that is erased.
        """create table import_row (
            job_id bigint not null references work_job on delete cascade, line int not null, entity_type text not null,
            entity_id bigint not null, outcome text not null, version bigint not null,
            primary key (job_id, line, entity_type, entity_id))""",
        """create table import_link (
            job_id bigint not null references work_job on delete cascade, from_type text not null,
            from_id bigint not null, to_type text not null, to_id bigint not null, relation int not null,
            primary key (job_id, from_id, to_type, to_id, relation))""",
        # Rows that wait until all others are there.
        """create table import_deferred (
            job_id bigint not null references work_job on delete cascade, line int not null, key text,
            cells jsonb not null, outcome text, wants jsonb not null default '[]', primary key (job_id, line))""",
        "create index import_deferred_key on import_deferred (job_id, key)",
        # What a dry run has met so far, by values that tell entities apart.
        """create table import_seen (
            job_id bigint not null references work_job on delete cascade, attribute text not null, key text not null,
            line int not null, "values" jsonb not null, primary key (job_id, attribute, key))""",
    ]


DROP = "drop table if exists import_seen, import_deferred, import_link, import_row, work_chunk, work_job cascade"
