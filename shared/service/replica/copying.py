"""Taking over a source's present state when its log cannot tell it: begun too late, retention, a restored database.

The source's catalog, then its entities page by page, each page in a transaction of its own: what differs from the
copy becomes a change like any other, so that whatever is made of changes stays true. Entities that the source no
longer has are taken out. Events since the noted head follow; versions already copied have no effect then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.bus.dead_letters import Renew
from shared.kernel.db import Connection, Database
from shared.service.replica.catalogs import Catalogs, KnownType, put_types
from shared.service.replica.facts import FactChange
from shared.service.replica.said import speaks_of
from shared.service.replica.takeover import Link, Speaks, State, take_over, take_over_links

Ask = Callable[[str], Mapping[str, Any]]
Project = Callable[[Connection, Sequence[FactChange]], None]
_MOST_ID = 2**63 - 1
_VERSION = "select version from fact where type_no = %(no)s and id = %(id)s for update"
TakeLinks = Callable[[Connection, Sequence[Link], tuple[int, ...], tuple[int, ...], Speaks], None]


def copy(
    database: Database, catalogs: Catalogs, source: str, ask: Ask, project: Project, links: TakeLinks = take_over_links
) -> None:
    """Bring the replica of `source` to its present state. `ask` answers GET paths of the source, or raises.

    links: takes over a range of links, for those who make something of links.
    """
    details = ask(f"/api/v1/{source}/catalog")["types"]
    with database.transaction() as connection:
        put_types(connection, source, details)
    for detail in details:
        name = str(detail["name"])
        for states, after, upto in _entities(ask, f"/api/v1/{source}/entities/{name}"):
            with database.transaction() as connection:
                known = catalogs.types(connection).type(name)
                project(connection, take_over(connection, known, states, after, upto))
    for some, first, last in _links(ask, f"/api/v1/{source}/links"):
        with database.transaction() as connection:
            speaks = speaks_of(catalogs.types(connection), source, {row[0] for row in some})
            links(connection, some, first, last, speaks)


def renewing(catalogs: Catalogs, source: str, ask: Ask, project: Project) -> Renew:
    """Takes over one entity of a source, or the definition of a type, as it is there now. Links stay as they are."""

    def renew(entity_type: str, ident: int | None) -> Callable[[Connection], None]:
        if ident is None:
            told = [one for one in ask(f"/api/v1/{source}/catalog")["types"] if one["name"] == entity_type]
            return lambda connection: put_types(connection, source, told)
        state = snapshot(ask, source, entity_type, ident)

        def take(connection: Connection) -> None:
            known = catalogs.types(connection).find(entity_type)
            if known is not None and known.source == source:
                project(connection, renewed(connection, known, ident, state))

        return take

    return renew


def snapshot(ask: Ask, source: str, entity_type: str, ident: int) -> State | None:
    """An entity as its source has it, None when that has none. Raises Unavailable."""
    page = ask(f"/api/v1/{source}/entities/{entity_type}?after={ident - 1}&limit=1")["results"]
    return next((state_of(one) for one in page if int(one["id"]) == ident), None)


def renewed(connection: Connection, known: KnownType, ident: int, state: State | None) -> list[FactChange]:
    """Make one fact what its home says it is, unless it is ahead of that by now; what that changed."""
    row = connection.row(_VERSION, {"no": known.no, "id": ident})
    if row is not None and state is not None and row[0] > state.version:
        return []
    return take_over(connection, known, [] if state is None else [state], ident - 1, ident)


def _entities(ask: Ask, path: str) -> Iterator[tuple[list[State], int, int]]:
    """Pages of entities with the ids they lie between: behind the first, up to the second."""
    after = 0
    while True:
        page = ask(f"{path}?after={after}")
        upto = int(page.get("next_after") or _MOST_ID)
        yield [state_of(one) for one in page["results"]], after, upto
        if upto == _MOST_ID:
            return
        after = upto


def _links(ask: Ask, path: str) -> Iterator[tuple[list[Link], Link, Link]]:
    after: Link = (0, 0, 0)
    while True:
        page = ask(f"{path}?after={'.'.join(map(str, after))}")
        found = [(int(relation), int(here), int(there)) for relation, here, there in page["results"]]
        last = found[-1] if page.get("next_after") else (2**31 - 1, _MOST_ID, _MOST_ID)
        yield found, after, last
        if not page.get("next_after"):
            return
        after = last


def state_of(one: Mapping[str, Any]) -> State:
    """An entity as a page of its home tells it."""
    created, updated = (datetime.fromisoformat(one[name]).astimezone(UTC) for name in ("created_at", "updated_at"))
    return State(int(one["id"]), int(one["version"]), bool(one["archived"]), created, updated, dict(one["values"]))
