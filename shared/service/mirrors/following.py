"""The subscriptions that keep mirrors, and reading them from their home when its log cannot tell them any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.bus.consumer import Subscription
from shared.eav import mirroring
from shared.eav.catalog import LiveType
from shared.eav.links.joining import Heard
from shared.eav.mirroring import Mirrored
from shared.kernel.config import Settings
from shared.kernel.db import Connection, Database
from shared.service.following import asker
from shared.service.heeding import Heeding
from shared.service.mirrors.catalogs import apply_type
from shared.service.mirrors.declare import Mirror, sources, subscription_name
from shared.service.mirrors.entities import Keys, translated
from shared.service.mirrors.keeper import Bereft, Keeper, Known
from shared.service.mirrors.positions import announcing
from shared.service.mirrors.words import leads_across

Ask = Callable[[str], Mapping[str, Any]]
_MOST_ID = 2**63 - 1


def mirror_subscriptions(
    service: str,
    mirrors: Sequence[Mirror],
    settings: Settings,
    bereft: Bereft | None = None,
    heeding: Heeding | None = None,
) -> tuple[Subscription, ...]:
    """One for each service that has types which this one mirrors. bereft: sees to what erased ones leave behind;
    heeding: is told of whose linked values have changed."""
    return tuple(
        mirror_subscription(Keeper(service, source, those, bereft, heeding), asker(settings, source), settings)
        for source, those in sources(mirrors).items()
    )


def mirror_subscription(keeper: Keeper, ask: Ask, settings: Settings | None = None) -> Subscription:
    """A keeper as a subscription. `ask` answers GET paths of its source."""
    name = subscription_name(keeper.service, keeper.source)
    return Subscription(
        name=name,
        source=keeper.source,
        handler=keeper,
        types=keeper.types,
        rebuild=lambda database: rebuild(database, keeper, ask),
        renew=lambda kind, ident: renew(keeper, ask, kind, ident),
        applied=None if settings is None else announcing(settings, name),
    )


def rebuild(database: Database, keeper: Keeper, ask: Ask) -> None:
    """Make the mirrors, and the links that their home has, what they are there."""
    told = {one["name"]: one for one in ask(f"/api/v1/{keeper.source}/catalog")["types"]}
    for name, chosen in keeper.mirrors.items():
        if name not in told:
            continue
        with database.transaction() as connection:
            apply_type(connection, keeper.known(connection).lives[name].id, chosen, told[name])
        for results, after, upto in _pages(ask, f"/api/v1/{keeper.source}/entities/{name}"):
            with database.transaction() as connection:
                known = keeper.known(connection)
                _take_over(connection, keeper, known, known.lives[name], results, after, upto)
    for links in _links(ask, f"/api/v1/{keeper.source}/links"):
        with database.transaction() as connection:
            known = keeper.known(connection)
            keeper.hear(connection, known, _words(keeper, known, links))


def renew(keeper: Keeper, ask: Ask, name: str, ident: int | None) -> Callable[[Connection], None]:
    """Make one entity, or a type's definition, what its home has by now; links are left as they are."""
    chosen = keeper.mirrors.get(name)
    if chosen is None:
        return lambda _connection: None
    if ident is None:
        told = [one for one in ask(f"/api/v1/{keeper.source}/catalog")["types"] if one["name"] == name]

        def define(connection: Connection) -> None:
            for one in told:
                apply_type(connection, keeper.known(connection).lives[name].id, chosen, one)

        return define
    page = ask(f"/api/v1/{keeper.source}/entities/{name}?after={ident - 1}&limit=1")["results"]
    results = [one for one in page if int(one["id"]) == ident]

    def take(connection: Connection) -> None:
        known = keeper.known(connection)
        _take_over(connection, keeper, known, known.lives[name], results, ident - 1, ident)

    return take


def _take_over(
    connection: Connection,
    keeper: Keeper,
    known: Known,
    live: LiveType,
    results: Sequence[Mapping[str, Any]],
    after: int,
    upto: int,
) -> None:
    """A page of entities; those between the two ids that their home has no more were erased."""
    keys = known.keys(connection, live)
    states = [_state(live, keys, one) for one in results]
    before = mirroring.standing(connection, live, [one.id for one in states])
    current = [one for one in states if one.id not in before or before[one.id].version <= one.version]
    mirroring.put(connection, live, current)
    keeper.heed(connection, known, live, [one.id for one in current])
    lost = set(mirroring.between(connection, live, after, upto)) - {one.id for one in states}
    gone = [
        one
        for one in mirroring.standing(connection, live, lost).values()
        if one.values or not one.archived  # else its erasure was told
    ]
    left = keeper.leaving(connection, known, live, [one.id for one in gone])
    for one in gone:
        one.version, one.archived, one.values = one.version + 1, True, {}
    mirroring.put(connection, live, gone)
    if gone:
        keeper.hear(connection, known, keeper.undoing(connection, known, live, [one.id for one in gone]))
        keeper.bereave(connection, [left], None)


def _state(live: LiveType, keys: Keys, one: Mapping[str, Any]) -> Mirrored:
    made, changed = (datetime.fromisoformat(one[name]).astimezone(UTC) for name in ("created_at", "updated_at"))
    values = translated(live, keys, one["values"])
    return Mirrored(int(one["id"]), int(one["version"]), bool(one["archived"]), made, changed, values)


def _words(keeper: Keeper, known: Known, rows: Sequence[Sequence[str]]) -> list[Heard]:
    """Links as their home has them. What it does not have is left alone: it may not have heard of it yet."""
    found = []
    for ident, start, end, clock, origin in rows:
        relation = known.relations.get(int(ident))
        if relation is None or relation.to_type not in keeper.mirrors:
            continue
        if leads_across(known.lives, relation, relation.to_type):
            found.append(Heard(relation, int(start), int(end), True, (int(clock), origin or keeper.source)))
    return found


def _pages(ask: Ask, path: str) -> Iterator[tuple[Sequence[Mapping[str, Any]], int, int]]:
    """Pages of entities with the ids they lie between: behind the first, up to the second."""
    after = 0
    while True:
        page = ask(f"{path}?after={after}")
        upto = int(page.get("next_after") or _MOST_ID)
        yield page["results"], after, upto
        if upto == _MOST_ID:
            return
        after = upto


def _links(ask: Ask, path: str) -> Iterator[Sequence[Sequence[str]]]:
    """Pages of links with their clocks."""
    after = ""
    while True:
        page = ask(f"{path}?clocks=true&after={after}")
        yield page["results"]
        after = str(page.get("next_after") or "")
        if not after:
            return
