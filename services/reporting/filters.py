"""Saved filters: named conditions over one entity type, each with the number of entities that fit it right now.

A filter is kept as a metric that counts and has no dimensions, so that its number is exact by the same deltas, filled
online, verified and explained like any other. Not for lists of entities: whoever wants those asks the type's own query
with the filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.reporting import commands
from services.reporting.answering import Answers
from services.reporting.domain.definitions import FILTER_PREFIX
from services.reporting.freshness import check_fresh
from services.reporting.incomplete import missing
from services.reporting.metrics import store
from shared.kernel.clock import iso, now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, Invalid, NotFound
from shared.service.permissions import REPORTS_READ, REPORTS_WRITE, allowed, require, require_scope
from shared.service.replica.catalogs import KnownTypes

_KEYS = ("name", "label", "description", "entity_type", "filter")


def save(answers: Answers, ctx: Context, raw: Mapping[str, Any]) -> dict[str, Any]:
    """A new filter. Raises Invalid with every problem, Conflict when the name is taken, Forbidden."""
    require_scope(ctx.actor, REPORTS_WRITE)
    _check(raw)
    if not raw.get("filter"):
        raise Invalid.one("filter", "REQUIRED_FIELD", "filter: is needed")
    name = str(raw.get("name") or "")
    _readable(answers, ctx, str(raw.get("entity_type") or ""))
    try:
        told = {**raw, "name": FILTER_PREFIX + name, "label": raw.get("label") or name}
        made = commands.define(answers.database, answers.projections, ctx, told)
    except Conflict as error:
        raise Conflict(f"There is a filter {name} already; change it, or remove it first") from error
    return _document(made, None)


def change(answers: Answers, ctx: Context, name: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Other conditions, or another label; the number is that of the old conditions until the new ones are counted."""
    require_scope(ctx.actor, REPORTS_WRITE)
    _check(raw)
    if raw.get("name") not in (None, name):
        raise Invalid.one("name", "READ_ONLY_VALUE", "name: a filter keeps its name; save another one")
    told = {key: value for key, value in raw.items() if key != "name"}
    with answers.database.connect() as connection:
        _found(connection, name)
    made = commands.redefine(answers.database, answers.projections, ctx, FILTER_PREFIX + name, told)
    return _document(made, None)


def remove(answers: Answers, ctx: Context, name: str) -> None:
    """Let a filter go."""
    require_scope(ctx.actor, REPORTS_WRITE)
    with answers.database.connect() as connection:
        _found(connection, name)
    commands.retire(answers.database, FILTER_PREFIX + name)


def listing(answers: Answers, ctx: Context, entity_type: str = "", fresh: str = "any") -> dict[str, Any]:
    """The filters of a type, or of all that the actor may read, with their numbers as of one moment.

    Raises NotFound for an unknown type, Forbidden for one that must not be read, Unavailable when it is not fresh.
    """
    require_scope(ctx.actor, REPORTS_READ)
    check_fresh(fresh)
    asked = now()
    with answers.database.connect() as connection:
        types = answers.projections.catalogs.types(connection)
        wanted = types.type(entity_type) if entity_type else None
        if wanted is not None:
            require(ctx.actor, "objects", wanted.live.defn, "read")
        found = [
            one
            for one in store.listed(connection, (*store.ACTIVE, store.FAILED), filters=True)
            if _shown(types, ctx, one) and (wanted is None or types.type(one.entity_type) is wanted)
        ]
    sources = sorted({types.type(one.entity_type).source for one in found})
    answers.wait(sources, fresh, asked)
    ids = [one.id for one in found]
    with answers.database.connect() as connection, connection.transaction():
        connection.run("set transaction isolation level repeatable read, read only")
        _, as_of = store.stand(connection, ids, sources)
        lacking = missing(connection, sources).document
        sizes = store.sizes(connection, ids)
    # A filter that is changed shows the number that it had, and that another is being counted.
    ready = {one.name for one in found if one.state == store.READY}
    rows = [_document(one, sizes[one.id]) for one in found if one.state == store.READY or one.name not in ready]
    lag = None if as_of is None else max(0, round((now() - as_of).total_seconds() * 1000))
    return {"results": rows, "as_of": as_of and iso(as_of), "lag_ms": lag, **lacking}


def read(answers: Answers, ctx: Context, name: str, fresh: str = "any") -> dict[str, Any]:
    """One filter with its number. Raises NotFound, Forbidden, Unavailable when it is not fresh."""
    require_scope(ctx.actor, REPORTS_READ)
    with answers.database.connect() as connection:
        metric = _found(connection, name)
    _readable(answers, ctx, metric.entity_type)
    body = listing(answers, ctx, metric.entity_type, fresh)
    row = next((one for one in body["results"] if one["name"] == name), None)
    if row is None:
        raise NotFound("filter", [name], f"There is no filter {name[:80]}")
    return {**row, **{key: value for key, value in body.items() if key != "results"}}


def _check(raw: Mapping[str, Any]) -> None:
    for key in raw:
        if key not in _KEYS:
            raise Invalid.one(
                str(key)[:60], "INVALID_FILTER", f"{key}: is not known here; known are {', '.join(_KEYS)}"
            )
    if str(raw.get("name", "")).startswith(FILTER_PREFIX):
        raise Invalid.one("name", "INVALID_FILTER", "name: small letters, digits and _ only, a letter first")


def _found(connection: Connection, name: str) -> store.Metric:
    metric = store.find(connection, FILTER_PREFIX + name, (*store.ACTIVE, store.FAILED))
    if metric is None:
        raise NotFound("filter", [name], f"There is no filter {name[:80]}")
    return metric


def _readable(answers: Answers, ctx: Context, entity_type: str) -> None:
    if entity_type:
        with answers.database.connect() as connection:
            known = answers.projections.catalogs.types(connection).type(entity_type)
        require(ctx.actor, "objects", known.live.defn, "read")


def _shown(types: KnownTypes, ctx: Context, one: store.Metric) -> bool:
    known = types.find(one.entity_type)
    return known is not None and allowed(ctx.actor, "objects", known.live.defn, "read")


def _document(one: store.Metric, count: int | None) -> dict[str, Any]:
    definition = one.definition
    return {
        "name": one.name.removeprefix(FILTER_PREFIX),
        "label": definition.label.removeprefix(FILTER_PREFIX),
        "description": definition.description,
        "entity_type": one.entity_type,
        "filter": definition.filter,
        "count": count if one.state == store.READY else None,
        "state": one.state,
        "error": one.error,
        "version": one.version,
        "verified_at": one.verified_at and iso(one.verified_at),
    }
