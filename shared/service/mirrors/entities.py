"""From a page of another service's events to rows of a mirror: set-wise, each version once, none left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.contracts.event import ARCHIVED, ENTITY_KINDS, ERASED, MERGED, RESTORED, UNMERGED, Event
from shared.eav import mirroring
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.mirroring import Mirrored
from shared.kernel.db import Connection
from shared.kernel.telemetry import logger
from shared.service.replica.fold import Missing

Keys = Mapping[str, AttributeDef]
"""Attributes of a mirror by the keys that their home tells of them by."""

_ARCHIVES = {ARCHIVED: True, ERASED: True, RESTORED: False}
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_ABSORB = """insert into eav_mirror_absorbed (type_id, id, into_id)
select %(type)s, i, s from unnest(%(i)s::bigint[], %(s)s::bigint[]) g(i, s)
on conflict (type_id, id) do update set into_id = excluded.into_id"""
_RELEASE = "delete from eav_mirror_absorbed where type_id = %(type)s and id = any(%(i)s::bigint[])"
_log = logger("mirrors")


def apply_entity_events(connection: Connection, live: LiveType, keys: Keys, events: Sequence[Event]) -> list[Event]:
    """Bring a mirror up to date; the events that were news, for what follows from them. Raises Missing."""
    told = [one for one in events if one.entity_type == live.name and one.kind in ENTITY_KINDS and one.entity_id]
    if not told:
        return []
    known = mirroring.standing(connection, live, {one.entity_id or 0 for one in told})
    news, touched = [], {}
    for event in told:
        ident = event.entity_id or 0
        one = known.setdefault(ident, Mirrored(ident, 0, False, event.effective_at or event.at, event.at))
        if event.version <= one.version:
            continue
        if event.version > one.version + 1 and event.kind != ERASED:
            if one.version:
                raise Missing(f"version {event.version} of {live.name} {ident} came before an earlier one")
            continue  # it was erased before we read it from its home: that is yet to be told
        _advance(live, keys, one, event)
        touched[ident] = one
        news.append(event)
    mirroring.put(connection, live, list(touched.values()))
    _merges(connection, live, news)
    return news


def _advance(live: LiveType, keys: Keys, one: Mirrored, event: Event) -> None:
    if event.version == 1:
        one.created_at = event.effective_at or event.at
    one.version, one.updated_at = event.version, event.at
    one.archived = _ARCHIVES.get(event.kind, one.archived)
    if event.kind == ERASED:
        one.values = {}
        one.created_at = one.updated_at = _NEVER
    told = {key: new for key, (_, new) in event.changed.items() if key in keys}
    if one.values:
        for key in told:
            one.values.pop(keys[key].key, None)
    one.values |= translated(live, keys, told)


def translated(live: LiveType, keys: Keys, values: Mapping[str, Any]) -> dict[str, Any]:
    """Canonical values under the mirror's own keys; what it does not keep is left out."""
    found, texts = {}, mirroring.texts(live)
    for key, value in values.items():
        attribute = keys.get(key)
        if attribute is not None and value is not None:
            own = attribute.key
            # Any text has a place.
            if (own in texts and value.__class__ is str) or _known(live, attribute, own, value):
                found[own] = value
    return found


def _known(live: LiveType, attribute: AttributeDef, key: str, value: Any) -> bool:
    """Whether the value has a place here. An option that its home has not told of has none; that is an error there."""
    found = mirroring.has_place(live, key, value)
    if not found:
        _log.warning("a value has no place", type=live.name, attribute=attribute.name)
    return found


def _merges(connection: Connection, live: LiveType, news: Iterable[Event]) -> None:
    """Whom ids mean that were absorbed."""
    for event in news:
        listed = {MERGED: "absorbed", UNMERGED: "restored"}.get(event.kind)
        ids = [int(one["id"]) for one in event.detail.get(listed, ())] if listed else []
        if ids:
            params = {"type": live.id, "i": ids, "s": [event.entity_id] * len(ids)}
            connection.run(_ABSORB if event.kind == MERGED else _RELEASE, params)
