"""What dry runs leave behind when they have ended: the values they remembered. For maintenance."""

from __future__ import annotations

from shared.kernel.db import Database

_BATCH = 20_000
_PURGE = """
delete from import_seen where ctid = any(array(
    select s.ctid from import_seen s join work_job j on j.id = s.job_id
    where not (j.phase in ('dry', 'dry-deferred') and j.state in ('running', 'paused', 'failed')) limit %(most)s))
"""


def purge_seen(database: Database) -> int:
    """Delete what no dry run needs any more, in small transactions; how many rows."""
    purged = 0
    with database.connect() as connection:
        while done := connection.run(_PURGE, {"most": _BATCH}):
            purged += done
    return purged
