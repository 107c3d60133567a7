"""Triggers in force, as this process knows them: loaded when anything declared, or the catalog, has changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from services.service_desk.macros import store
from services.service_desk.macros.store import TRIGGER, Declared
from services.service_desk.promises.keeping import ENTRY, TICKET
from services.service_desk.triggers.spelling import TIME, Trigger, read_trigger
from shared.kernel.db import Connection
from shared.kernel.errors import ErrorList
from shared.kernel.telemetry import logger
from shared.service.home import Home, LiveType
from shared.service.questions import Question

_log = logger("service_desk.triggers")


@dataclass(frozen=True, slots=True)
class Book:
    """All versions by trigger, oldest first, and who is in force now. replies: texts of canned replies by name."""

    revision: int
    lives: tuple[LiveType, LiveType]
    versions: dict[int, list[Trigger]]
    now: dict[int, Trigger]
    names: dict[int, str]
    replies: dict[str, str]

    @property
    def links(self) -> list[Question]:
        """What triggers ask of linked entities."""
        return list(dict.fromkeys(each for several in self.versions.values() for one in several for each in one.links))

    @property
    def timed(self) -> list[Trigger]:
        """Those in force that wait for time."""
        return [one for one in self.now.values() if TIME in one.on]

    def at(self, moment: datetime) -> list[Trigger]:
        """Those that were in force at an instant and still are, in their order."""
        found = []
        for ident in self.now:
            past = [one for one in self.versions[ident] if one.at <= moment]
            if past and past[-1].enabled:
                found.append(past[-1])
        return sorted(found, key=lambda one: (one.order, one.id))


class Triggers:
    """The book of one process."""

    def __init__(self) -> None:
        self._held: Book | None = None
        self._lock = Lock()

    def current(self, connection: Connection, home: Home) -> Book:
        """The book as the database has it now."""
        revision = store.revision(connection)
        with self._lock:
            held = self._held
            if held is None or held.revision != revision:
                home.fresh(TICKET)  # what was just declared may ask for attributes that were just made
            lives = (home.type(TICKET), home.type(ENTRY))
            if held is None or held.revision != revision or held.lives != lives:
                held = self._held = loaded(connection, lives, revision)
            return held


def loaded(connection: Connection, lives: tuple[LiveType, LiveType], revision: int) -> Book:
    """The book out of its rows. What can no longer be read (an attribute is gone) does nothing, and says so."""
    versions: dict[int, list[Trigger]] = {}
    now: dict[int, Trigger] = {}
    rows = store.every(connection, TRIGGER)
    for one in rows:
        found = readable(one, lives)
        if found is None:
            now.pop(one.id, None)
            continue
        versions.setdefault(one.id, []).append(found)
        now[one.id] = found
    gone = {one.id for one in rows if one.gone}
    now = {ident: one for ident, one in now.items() if one.enabled and ident not in gone}
    replies = {name: str(one.body["text"]) for name, one in store.current(connection, store.REPLY).items()}
    return Book(revision, lives, versions, now, {one.id: one.name for one in rows}, replies)


def readable(one: Declared, lives: tuple[LiveType, LiveType]) -> Trigger | None:
    """The trigger, None where it means nothing any more."""
    errors = ErrorList()
    found = read_trigger(one, *lives, errors)
    if errors.errors:
        _log.warning("a trigger cannot be read", trigger=one.name, version=one.version, error=errors.errors[0].message)
        return None
    return found
