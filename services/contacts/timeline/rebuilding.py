"""The timeline without the log: of what is there, when the log no longer begins where it should.

Our own past is in history; of other services' entities only what they are can be asked, so that their lines begin anew.
Links that were undone before are not told any more. Lines that are there already stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.contacts.domain.activities import TYPES as ACTIVITIES
from services.contacts.timeline import store
from services.contacts.timeline.entries import CUSTOMERS, ENTRY, entity_entries
from services.contacts.timeline.following import OWN, Timeline
from shared.contracts.event import ARCHIVED, CREATED, Event
from shared.kernel.db import Connection, Database
from shared.service.home import Home
from shared.service.relations import BUILTIN
from shared.service.replica.catalogs import put_types

Ask = Callable[[str], Mapping[str, Any]]
_HELD = {(one.from_type, one.to_type): one.id for one in BUILTIN if one.plain}


def rebuild_own(home: Home, timeline: Timeline, database: Database) -> None:
    """Contacts, companies and their activities, from history and from what is there."""
    for name in CUSTOMERS:
        for after, upto in home.ranges(name):
            with database.transaction() as connection:
                live = home.type(name)
                past = home.past(connection, name, after, upto)
                store.put(connection, (entry for event in past for entry in entity_entries(OWN, live, event)))
    for name in ACTIVITIES:
        for after, upto in home.ranges(name):
            with database.transaction() as connection:
                timeline.stand(connection, {name: home.ids(connection, name, after, upto)}, None)


def rebuild_foreign(source: str, kinds: Sequence[str], ask: Ask, database: Database, timeline: Timeline) -> None:
    """What the service of deals, or of tickets, says of them and their links now. kinds: of entities; the first one is
    linked to customers."""
    details = ask(f"/api/v1/{source}/catalog")["types"]
    with database.transaction() as connection:
        put_types(connection, source, details)
    for kind in kinds:
        after = 0
        while after >= 0:
            page = ask(f"/api/v1/{source}/entities/{kind}?after={after}")
            with database.transaction() as connection:
                timeline.apply(connection, source, [event for one in page["results"] for event in _begun(kind, one)])
            after = int(page.get("next_after") or -1)
    place = "0.0.0"
    while place:
        page = ask(f"/api/v1/{source}/links?after={place}")
        with database.transaction() as connection:
            _take_links(connection, kinds[0], page["results"], timeline)
        place = str(page.get("next_after") or "")


def _begun(kind: str, one: Mapping[str, Any]) -> Iterator[Event]:
    """An entity as it is, as if it had begun so. What was said and taken away does not stand anywhere."""
    at = datetime.fromisoformat(one["created_at"])
    changed = {key: [None, value] for key, value in one["values"].items()}
    yield Event(CREATED, kind, at, int(one["id"]), 1, changed=changed)
    if kind == ENTRY and one.get("archived"):
        yield Event(ARCHIVED, kind, at, int(one["id"]), max(int(one.get("version") or 0), 2))


def _take_links(connection: Connection, kind: str, rows: Sequence[Sequence[Any]], timeline: Timeline) -> None:
    """Links from such entities that nobody has said anything of yet."""
    said = {}
    touched: dict[str, set[int]] = {}
    for relation, here, there in rows:
        for (from_type, to_type), plain in _HELD.items():
            if int(relation) != plain or from_type != kind:
                continue
            if to_type in CUSTOMERS:
                said[kind, int(here), to_type, int(there)] = (0, ""), True
            elif to_type in ACTIVITIES:
                said[to_type, int(there), kind, int(here)] = (0, ""), True
                touched.setdefault(to_type, set()).add(int(there))
    store.link(connection, said)
    store.pass_on(connection, {(one[0], one[1]) for one in said})
    timeline.stand(connection, touched, None)
