"""The catalog: entity types and attributes in force, declared and custom alike, as immutable values.

Each process keeps a copy and reloads a type when its version moved on. Writes check the version under a lock
(`eav_guard`); every read statement returns the version it saw, so that a stale copy is noticed at once; an unknown
name triggers one look at the database before it is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from shared.eav.live_type import Keyed, LiveType, StaleCatalog, UnknownAttribute, keyed, nearest
from shared.eav.loading import VERSION_SQL, load
from shared.kernel.db import Database
from shared.kernel.errors import NotFound

__all__ = [
    "VERSION_SQL",
    "Catalog",
    "Keyed",
    "LiveType",
    "StaleCatalog",
    "UnknownAttribute",
    "keyed",
    "load",
    "nearest",
]


class Catalog:
    """A process's copy of the catalog of one database. Thread-safe: values are replaced, never changed.

    Types that are mirrors are found by `linkable` and `mirrors` only: whoever asks for types means those that live
    here, so that nobody reads, writes, lists or defines another service's by mistake.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._names: dict[str, LiveType] = {}
        self._mirrors: dict[str, LiveType] = {}
        self._stamp: tuple[tuple[int, int], ...] | None = None

    @property
    def stamp(self) -> tuple[tuple[int, int], ...] | None:
        """The versions at hand; what is derived from definitions is as old as the stamp it was made under."""
        return self._stamp

    def types(self) -> list[LiveType]:
        """All live types, checked against the database (one small statement)."""
        self.refresh()
        return self.known()

    def known(self) -> list[LiveType]:
        """All live types of the copy at hand, without a look at the database."""
        unique = {live.id: live for live in self._names.values()}
        return [live for _, live in sorted(unique.items()) if live.defn.archived_at is None]

    def type(self, name: str) -> LiveType:
        """The type of that name, plural, wire id or synonym; an unknown one is looked up once, then NotFound."""
        found = self._names.get(name)
        if found is None:
            self.refresh()
            found = self._names.get(name) or self._names.get(name.lower())
        if found is None or found.defn.archived_at is not None:
            known = {one for one, live in self._names.items() if live.defn.archived_at is None}
            close = nearest(name, known)
            hint = f"; did you mean {', '.join(close)}?" if close else ""
            raise NotFound("entity type", [name], f"Unable to infer object type from: {name}{hint}")
        return found

    def mirrors(self) -> list[LiveType]:
        """Types of other services that this database has a mirror of, of the copy at hand."""
        unique = {live.id: live for live in self._mirrors.values()}
        return [live for _, live in sorted(unique.items())]

    def linkable(self, name: str) -> LiveType:
        """Like `type`, mirrors included: what links may lead to, and filters over them ask."""
        found = self._names.get(name) or self._mirrors.get(name)
        if found is None or found.defn.archived_at is not None:
            try:
                return self.type(name)
            except NotFound:
                mirrored = self._mirrors.get(name) or self._mirrors.get(name.lower())
                if mirrored is None:
                    raise
                return mirrored
        return found

    def archived_types(self) -> list[LiveType]:
        """Types that were archived."""
        self.refresh()
        unique = {live.id: live for live in self._names.values() if live.defn.archived_at is not None}
        return [live for _, live in sorted(unique.items())]

    def moved(self) -> bool:
        """Reload like `refresh`; whether the copy at hand was not the one in force. For who is about to refuse what it
        does not know."""
        before = self._stamp
        self.refresh()
        return self._stamp != before

    def refresh(self) -> None:
        """Reload whatever changed since the last look: one statement when nothing did.

        One thread at a time: else one that looked earlier might put its older copy over a newer one. Do not call it
        while holding a connection, which the thread inside may be waiting for.
        """
        with self._lock, self._database.connect() as connection:
            stamp = tuple(connection.rows("select type_id, version from eav_version order by type_id"))
            if stamp == self._stamp:
                return
            before = dict(self._stamp or ())
            changed = [ident for ident, version in stamp if before.get(ident) != version]
            fresh = {live.id: live for live in load(connection, changed)}
            there = {ident for ident, _ in stamp}
            before_them = (*self._names.values(), *self._mirrors.values())
            kept = {live.id: live for live in before_them if live.id in there} | fresh
            self._names = _names(live for live in kept.values() if not live.mirror)
            self._mirrors = _names(live for live in kept.values() if live.mirror)
            self._stamp = tuple(sorted((live.id, live.version) for live in kept.values()))


def _names(types: Iterable[LiveType]) -> dict[str, LiveType]:
    found: dict[str, LiveType] = {}
    for live in types:
        for name in live.defn.names:
            found[name] = live
    return found
