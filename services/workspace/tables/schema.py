"""DDL of imports. For the migration alone.

import_job is an import as users know it; import_phase what its dry run, run and undo came to. A file lies in
import_file_part until it is cut into import_chunk. Reports and errors come from the services that do the work.
"""

from __future__ import annotations

_NOW = "(clock_timestamp() at time zone 'utc')"
_COUNTS = " ".join(f"{name} bigint not null default 0," for name in ("created", "updated", "unchanged", "rejected"))

_TABLES = (
    f"""create table import_job (
        id bigint generated always as identity primary key, name text not null, entity_type text not null,
        service text not null, state text not null, origin text not null, actor text not null,
        correlation text not null, file_name text not null, file_size bigint not null default 0,
        options jsonb not null default '{{}}', found jsonb, profile jsonb, checkpoint bytea,
        rows bigint not null default 0, refused bigint not null default 0, chunks int not null default 0,
        request jsonb, wanted jsonb, spec jsonb, attributes jsonb not null default '[]',
        begins text not null default '',
        phase text not null default '', error text not null default '', dropped bool not null default false,
        created_at timestamp not null default {_NOW}, updated_at timestamp not null default {_NOW})""",
    "create index import_job_old on import_job (created_at) where not dropped",
    f"""create table import_phase (
        job_id bigint not null references import_job on delete cascade, phase text not null, state text not null,
        rows bigint not null default 0, done bigint not null default 0, {_COUNTS} errors bigint not null default 0,
        announced int not null default 0, reason text not null default '', started_at timestamp not null default {_NOW},
        finished_at timestamp, primary key (job_id, phase),
        check (done = created + updated + unchanged + rejected))""",
    """create table import_file_part (
        job_id bigint not null references import_job on delete cascade, n int not null, body bytea not null,
        primary key (job_id, n))""",
    """create table import_chunk (
        job_id bigint not null references import_job on delete cascade, n int not null, first_line int not null,
        last_line int not null, rows int not null, payload bytea not null, refused bytea, primary key (job_id, n))""",
    # Compressed by us, or not worth it.
    "alter table import_file_part alter column body set storage external",
    "alter table import_chunk alter column payload set storage external",
    f"""create table import_report (
        job_id bigint not null references import_job on delete cascade, phase text not null, chunk int not null,
        rows bigint not null, {_COUNTS} primary key (job_id, phase, chunk),
        check (rows = created + updated + unchanged + rejected))""",
    """create table import_error (
        job_id bigint not null references import_job on delete cascade, phase text not null, line int not null,
        place int not null, "column" text not null, attribute text not null, code text not null,
        message text not null, primary key (job_id, line, phase, place))""",
    """create table import_sample (
        job_id bigint not null references import_job on delete cascade, line int not null, outcome text not null,
        entity_id bigint, changed jsonb not null, primary key (job_id, line))""",
    """create table import_kept (
        job_id bigint not null references import_job on delete cascade, entity_id bigint not null,
        attribute text not null, primary key (job_id, entity_id, attribute))""",
    # Which chunk had a key last, while a phase is announced.
    """create table import_key (
        job_id bigint not null references import_job on delete cascade, key bigint not null, chunk int not null,
        primary key (job_id, key))""",
    f"""create table import_mapping (
        id bigint generated always as identity primary key, entity_type text not null, name text not null default '',
        header_key text not null default '', mapping jsonb not null, actor text not null,
        updated_at timestamp not null default {_NOW})""",
    "create unique index import_mapping_name on import_mapping (entity_type, name) where name <> ''",
    "create unique index import_mapping_header on import_mapping (entity_type, header_key) where header_key <> ''",
)
_NAMES = (
    "import_mapping, import_key, import_kept, import_sample, import_error, import_report, import_chunk, "
    "import_file_part, import_phase, import_job"
)


def create_statements() -> list[str]:
    """The DDL, in order."""
    return list(_TABLES)


def drop_statements() -> list[str]:
    """The way back."""
    return [f"drop table if exists {_NAMES} cascade"]
