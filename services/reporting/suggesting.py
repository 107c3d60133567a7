"""What services suggest counting of their types: defined once, and kept up while nobody has made it their own.

A service that is upgraded may count otherwise than before. Metrics that somebody changed stay as they are, and one that
was retired is not defined again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.reporting.commands import define, renew
from services.reporting.domain.definitions import Definition, Wrong, read_definition
from services.reporting.metrics import store
from services.reporting.projections import Projections
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Conflict, Invalid, NotFound
from shared.kernel.json import loads
from shared.kernel.telemetry import logger

_log = logger("reporting.suggesting")
_OURS = """select name, definition::text from (
    select distinct on (m.name) m.name, m.definition,
        (select f.created_by from metric f where (f.name, f.definition) = (m.name, m.definition)
         order by f.version limit 1) as by
    from metric m where m.state = any(%(states)s) order by m.name, m.version desc) newest where by = %(actor)s"""


def define_suggested(database: Database, projections: Projections) -> int:
    """Define what services suggest for their types, and define anew what they suggest otherwise by now; how many."""
    context, made = Context(source="SYSTEM"), 0
    with database.connect() as connection:
        types = [(one.name, one.metrics) for one in projections.catalogs.types(connection)]
        known, ours = store.names(connection), _ours(connection, context.actor.id)
    for entity_type, metrics in types:
        for raw in ({**one, "entity_type": entity_type} for one in metrics):
            name = raw["name"]
            try:
                if name not in known:
                    define(database, projections, context, raw)
                elif name in ours and _differs(ours[name], raw):
                    renew(database, projections, context, raw)
                else:
                    continue
                made += 1
            except (Conflict, Invalid, NotFound) as error:
                _log.warning("not defined", metric=name, error=error.category)
    return made


def _ours(connection: Connection, actor: str) -> dict[str, Definition]:
    """By name, the definitions in force, or being filled, that this actor was the first to give."""
    rows = connection.rows(_OURS, {"states": [*store.ACTIVE, store.FAILED], "actor": actor})
    return {name: read_definition(loads(text)) for name, text in rows}


def _differs(ours: Definition, raw: Mapping[str, Any]) -> bool:
    """Whether something else is suggested now; what cannot be read is no suggestion."""
    try:
        return read_definition(raw) != ours
    except Wrong:
        return False
