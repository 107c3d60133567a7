"""Saved views: named questions about the entities of a type, with their columns, for the lists that people look at.

A view is a filter, words, sorts and columns, kept where its entities are, and asked like any query: paged by a cursor,
counted by indexes. `@me` in its filter is whoever looks. Not for numbers that are watched all the time: reporting keeps
those of saved filters up to date by every change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.filters import parse
from shared.eav.links.neighbours import linked_name
from shared.kernel import json
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, ErrorList, Forbidden, Invalid, NotFound
from shared.service.permissions import allowed, require, scopes_for

ME = "@me"
MOST_NAME = 100
MOST_COLUMNS = 100
MOST_VIEWS = 1000
_COLUMNS = "name, body, shared, actor"
_ALL = f"""
select {_COLUMNS} from saved_view
where type_id = %(type)s and (shared or actor = %(actor)s or %(every)s) order by lower(name)
"""
_ONE = f"select {_COLUMNS} from saved_view where type_id = %(type)s and lower(name) = lower(%(name)s)"
_ADD = """
insert into saved_view (type_id, name, body, shared, actor)
values (%(type)s, %(name)s, %(body)s::jsonb, %(shared)s, %(actor)s)
"""
_CHANGE = """
update saved_view set body = %(body)s::jsonb, shared = %(shared)s where type_id = %(type)s and name = %(name)s
"""
_DROP = "delete from saved_view where type_id = %(type)s and name = %(name)s"
_COUNT = "select count(*) from saved_view where type_id = %(type)s"
_CREATE = """create table saved_view (type_id int not null references eav_type on delete cascade, name text not null,
    body jsonb not null, shared bool not null, actor text not null,
    created_at timestamp not null default timezone('utc', clock_timestamp()), primary key (type_id, name))"""
DROP = "drop table if exists saved_view"


@dataclass(frozen=True, slots=True)
class SavedView:
    """body: a query as its door takes it (filter, text, sorts, attributes), with a description. shared: whether others
    see it; actor: who made it."""

    name: str
    body: Mapping[str, Any] = field(default_factory=dict)
    shared: bool = False
    actor: str = ""

    def query(self, me: str) -> dict[str, Any]:
        """What to ask, for whoever looks. Raises Invalid when nobody said who."""
        asked = {key: value for key, value in self.body.items() if key != "description"}
        if self.personal and not me:
            raise Invalid.one("me", "REQUIRED_FIELD", f"{self.name} asks for {ME}: say who looks")
        return {**asked, "filter": _for(asked.get("filter"), me)}

    @property
    def personal(self) -> bool:
        """Whether it is another for everybody who looks."""
        return ME in _leaves(self.body.get("filter"))


class SavedViews:
    """The views of one service's types."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def listed(self, ctx: Context, type: str) -> list[SavedView]:
        """Those that are shared, and one's own."""
        live = self._live(ctx, type)
        params = {"type": live.id, "actor": ctx.actor.id, "every": False}
        with self._engine.database.connect() as connection:
            return [_view(row) for row in connection.rows(_ALL, params)]

    def find(self, ctx: Context, type: str, name: str) -> SavedView:
        """One of them. Raises NotFound, also for one that is somebody else's own."""
        live = self._live(ctx, type)
        with self._engine.database.connect() as connection:
            return _seen(connection, ctx, live, name)

    def put(self, ctx: Context, type: str, view: SavedView) -> SavedView:
        """Make a view, or change it. Raises Invalid with everything wrong, Conflict when the name is somebody's own,
        Forbidden for a shared one of somebody else, unless one may change the type."""
        self._engine.catalog.refresh()  # it may show what another process has just made
        live = self._live(ctx, type)
        self._check(live, view)
        mine = replace(view, actor=ctx.actor.id)
        params = {
            "type": live.id,
            "name": mine.name,
            "body": json.dumps(mine.body).decode(),
            "shared": mine.shared,
            "actor": mine.actor,
        }
        try:
            with self._engine.database.transaction() as connection:
                held = _find(connection, live, mine.name)
                if held is None:
                    _room(connection, live)
                    connection.run(_ADD, params)
                    return mine
                _permit(ctx, live, held)
                connection.run(_CHANGE, {**params, "name": held.name})
                return replace(mine, name=held.name, actor=held.actor)
        except psycopg.errors.UniqueViolation as error:
            raise Conflict(f"There is a view {view.name} already") from error

    def drop(self, ctx: Context, type: str, name: str) -> None:
        """Do away with one. Raises NotFound, Forbidden as `put`."""
        live = self._live(ctx, type)
        with self._engine.database.transaction() as connection:
            held = _seen(connection, ctx, live, name)
            _permit(ctx, live, held)
            connection.run(_DROP, {"type": live.id, "name": held.name})

    def _live(self, ctx: Context, type: str) -> LiveType:
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "read")
        return live

    def _check(self, live: LiveType, view: SavedView) -> None:
        errors = ErrorList()
        if not view.name.strip() or len(view.name) > MOST_NAME or "/" in view.name:
            errors.add("view", "INVALID_NAME", f"a view's name has 1 to {MOST_NAME} characters and no slash")
        asked = view.query("0") if view.personal else view.query("")
        columns = asked.get("attributes") or ()
        if len(columns) > MOST_COLUMNS:
            errors.add("attributes", "INVALID_LIST", f"a view has at most {MOST_COLUMNS} columns")
        linked = [one for one in columns if linked_name(live, one)]
        names = [(one, "attributes") for one in columns if one not in linked]
        names += [(one, "sorts") for one in asked.get("sorts") or ()]
        for name, where in names:
            plain = name if isinstance(name, str) else name.get("attribute", "")
            try:
                live.attribute(plain.removeprefix("-") if where == "sorts" else plain)
            except Invalid as problem:
                errors.errors.extend(problem.errors)
        try:
            self._engine.reads.check_view(live.name, View("json", tuple(linked)))
        except Invalid as problem:
            errors.errors.extend(problem.errors)
        try:
            if asked.get("filter") is not None:
                self._engine.reads.check(live.name, parse(asked["filter"]))
        except Invalid as problem:
            errors.errors.extend(problem.errors)
        errors.raise_if_any()


def create_statements() -> list[str]:
    """DDL."""
    return [_CREATE, "create unique index saved_view_name on saved_view (type_id, lower(name))"]


def _room(connection: Connection, live: LiveType) -> None:
    row = connection.row(_COUNT, {"type": live.id})
    if row is not None and row[0] >= MOST_VIEWS:
        raise Invalid.one("view", "LIMIT_EXCEEDED", f"{live.plural} have at most {MOST_VIEWS} views")


def _find(connection: Connection, live: LiveType, name: str) -> SavedView | None:
    row = connection.row(_ONE, {"type": live.id, "name": name})
    return None if row is None else _view(row)


def _seen(connection: Connection, ctx: Context, live: LiveType, name: str) -> SavedView:
    found = _find(connection, live, name)
    if found is None or not (found.shared or found.actor == ctx.actor.id):
        raise NotFound("view", [name[:80]], f"There is no view {name[:80]} of {live.plural}")
    return found


def _permit(ctx: Context, live: LiveType, held: SavedView) -> None:
    if held.actor == ctx.actor.id:
        return
    if not held.shared:
        raise Conflict(f"There is a view {held.name} already")
    if not allowed(ctx.actor, "schemas", live.defn, "write"):
        raise Forbidden(sorted(scopes_for("schemas", live.plural, not live.defn.builtin, "write") - {"*"}))


def _for(node: Any, me: str) -> Any:
    """A filter with whoever looks in place of `@me`."""
    if isinstance(node, dict):
        return {key: _for(value, me) for key, value in node.items()}
    if isinstance(node, list):
        return [_for(one, me) for one in node]
    return me if node == ME else node


def _leaves(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return [leaf for value in node.values() for leaf in _leaves(value)]
    if isinstance(node, list):
        return [leaf for one in node for leaf in _leaves(one)]
    return [node]


def _view(row: tuple[Any, ...]) -> SavedView:
    name, body, shared, actor = row
    return SavedView(name, body, shared, actor)
