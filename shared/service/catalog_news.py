"""Telling the log what code declares, so that a reader who begins at its origin knows every attribute it meets.

Definitions made at run time are told when they are made (`definitions`). Declared ones are told when a service is
brought to its code: once, and again when the declaration has changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.event import CATALOG_TYPE
from shared.eav.catalog import Catalog, LiveType
from shared.eav.declare import TypeDef
from shared.kernel import json
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.service.definition_changes import attribute_detail
from shared.service.publishing import publish_definition

Metrics = Mapping[str, Sequence[Mapping[str, Any]]]
"""By entity type: definitions of metrics as reporting takes them (its name for the type left out)."""

_KNOWN = "select digest from told_type where entity_type = %(type)s for update"
_TOLD = """insert into told_type (entity_type, digest) values (%(type)s, %(digest)s)
on conflict (entity_type) do update set digest = excluded.digest"""


def create_statements() -> list[str]:
    """DDL of what was told."""
    return ["create table told_type (entity_type text primary key, digest text not null)"]


def type_detail(live: LiveType, metrics: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """A whole type as catalog events tell it: names, labels, all attributes (those put aside included), and the metrics
    that its service suggests for it."""
    defn = live.defn
    return {
        "name": defn.name,
        "plural": defn.plural,
        "label": defn.label,
        "plural_label": defn.plural_label,
        "wire_id": defn.wire_id,
        "synonyms": list(defn.synonyms),
        "primary_display": defn.primary_display,
        "secondary_display": list(defn.secondary_display),
        "searchable": list(defn.searchable),
        "builtin": defn.builtin,
        "attributes": [attribute_detail(one) for one in live.every.values()],
        "metrics": [dict(one) for one in metrics],
    }


def tell_declared(database: Database, types: Sequence[TypeDef], metrics: Metrics | None = None) -> list[str]:
    """Publish declared types that were not told yet, or not so; their names. Safe from several processes at once."""
    suggested = metrics or {}
    catalog = Catalog(database)
    told = []
    for live in [catalog.type(one.name) for one in types]:
        with database.transaction() as connection:
            connection.row("select pg_advisory_xact_lock(7004)")
            if _tell(connection, live, suggested.get(live.name, ())):
                told.append(live.name)
    return told


def _tell(connection: Connection, live: LiveType, metrics: Sequence[Mapping[str, Any]]) -> bool:
    detail = type_detail(live, metrics)
    declared = [one for one in detail["attributes"] if one["builtin"]]
    digest = hashlib.sha256(json.canonical({**detail, "attributes": declared})).hexdigest()
    if connection.row(_KNOWN, {"type": live.name}) == (digest,):
        return False
    publish_definition(connection, CATALOG_TYPE, live.name, detail, Context(source="SYSTEM"))
    connection.run(_TOLD, {"type": live.name, "digest": digest})
    return True
