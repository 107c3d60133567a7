"""Keeping one source's mirrors, and our links to them, up to date: the handler of its feed, a transaction a page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from shared.bus.consumer import passed
from shared.contracts.event import ERASED, LINK, UPDATED, Event
from shared.eav import absorbed
from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.links.asked import LinkChange
from shared.eav.links.clock import Clock
from shared.eav.links.joining import Heard
from shared.eav.links.receiving import Receiving
from shared.eav.links.relations import KnownRelations, RelationDef, relations_within
from shared.eav.loading import load_within
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Unavailable
from shared.service.erasure import belonging, ledger
from shared.service.heeding import Heeding, heed, heed_changes
from shared.service.known_types import KNOWN_TYPES
from shared.service.mirrors import schema
from shared.service.mirrors.catalogs import apply_catalog_events
from shared.service.mirrors.declare import Mirror
from shared.service.mirrors.entities import Keys, apply_entity_events
from shared.service.mirrors.words import leads_across, redirected, words
from shared.service.publishing import LinkPublisher
from shared.service.relations import BUILTIN

Link = tuple[RelationDef, int, int]
"""(relation from ours to theirs, our id, their id)."""

Left = tuple[str, Sequence[belonging.Link], belonging.Named]
"""What erased entities of a mirrored type had: by links, and by values that name them."""

_ELSEWHERE = MappingProxyType({one.name: one.wire_id for one in KNOWN_TYPES})
_STAMP = "select type_id, version from eav_version order by type_id"


class Bereft(Protocol):
    """Sees to what erased entities of mirrors leave behind: `shared.service.bereft`."""

    def concerns(self, mirrored: str) -> bool:
        """Whether entities of ours go with entities of a mirrored type."""

    def belongs(self, mirrored: str, own: str) -> bool:
        """Whether entities of a type of ours go with those of a mirrored type that they are linked to."""

    def named(self, connection: Connection, mirror: LiveType, ids: Collection[int]) -> belonging.Named:
        """Which entities of ours name these of a mirror by a value."""

    def erase(
        self, connection: Connection, mirrored: str, links: Iterable[belonging.Link], named: belonging.Named,
        cause: str | None,
    ) -> None:  # fmt: skip
        """Erase or list what they had."""


@dataclass(frozen=True, slots=True)
class Known:
    """Types, mirrors among them, and relations as the transaction at hand sees them."""

    stamp: object
    lives: Mapping[str, LiveType] = field(default_factory=dict)
    relations: KnownRelations = field(default_factory=lambda: KnownRelations(None))

    @classmethod
    def within(cls, connection: Connection, before: Known | None) -> Known:
        """As they are now; `before` when nothing has changed since."""
        stamp = tuple(connection.rows(_STAMP, prepare=True))
        if before is not None and before.stamp == stamp:
            return before
        types = load_within(connection)
        relations = relations_within(connection, BUILTIN, _ELSEWHERE, types)
        return cls(stamp, {live.name: live for live in types}, relations)

    def keys(self, connection: Connection, live: LiveType) -> Keys:
        """The attributes of a mirror by the keys of its home."""
        found = schema.keys(connection, live.id)
        return {key: live.by_id[ident] for key, ident in found.items() if ident in live.by_id}


class Keeper:
    """Keeps the mirrors that `service` has of `source`. One thread at a time."""

    def __init__(
        self,
        service: str,
        source: str,
        mirrors: Sequence[Mirror],
        bereft: Bereft | None = None,
        heeding: Heeding | None = None,
    ) -> None:
        self.service = service
        self.source = source
        self.mirrors = {one.type: frozenset(one.attributes) for one in mirrors}
        self._bereft = bereft
        self._heeding = heeding
        self._publish = LinkPublisher(service)
        self._clock = Clock()
        self._known: Known | None = None

    def __call__(self, connection: Connection, events: Sequence[Event]) -> None:
        """Take in a page of the source's feed. Raises Unavailable when something it rests on is only just changing."""
        try:
            self._apply(connection, events)
        except StaleCatalog as error:
            raise Unavailable("the catalog is changing") from error

    def _apply(self, connection: Connection, events: Sequence[Event]) -> None:
        known = self.known(connection)
        told = [
            apply_catalog_events(connection, known.lives[name], chosen, events) for name, chosen in self.mirrors.items()
        ]
        if any(told):
            known = self.known(connection)
        linked = any(one.kind == LINK for one in events)
        until = passed(connection, f"{self.service}.relations") if linked else None
        heard = words(self.source, known.lives, known.relations, events, until)
        erased = [one for one in events if one.kind == ERASED and one.entity_type in self.mirrors]
        left = [self.leaving(connection, known, known.lives[name], ids) for name, ids in _by_type(erased).items()]
        for name in self.mirrors.keys() & {one.entity_type for one in events}:
            live = known.lives[name]
            keys = known.keys(connection, live)
            news = apply_entity_events(connection, live, keys, events)
            shown = [one for one in news if one.kind != UPDATED or not keys.keys().isdisjoint(one.changed)]
            self.heed(connection, known, live, [one.entity_id or 0 for one in shown])
            gone = [one for one in news if one.kind == ERASED]
            heard += self._erased(connection, known, live, gone, max((one.stamp[0] for one in heard), default=0))
        self.hear(connection, known, heard)
        self.bereave(connection, left, _cause(self.source, erased))

    def leaving(self, connection: Connection, known: Known, live: LiveType, ids: Collection[int]) -> Left:
        """What of ours these entities of a mirror have, who are about to be erased here."""
        if self._bereft is None or not ids or not self._bereft.concerns(live.name):
            return live.name, (), {}
        links = {
            (relation.from_type, known.relations.between(relation.from_type, live.name)[0].id, other, own)
            for relation, own, other, _ in self.receiving(connection, known).leading_to(live, ids)
            if self._bereft.belongs(live.name, relation.from_type)
        }
        return live.name, sorted(links), self._bereft.named(connection, live, ids)

    def bereave(self, connection: Connection, left: Sequence[Left], cause: str | None) -> None:
        """See to what erased entities left behind, when their links are undone."""
        for name, links, named in left:
            if self._bereft is not None and (links or named):
                self._bereft.erase(connection, name, links, named, cause)

    def heed(self, connection: Connection, known: Known, live: LiveType, ids: Sequence[int]) -> None:
        """Tell of entities of ours whose linked ones show other values now."""
        if self._heeding is not None and ids and self._heeding.concerned(connection, [live.name]):
            links = self.receiving(connection, known).leading_to(live, ids)
            heed(self._heeding, connection, {(relation.from_type, own) for relation, own, *_ in links})

    def known(self, connection: Connection) -> Known:
        """Types and relations in force."""
        self._known = Known.within(connection, self._known)
        return self._known

    def receiving(self, connection: Connection, known: Known) -> Receiving:
        """Who takes in words in this transaction."""
        return Receiving(connection, self.service, known.lives, known.relations, self._clock)

    def hear(self, connection: Connection, known: Known, heard: Sequence[Heard]) -> list[LinkChange]:
        """Take in words, and tell what follows from them."""
        if not heard:
            return []
        heard = self._about_the_living(connection, heard)
        heirs = self._absorbed(connection, known, heard)
        newest = self._clock.tick(max(one.stamp[0] for one in heard)) if heard else 0
        heard = redirected(heard, heirs, known.relations, (newest, self.service))
        changes = self.receiving(connection, known).receive(heard)
        if changes:
            schema.note_undone(connection, changes)
            self._publish(connection, changes, Context(source="SYSTEM", source_id=self.source))
            heed_changes(self._heeding, connection, changes)
        return changes

    def _about_the_living(self, connection: Connection, heard: Sequence[Heard]) -> list[Heard]:
        """Without links to entities of ours that were erased: who wrote them is told of that, and undoes them."""
        own = {(one.relation.from_type, one.own_id) for one in heard if one.live}
        erased = ledger.erased(connection, own)
        return [one for one in heard if not one.live or (one.relation.from_type, one.own_id) not in erased]

    def _absorbed(self, connection: Connection, known: Known, heard: Sequence[Heard]) -> dict[tuple[str, int], int]:
        found: dict[tuple[str, int], int] = {}
        by_type: dict[str, set[int]] = {}
        for one in heard:
            by_type.setdefault(one.relation.from_type, set()).add(one.own_id)
        for name, ids in by_type.items():
            found |= {(name, one): heir for one, heir in absorbed.heirs(connection, known.lives[name], ids).items()}
        return found

    def _erased(
        self, connection: Connection, known: Known, live: LiveType, events: Sequence[Event], seen: int
    ) -> list[Heard]:
        """Links of erased entities go. Those that their home did not know of yet, it is told of."""
        if not events:
            return []
        listed = {
            (relation, int(other), event.entity_id or 0)
            for event in events
            for _, inverse, other in event.detail.get("links", ())
            if (relation := known.relations.get(int(inverse))) is not None
            and leads_across(known.lives, relation, live.name)
        }
        return self.undoing(connection, known, live, [one.entity_id or 0 for one in events], listed, seen)

    def undoing(
        self,
        connection: Connection,
        known: Known,
        live: LiveType,
        ids: Collection[int],
        listed: Collection[Link] = (),
        seen: int = 0,
        reason: str = "",
    ) -> list[Heard]:
        """Words that undo every link to these entities, and those `listed`, which others know to be undone."""
        receiving = self.receiving(connection, known)
        found = receiving.leading_to(live, ids)
        stamp = receiving.stamp(max([seen, *(clock for *_, clock in found)]))
        links = {(one, own, other) for one, own, other, _ in found}
        return [
            Heard(link[0], link[1], link[2], False, stamp, tell=link not in listed, reason=reason)
            for link in sorted({*links, *listed}, key=lambda one: (one[0].id, *one[1:]))
            if not link[0].from_mirror
        ]

    @property
    def types(self) -> frozenset[str]:
        """What of the source's feed matters: everything about the mirrored types, links that they stand first in."""
        return frozenset(self.mirrors)


def _by_type(events: Sequence[Event]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for one in events:
        found.setdefault(one.entity_type, []).append(one.entity_id or 0)
    return found


def _cause(source: str, events: Sequence[Event]) -> str | None:
    """The last of them, by the id that its write answered with."""
    if not events:
        return None
    last = events[-1]
    return f"{source}/{last.entity_type}/{last.entity_id}/{last.version}"
