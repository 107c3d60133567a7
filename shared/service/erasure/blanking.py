"""Values of erased entities outside the engine's tables: in the log, in answers kept for repetitions, with imports.

Events are blanked where they lie: their ids and the order of the log stay. Everything happens in the transaction of
the erasure. The log has no index by entity, which every write would pay for: it is read through, from the day before
the entity was made on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.contracts.imports import CHUNK
from shared.eav.erasing import Erased
from shared.kernel.db import Connection
from shared.kernel.json import dumps

_MARGIN = timedelta(days=1)
_SHORTEST = 4
_ROWS = """
select r.entity_id, j.id, j.number, r.line, j.created_at from import_row r join work_job j on j.id = r.job_id
where r.entity_type = %(type)s and r.entity_id = any(%(ids)s::bigint[]) order by 1, 2, 4
"""
_SEEN = """
delete from import_seen where job_id = any(%(jobs)s::bigint[])
    or (attribute, key) in (select * from unnest(%(names)s::text[], %(keys)s::text[]))
"""
_DEFERRED = """
delete from import_deferred d using unnest(%(jobs)s::bigint[], %(lines)s::int[]) g(job, line)
where d.job_id = g.job and d.line = g.line
"""
_SPECS = """
update work_job set spec = '{}' where state not in ('running', 'paused')
    and exists (select from unnest(%(texts)s::text[]) t where position(t in lower(spec::text)) > 0)
"""
_SAMPLED = f"""(kind = '{CHUNK}' and body #> '{{detail,samples}}' is not null and (
        entity_id = any(%(numbers)s::bigint[])
        or exists (select from jsonb_array_elements(body #> '{{detail,samples}}') one
            where one ->> 'id' = any(%(texts)s::text[]))))"""
_EVENTS = f"""
update outbox set body = case when kind = '{CHUNK}' then body #- '{{detail,samples}}' else body - 'changed' end
where at >= %(since)s and (
    (kind like 'entity.%%' and entity_type = %(type)s and entity_id = any(%(ids)s::bigint[]) and body ? 'changed')
    or {_SAMPLED})
"""
_SAMPLES = f"update outbox set body = body #- '{{detail,samples}}' where at >= %(since)s and {_SAMPLED}"
_LENT = """
update outbox set body = jsonb_set(body, '{changed}', (body -> 'changed') - %(keys)s::text[])
where kind like 'entity.%%' and entity_type = %(type)s and entity_id = %(id)s and version between %(low)s and %(high)s
    and body ? 'changed'
"""
# The version that says that they are empty stays, and tells copies to forget what they were before.
_EMPTIED = """
update outbox set body = body || jsonb_build_object(
    'changed', ((body -> 'changed') - %(keys)s::text[]) || %(nothing)s::jsonb,
    'detail', coalesce(body -> 'detail', '{}') || %(detail)s::jsonb)
where kind = 'entity.updated' and entity_type = %(type)s and entity_id = %(id)s and version = %(version)s
"""
_ANSWERS = """
with gone as (
    delete from idempotency_key where entities && %(ids)s::text[]
        and exists (select from unnest(%(texts)s::text[]) t where position(t in lower(key)) > 0))
update idempotency_key set answer = null where entities && %(ids)s::text[] and answer is not null
"""

Line = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Imported:
    """Where entities came from: per id the (number of the job, line) of each row; the jobs; the oldest one's age."""

    lines: dict[int, list[Line]]
    jobs: frozenset[int]
    numbers: frozenset[int]
    since: datetime | None


def imported(connection: Connection, entity_type: str, ids: Collection[int]) -> Imported:
    """Which rows of imports these entities came from."""
    rows = connection.rows(_ROWS, {"type": entity_type, "ids": list(ids)})
    lines: dict[int, list[Line]] = {}
    for ident, _, number, line, _ in rows:
        lines.setdefault(ident, []).append((number, line))
    if rows:
        forget = {"jobs": [row[1] for row in rows], "lines": [row[3] for row in rows]}
        connection.run(_DEFERRED, forget)
    return Imported(
        lines,
        frozenset(row[1] for row in rows),
        frozenset(row[2] for row in rows),
        min((row[4] for row in rows), default=None),
    )


def blank_imports(connection: Connection, found: Imported, keys: Sequence[tuple[str, str]]) -> None:
    """What imports remember of values: dry runs of these jobs, and anywhere these unique (attribute name, key)."""
    names, texts = [name for name, _ in keys], [key for _, key in keys]
    connection.run(_SEEN, {"jobs": list(found.jobs), "names": names, "keys": texts})
    connection.run(_SPECS, {"texts": _telling(texts)})


def blank_log(connection: Connection, entity_type: str, erased: Erased, found: Imported) -> int:
    """Values in events; how many events were blanked."""
    ids = list(erased.versions)
    since = min((*erased.recorded.values(), *([found.since] if found.since else [])))
    params = {
        "type": entity_type,
        "ids": ids,
        "texts": [str(one) for one in ids],
        "numbers": list(found.numbers),
        "since": since - _MARGIN,
    }
    done = connection.run(_EVENTS, params)
    for one in erased.lent:
        keys = {"type": entity_type, "id": one.id, "low": one.first, "high": one.last, "keys": list(one.attributes)}
        done += connection.run(_LENT, keys)
    return done


def blank_samples(connection: Connection, recorded: Mapping[int, datetime], found: Imported) -> None:
    """Samples of files that entities came from, which were recorded at these instants."""
    since = min((*recorded.values(), *([found.since] if found.since else [])), default=None)
    if since is not None:
        texts = [str(one) for one in recorded]
        params = {"texts": texts, "numbers": list(found.numbers), "since": since - _MARGIN}
        connection.run(_SAMPLES, params)


def blank_values(connection: Connection, entity_type: str, ident: int, version: int, keys: Sequence[str]) -> None:
    """Attributes of an entity that stays, emptied by its last version, in all events about it. That version's event
    tells of it as of what others had of somebody who was erased (`lent`)."""
    params = {"type": entity_type, "id": ident, "keys": list(keys)}
    connection.run(_LENT, {**params, "low": 1, "high": version - 1})
    nothing = dumps({key: [None, None] for key in keys}).decode()
    detail = dumps({"lent": [[str(ident), 1, version, list(keys)]]}).decode()
    connection.run(_EMPTIED, {**params, "version": version, "nothing": nothing, "detail": detail})


def blank_answers(connection: Connection, ids: Collection[int], keys: Sequence[str]) -> None:
    """Answers kept for repetitions: that the writes were carried out stays known, what they answered does not."""
    connection.run(_ANSWERS, {"ids": [str(one) for one in ids], "texts": _telling(keys)})


def _telling(texts: Sequence[str]) -> list[str]:
    """Texts long enough that finding one means something."""
    return [text.lower() for text in texts if len(text) >= _SHORTEST]
