"""Links to ids that their home does not know: undone, with a reason, once its feed has passed the moment of the write.

Part of every round of maintenance. An id is accepted before anybody here has heard of it, because its home may be a
moment ahead; see `shared.eav.links.across`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta

from shared.bus.consumer import passed
from shared.eav import mirroring
from shared.kernel.clock import now
from shared.kernel.db import Connection, Database
from shared.service.mirrors.declare import Mirror, sources, subscription_name
from shared.service.mirrors.keeper import Keeper

MARGIN = timedelta(seconds=5)
"""How far the clocks of two databases may differ."""
KEPT = timedelta(days=90)
"""How long is remembered when links were undone: longer than any log is kept."""
MOST = 1000
_CLOCK_BITS = 16
_PENDING = """select id from eav_pending where type_id = %(type)s and since < %(until)s
order by since limit %(most)s for update skip locked"""
_FORGET = "delete from eav_unlinked where clock < %(clock)s"


def sweep(database: Database, service: str, mirrors: Iterable[Mirror]) -> int:
    """Undo what is known to be in vain; how many ids that were. Idempotent, and safe from several processes."""
    count = 0
    for source, those in sources(mirrors).items():
        keeper = Keeper(service, source, those)
        for one in those:
            with database.transaction() as connection:
                count += _sweep(connection, keeper, one)
    with database.connect() as connection:
        oldest = int((now() - KEPT).timestamp() * 1000)
        connection.run(_FORGET, {"clock": oldest << _CLOCK_BITS})
    return count


def _sweep(connection: Connection, keeper: Keeper, mirror: Mirror) -> int:
    reached = passed(connection, subscription_name(keeper.service, keeper.source))
    if reached is None:
        return 0
    known = keeper.known(connection)
    live = known.lives[mirror.type]
    until = (reached - MARGIN).astimezone(UTC).replace(tzinfo=None)
    rows = connection.rows(_PENDING, {"type": live.id, "until": until, "most": MOST})
    ids = [row[0] for row in rows]
    if ids:
        reason = f"{keeper.source} knows no {mirror.type} of this id"
        keeper.hear(connection, known, keeper.undoing(connection, known, live, ids, reason=reason))
        mirroring.drop_stubs(connection, live, ids)
    return len(ids)
