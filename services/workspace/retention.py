"""How long files are kept: rows for 30 days, uploads that broke off for a day. Part of every round of maintenance."""

from __future__ import annotations

from datetime import timedelta

from shared.kernel.clock import now
from shared.kernel.db import Database

KEEP = timedelta(days=30)
UNFINISHED = timedelta(days=1)
_AT_ONCE = 50

_OLD = """
select id from import_job where not dropped and created_at < %(before)s
and state in ('ready', 'done', 'canceled', 'failed', 'undone') order by created_at limit %(limit)s
for update skip locked
"""
_DROP = tuple(
    f"delete from {table} where job_id = any(%(jobs)s)"
    for table in ("import_chunk", "import_file_part", "import_sample", "import_key")
)
_DROPPED = """
update import_job set dropped = true, profile = null, checkpoint = null,
    error = case when state = 'ready' then 'It was never started; its file is no longer kept' else error end,
    state = case when state = 'ready' then 'canceled' else state end
where id = any(%(jobs)s)
"""
_UNFINISHED = "delete from import_job where state = 'uploading' and created_at < %(before)s"


def drop_old_files(database: Database) -> int:
    """Forget the rows of old imports; their counts and errors stay. How many imports."""
    dropped = 0
    with database.connect() as connection:
        dropped += connection.run(_UNFINISHED, {"before": (now() - UNFINISHED).replace(tzinfo=None)})
    while True:
        with database.transaction() as connection:
            before = (now() - KEEP).replace(tzinfo=None)
            found = [row[0] for row in connection.rows(_OLD, {"before": before, "limit": _AT_ONCE})]
            for statement in (*_DROP, _DROPPED) if found else ():
                connection.run(statement, {"jobs": found})
        dropped += len(found)
        if len(found) < _AT_ONCE:
            return dropped
