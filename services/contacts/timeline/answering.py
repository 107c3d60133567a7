"""The corridor of timelines: who may see which lines, and what a line says in words people and programs read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.contacts.domain.activities import TYPES as ACTIVITIES
from services.contacts.timeline.entries import CUSTOMERS, INTERNAL_NOTE, SPOKEN, TICKET
from services.contacts.timeline.reading import Facet, Line, Place, Wanted, facets, page
from shared.kernel.clock import iso
from shared.kernel.context import Actor, Context
from shared.kernel.db import Connection
from shared.kernel.errors import NotFound
from shared.service.home import Home, LiveType, TypeDef
from shared.service.permissions import allowed, require, scopes_for
from shared.service.replica.catalogs import Catalogs

_TELLING = frozenset((*ACTIVITIES, *SPOKEN))
# What we say among ourselves is a matter of the ticket: who may not see that does not see it either.
_ALSO: Mapping[str, tuple[str, ...]] = {INTERNAL_NOTE: (TICKET,)}


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of a timeline, ready for JSON; `left_out`: types of lines that the reader may not see, with the scope
    that each would need."""

    results: list[dict[str, Any]]
    next_place: Place | None
    left_out: dict[str, str]


class Timelines:
    """Reads the timelines that a service keeps."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._foreign = Catalogs()

    def read(self, ctx: Context, type_name: str, ident: int, wanted: Wanted) -> Answer:
        """A page. Raises NotFound for entities that never were or were erased, Forbidden without the right to read
        the entity itself."""
        subject = self._home.definition(type_name)
        require(ctx.actor, "objects", subject, "read")
        with self._home.database.connect() as connection:
            ids = self._ids(connection, subject.name, ident)
            among: list[Facet] | None = None
            left_out: dict[str, str] = {}
            if wanted.kinds or wanted.actor or "*" not in ctx.actor.scopes:
                found = facets(connection, subject.name, ids, wanted.actor)
                among, left_out = self._permitted(connection, ctx.actor, found, wanted.kinds)
            lines, place = page(connection, subject.name, ids, wanted, among)
            if not lines and wanted.place is None and subject.name not in CUSTOMERS:
                self._known(connection, subject.name, ids)
            results = self._shown(connection, subject.name, lines)
        return Answer(results, place, left_out)

    def _ids(self, connection: Connection, name: str, ident: int) -> list[int]:
        """The entity and all that were merged into it."""
        if name not in CUSTOMERS:
            return [ident]
        ids = self._home.family(connection, name, ident)
        if not ids:
            raise NotFound(name, [str(ident)])
        return ids

    def _known(self, connection: Connection, name: str, ids: Sequence[int]) -> None:
        """Entities of other services are known by their lines."""
        if not facets(connection, name, ids):
            raise NotFound(name, [str(one) for one in ids])

    def _permitted(
        self, connection: Connection, actor: Actor, found: Iterable[Facet], kinds: Collection[str]
    ) -> tuple[list[Facet], dict[str, str]]:
        """The facets that are wanted and may be read, and what is left out of those that are wanted."""
        among, left_out = [], {}
        for facet in found:
            _, kind, about = facet
            if kinds and kind not in kinds:
                continue
            asked = (self._type(connection, one) for one in (about, *_ALSO.get(kind, ())) if one)
            missing = [one for one in asked if not allowed(actor, "objects", one, "read")]
            if not missing:
                among.append(facet)
            for one in missing:
                left_out[one.name] = min(scopes_for("objects", one.plural, not one.builtin, "read") - {"*"})
        return among, left_out

    def _type(self, connection: Connection, name: str) -> TypeDef:
        """A type by its name, as its home told of it; one that nobody here knows was made at run time."""
        try:
            return self._home.definition(name)
        except NotFound:
            known = self._foreign.types(connection).find(name)
            return TypeDef(name, name, name, name) if known is None else known.live.defn

    def _shown(self, connection: Connection, subject: str, lines: Sequence[Line]) -> list[dict[str, Any]]:
        told: dict[str, set[str]] = {}
        for one in lines:
            told.setdefault(one.ref_type or subject, set()).update((one.data or {}).get("changes", ()))
        lives = {
            name: live
            for name, keys in told.items()
            if keys and (live := self._live(connection, name, keys)) is not None
        }
        names = self._names(lines)
        return [_line(one, lives.get(one.ref_type or subject), names.get((one.ref_type, one.ref_id))) for one in lines]

    def _names(self, lines: Sequence[Line]) -> dict[tuple[str, int | None], dict[str, Any]]:
        """What is shown of the entities that lines are about, where lines do not tell that themselves."""
        asked: dict[str, set[int]] = {}
        for one in lines:
            if one.ref_id is not None and one.kind not in _TELLING:
                asked.setdefault(one.ref_type, set()).add(one.ref_id)
        return {
            (name, ident): values
            for name, ids in asked.items()
            for ident, values in self._home.shown(name, sorted(ids)).items()
        }

    def _live(self, connection: Connection, name: str, keys: Collection[str]) -> LiveType | None:
        """A type that knows the attributes of these keys, made elsewhere a moment ago."""
        if name in CUSTOMERS:
            return self._home.type(name, keys)
        known = self._foreign.types(connection).find(name)
        return None if known is None else known.live


def _line(one: Line, live: LiveType | None, shown: Mapping[str, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "at": iso(_aware(one.at)),
        "recorded_at": iso(_aware(one.recorded_at)),
        "kind": one.kind,
        "service": one.service,
    }
    if one.ref_id is not None:
        found["entity"] = {"type": one.ref_type, "id": str(one.ref_id), **({"values": shown} if shown else {})}
    given = {"actor": one.actor, "source": one.source, "source_id": one.source_id}
    found |= {name: value for name, value in given.items() if value is not None}
    data = dict(one.data or {})
    changes = data.pop("changes", None)
    if changes:
        found["changes"] = [_change(live, key, change) for key, change in sorted(changes.items(), key=_number)]
    return {**found, **({"data": data} if data else {})}


def _number(item: tuple[str, Any]) -> int:
    return int(item[0])


def _change(live: LiveType | None, key: str, change: Sequence[Any]) -> dict[str, Any]:
    """A change by the attribute's present name and label; options by value, with their labels where there are some."""
    attribute = live.by_id.get(int(key)) if live is not None else None
    old, new = change
    if attribute is None:
        return {"attribute": key, "old": old, "new": new}
    found: dict[str, Any] = {"attribute": attribute.name, "label": attribute.label, "old": old, "new": new}
    labels: Mapping[str, str] = {one.value: one.label for one in (*attribute.options, *attribute.retired)}
    for name, value in (("old_label", old), ("new_label", new)):
        if isinstance(value, str) and labels.get(value, value) != value:
            found[name] = labels[value]
    return found


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
