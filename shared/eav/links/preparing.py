"""From what was asked to a plan: names resolved, both ends of every link held, what is stored read, errors told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from shared.eav.absorbed import heirs
from shared.eav.catalog import Catalog, LiveType, nearest
from shared.eav.links import across, store
from shared.eav.links.holding import End, hold
from shared.eav.links.plan import Plan, Row, Want, named
from shared.eav.links.relations import RelationDef, Relations
from shared.eav.requests import LinkTo
from shared.kernel.db import Connection
from shared.kernel.errors import CrmError, Invalid, NotFound


@dataclass(slots=True)
class Prepared:
    """Links that wait for the ids of entities about to be created. errors: what was refused, by the item's place."""

    plan: Plan
    wants: list[Want]
    errors: dict[int, CrmError] = field(default_factory=dict)
    seen: int = 0
    """The newest clock of links like these that were undone, where another service may know of them."""

    def settle(self) -> None:
        """Raise what was refused, all of it where it is of one kind."""
        if self.errors:
            raise _joined(list(self.errors.values()))


def meanings(connection: Connection, lives: Mapping[str, LiveType], ends: Iterable[End]) -> dict[End, int]:
    """Whom ids mean that were absorbed by merges: (type, id) -> survivor; ids that were not are left out."""
    by_type: dict[str, set[int]] = {}
    for name, ident in ends:
        by_type.setdefault(name, set()).add(ident)
    return {
        (name, ident): survivor
        for name, ids in by_type.items()
        for ident, survivor in (across.heirs if lives[name].mirror else heirs)(connection, lives[name], ids).items()
    }


class Preparing:
    """Prepares links against one catalog and its relations."""

    def __init__(self, catalog: Catalog, relations: Relations) -> None:
        self._catalog = catalog
        self._relations = relations

    def prepare(
        self,
        connection: Connection,
        from_live: LiveType,
        asked: Sequence[tuple[int, int, LinkTo]],
        *,
        exact: bool = False,
        held: Collection[int] = (),
    ) -> Prepared:
        """Lock what (place, from id, link) asks for and find out what it comes to; `apply` then writes it.

        Several links under one place stand or fall together. `held` from ids need no lock: the caller has locked
        them, or they are negative ones that stand in for entities about to be created. Raises StaleCatalog.
        """
        errors: dict[int, CrmError] = {}
        wants = [one for ask in asked if (one := self._want(from_live, *ask, errors)) is not None]
        lives = {name: self._catalog.linkable(name) for name in {one.to_type for one in wants}} | {
            from_live.name: from_live
        }
        missing = self._lock(connection, lives, wants, held)
        meant = meanings(connection, lives, missing)
        if meant:
            return self.prepare(connection, from_live, self._meant(from_live, asked, meant), exact=exact, held=held)
        missing -= self._pending(connection, lives, missing, wants, held)
        for one in wants:
            for end in ((one.from_type, one.from_id), (one.to_type, one.to_id)):
                if end in missing:
                    errors.setdefault(one.place, NotFound(end[0], [str(end[1])]))
        wants = [one for one in wants if one.place not in errors]
        stored = self._stored(connection, lives, wants)
        seen = across.newest(connection, self._relations, wants)
        plan = Plan(self._relations, stored, exact=exact)
        by_place: dict[int, list[Want]] = {}
        for one in wants:
            by_place.setdefault(one.place, []).append(one)
        for place, together in by_place.items():
            error = plan.link(together)
            if error is not None:
                errors[place] = error
        return Prepared(plan, [one for one in wants if one.place not in errors], errors, seen)

    def _pending(
        self,
        connection: Connection,
        lives: Mapping[str, LiveType],
        missing: set[End],
        wants: Sequence[Want],
        held: Collection[int],
    ) -> set[End]:
        """Those of the missing that another service may know: they have stubs now, and are held like the others."""
        accepted = across.pend(connection, lives, missing)
        if accepted:
            self._lock(connection, lives, [one for one in wants if (one.to_type, one.to_id) in accepted], held)
        return accepted

    def undone(self, from_type: str, to_type: str, asked: tuple[int, ...] | None) -> Sequence[RelationDef]:
        """What there is to undo for these relations. Raises Invalid for ones that do not fit the pair."""
        between = self._relations.between(from_type, to_type)
        if asked is None:
            return between
        chosen = self.named(between, asked)
        return between if any(one.plain for one in chosen) else chosen

    def _want(
        self, from_live: LiveType, place: int, from_id: int, to: LinkTo, errors: dict[int, CrmError]
    ) -> Want | None:
        """One asked link with its names resolved, or an error noted."""
        try:
            to_type = self._here(to.to_type)
            between = self._relations.between(from_live.name, to_type)
            if from_id == to.to_id and from_live.name == to_type:
                message = f"{to_type} {to.to_id} cannot be linked to itself"
                raise Invalid.one("id", "INVALID_ASSOCIATION", message)
            defs = tuple(one for one in self.named(between, to.relations) if not one.plain)
        except CrmError as error:
            errors.setdefault(place, error)
            return None
        return Want(place, from_id, from_live.name, to_type, to.to_id, defs, to.since)

    def _here(self, type_name: str) -> str:
        """The internal name of a type that can be linked to: one of this database, or one that it has a mirror of."""
        return self._catalog.linkable(type_name).name

    def named(self, between: Sequence[RelationDef], asked: Iterable[int]) -> list[RelationDef]:
        """The relations of these ids; raises Invalid naming those that fit."""
        by_id = {one.id: one for one in between}
        wrong = [ident for ident in asked if ident not in by_id]
        if wrong:
            fitting = ", ".join(f"{one.id} ({one.label or one.name})" for one in between)
            from_type, to_type = between[0].from_type, between[0].to_type
            message = (
                f"{', '.join(map(str, wrong))}: not an association type from {from_type} to {to_type};"
                f" those are {fitting}"
            )
            close = nearest(str(wrong[0]), [str(one.id) for one in between])
            raise Invalid.one("associationTypeId", "INVALID_ASSOCIATION", message, close)
        return [by_id[ident] for ident in asked]

    def _lock(
        self, connection: Connection, lives: Mapping[str, LiveType], wants: Sequence[Want], held: Collection[int]
    ) -> set[End]:
        """Hold both ends of every link; those that are not there."""
        trees = [one.id for want in wants for defn in want.defs for one in self._both(defn) if one.tree]
        store.lock_trees(connection, trees)
        pairs = [((one.from_type, one.from_id), (one.to_type, one.to_id)) for one in wants]
        return hold(connection, lives, self._relations, pairs, held)

    def _meant(
        self, from_live: LiveType, asked: Sequence[tuple[int, int, LinkTo]], meant: Mapping[End, int]
    ) -> list[tuple[int, int, LinkTo]]:
        """What is asked for, with survivors in the place of those they absorbed."""
        found = []
        for place, from_id, to in asked:
            with suppress(CrmError):  # a type nobody knows is told of in its turn
                to = replace(to, to_id=meant.get((self._here(to.to_type), to.to_id), to.to_id))
            found.append((place, meant.get((from_live.name, from_id), from_id), to))
        return found

    def _both(self, relation: RelationDef) -> tuple[RelationDef, RelationDef]:
        other = self._relations.get(relation.inverse)
        assert other is not None
        return relation, other

    def _stored(self, connection: Connection, lives: Mapping[str, LiveType], wants: Sequence[Want]) -> store.Stored:
        rows: set[Row] = set()
        holders: dict[tuple[int, int], tuple[RelationDef, int]] = {}
        limited: dict[tuple[int, int], tuple[RelationDef, int]] = {}
        for one in wants:
            for relation in self._relations.between(one.from_type, one.to_type):
                if one.from_id > 0 and one.to_id > 0:
                    rows.add(named(relation, one.from_id, one.to_id))
                for defn, start in zip(self._both(relation), (one.from_id, one.to_id), strict=True):
                    if start > 0 and defn.single:
                        holders[defn.id, start] = (defn, start)
                    if start > 0 and defn.limit is not None:
                        limited[defn.id, start] = (defn, start)
        tables = {name: live.table for name, live in lives.items()}
        return store.read(connection, rows, holders.values(), limited.values(), tables)


def _joined(errors: Sequence[CrmError]) -> CrmError:
    """Several refusals as one: all unknown ids, or everything invalid; else the first."""
    first = errors[0]
    if isinstance(first, NotFound) and all(isinstance(one, NotFound) and one.what == first.what for one in errors):
        return NotFound(first.what, list(dict.fromkeys(ident for one in errors for ident in getattr(one, "ids", ()))))
    if isinstance(first, Invalid) and all(isinstance(one, Invalid) for one in errors):
        return Invalid(list(dict.fromkeys(part for one in errors for part in getattr(one, "errors", ()))))
    return first
