"""The corridor of labels: which kinds of links there are between two entity types, asked and changed at run time.

They belong to one service, workspace, for the types of all services: it alone changes them and tells the others before
anything uses them. A label comes with the right to write the definitions of both types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.contracts.event import CATALOG_RELATION
from shared.eav.declare import TypeDef
from shared.eav.engine import Engine
from shared.eav.links import labels
from shared.eav.links.relations import RelationDef
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import AlreadyExists, ErrorList, Invalid, NotFound
from shared.service.definition_changes import DefinitionChanges
from shared.service.known_types import type_of
from shared.service.label_events import relation_detail
from shared.service.permissions import Mode, allowed, require
from shared.service.publishing import publish_definition

MOST_LABELS = 50
MOST_TEXT = 100
MOST_LINKS = 1_000_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True)
class LabelDraft:
    """A label wanted between two types. label None: a kind of link without words. inverse: what the other end reads,
    None when that is the same."""

    name: str
    label: str | None = None
    inverse: str | None = None


class Labels:
    """Relations between the types of all services."""

    def __init__(self, engine: Engine, ensure_partitions: Callable[[], None]) -> None:
        self._engine = engine
        self._changed = DefinitionChanges(engine, ensure_partitions).run

    def types(self, ctx: Context, from_type: str, to_type: str, mode: Mode) -> tuple[TypeDef, TypeDef]:
        """Both types, by any of their names. Raises NotFound, or Forbidden without the right to their definitions."""
        found = [type_of(self._engine.catalog, one) for one in (from_type, to_type)]
        for one in found:
            if mode == "write" or not allowed(ctx.actor, "objects", one, "read"):
                require(ctx.actor, "schemas", one, mode)
        return found[0], found[1]

    def between(self, ctx: Context, from_type: str, to_type: str) -> tuple[RelationDef, ...]:
        """All relations of this direction, the plain one first."""
        start, end = self.types(ctx, from_type, to_type, "read")
        return self._between(start, end)

    def _between(self, start: TypeDef, end: TypeDef) -> tuple[RelationDef, ...]:
        self._engine.relations.refresh()
        return self._engine.relations.between(start.name, end.name)

    def every(self, ctx: Context) -> list[RelationDef]:
        """Relations made at run time, and built-in ones with a limit that was set, between types the actor sees."""
        self._engine.relations.refresh()
        return [one for one in self._engine.relations.made() if self._sees(ctx, one)]

    def _sees(self, ctx: Context, one: RelationDef) -> bool:
        if ctx.actor.may("crm.feed.read"):
            return True
        types = [type_of(self._engine.catalog, name) for name in (one.from_type, one.to_type)]
        return all(
            allowed(ctx.actor, "objects", found, "read") or allowed(ctx.actor, "schemas", found, "read")
            for found in types
        )

    def get(self, ctx: Context, ident: int) -> RelationDef | None:
        """One relation by its id, None when there is none. Raises Forbidden without the right to see its types."""
        self._engine.relations.refresh()
        found = self._engine.relations.get(ident)
        if found is not None:
            self.types(ctx, found.from_type, found.to_type, "read")
        return found

    def made(self) -> list[RelationDef]:
        """Relations made at run time, for whoever may see definitions of their types."""
        self._engine.relations.refresh()
        return [one for one in self._engine.relations.made() if not one.builtin]

    def declare(self, ctx: Context, owner: str, from_type: str, to_type: str, name: str) -> tuple[RelationDef, ...]:
        """A kind of link without words that a type made at run time (`owner`, one of the two) declares for itself: the
        right to write its definition is enough."""
        found = type_of(self._engine.catalog, owner)
        require(ctx.actor, "schemas", found, "write")
        start, end = (type_of(self._engine.catalog, one) for one in (from_type, to_type))
        if found.name not in (start.name, end.name):
            message = f"one of both types must be {found.plural}"
            raise Invalid.one("fromObjectTypeId", "INVALID_ASSOCIATION", message)
        return self._add(ctx, start, end, _checked(LabelDraft(name or f"{start.name}_to_{end.name}")))

    def withdraw(self, ctx: Context, owner: str, ident: int) -> None:
        """Take away what `declare` made. Raises NotFound when the type has no such relation."""
        found = type_of(self._engine.catalog, owner)
        require(ctx.actor, "schemas", found, "write")
        relation = next((one for one in self.made() if one.id == ident), None)
        if relation is None or found.name not in (relation.from_type, relation.to_type):
            raise NotFound("association", [str(ident)])
        start, end = (type_of(self._engine.catalog, one) for one in (relation.from_type, relation.to_type))
        self._remove(ctx, start, end, ident)

    def add(self, ctx: Context, from_type: str, to_type: str, draft: LabelDraft) -> tuple[RelationDef, ...]:
        """A new label: the relation of each direction, one alone when both ends of one type read the same."""
        start, end = self.types(ctx, from_type, to_type, "write")
        return self._add(ctx, start, end, _checked(draft))

    def _add(self, ctx: Context, start: TypeDef, end: TypeDef, draft: LabelDraft) -> tuple[RelationDef, ...]:
        builtin = self._between(start, end)

        def step(connection: Connection) -> tuple[RelationDef, ...]:
            labels.one_at_a_time(connection)
            known = labels.stored(connection, start.name, end.name)
            _refuse_taken(start, end, draft, [*(one for one in builtin if one.builtin), *known])
            back: RelationDef | None = _made(end, start, draft.name, draft.inverse or draft.label)
            if start.name == end.name and draft.inverse in (None, draft.label):
                back = None
            made = labels.numbered(connection, _made(start, end, draft.name, draft.label), back)
            labels.put(connection, made)
            _tell(connection, ctx, made)
            return made

        return self._changed(step)

    def change(
        self, ctx: Context, from_type: str, to_type: str, ident: int, label: str, inverse: str | None = None
    ) -> tuple[RelationDef, ...]:
        """Other words for a label made at run time; inverse None leaves the other end's words."""
        start, end = self.types(ctx, from_type, to_type, "write")
        draft = _checked(LabelDraft("", label, inverse), changing=True)
        between = self._between(start, end)

        def step(connection: Connection) -> tuple[RelationDef, ...]:
            labels.one_at_a_time(connection)
            relation, *other = _pair(connection, start, end, ident, between)
            others = [one for one in between if one.id not in (ident, relation.inverse)]
            _refuse_taken(start, end, draft, others)
            changed = [replace(relation, label=draft.label)]
            changed += [replace(one, label=draft.inverse or one.label) for one in other]
            labels.put(connection, changed)
            _tell(connection, ctx, [replace(one, limit=_limit(between, one)) for one in changed])
            return tuple(changed)

        return self._changed(step)

    def remove(self, ctx: Context, from_type: str, to_type: str, ident: int) -> None:
        """Take a label made at run time away, in every service, from every link that has it."""
        start, end = self.types(ctx, from_type, to_type, "write")
        self._remove(ctx, start, end, ident)

    def _remove(self, ctx: Context, start: TypeDef, end: TypeDef, ident: int) -> None:
        between = self._between(start, end)

        def step(connection: Connection) -> None:
            labels.one_at_a_time(connection)
            gone = _pair(connection, start, end, ident, between)
            labels.remove(connection, gone)
            _tell(connection, ctx, gone, removed=True)

        self._changed(step)

    def limit(self, ctx: Context, from_type: str, to_type: str, limits: Mapping[int, int | None]) -> None:
        """How many links of these relations one entity may have at most; None takes a limit away. All or nothing."""
        start, end = self.types(ctx, from_type, to_type, "write")
        known = {one.id: one for one in self._between(start, end)}
        errors = ErrorList()
        for ident, most in limits.items():
            if ident not in known:
                errors.add("typeId", "INVALID_ASSOCIATION", _unknown(known.values(), ident))
            elif most is not None and not 1 <= most <= MOST_LINKS:
                message = f"a limit is a whole number from 1 to {MOST_LINKS}"
                errors.add("maxToObjectIds", "INVALID_INTEGER", message)
        errors.raise_if_any()

        def step(connection: Connection) -> None:
            labels.one_at_a_time(connection)
            for ident, most in limits.items():
                labels.limit(connection, known[ident], most)
                _tell(connection, ctx, [replace(known[ident], limit=most)])

        self._changed(step)


def forget_relations(connection: Connection, ctx: Context, type_name: str) -> None:
    """Take away every relation made at run time that leads to or from a type, in the transaction that removes it."""
    gone = [one for one in labels.every(connection) if type_name in (one.from_type, one.to_type)]
    if gone:
        labels.remove(connection, gone)
        _tell(connection, ctx, gone, removed=True)


def _checked(draft: LabelDraft, *, changing: bool = False) -> LabelDraft:
    """The draft without needless blanks. Raises Invalid with everything wrong."""
    errors = ErrorList()
    if not changing and not _NAME.fullmatch(draft.name):
        message = f"name must be letters, digits, - and _, at most {MOST_TEXT} characters"
        errors.add("name", "INVALID_NAME", message)
    for place, text in (("label", draft.label), ("inverseLabel", draft.inverse)):
        if text is not None and (not text.strip() or len(text) > MOST_TEXT):
            errors.add(place, "INVALID_LABEL", f"{place} must have 1 to {MOST_TEXT} characters")
    errors.raise_if_any()
    label, inverse = (None if text is None else text.strip() for text in (draft.label, draft.inverse))
    return LabelDraft(draft.name, label, inverse)


def _made(start: TypeDef, end: TypeDef, name: str, label: str | None) -> RelationDef:
    return RelationDef(0, 0, start.name, end.name, name, label, builtin=False)


def _refuse_taken(start: TypeDef, end: TypeDef, draft: LabelDraft, known: Sequence[RelationDef]) -> None:
    if len(known) >= MOST_LABELS:
        message = f"there are at most {MOST_LABELS} kinds of links from {start.plural} to {end.plural}"
        raise Invalid.one("label", "LIMIT_EXCEEDED", message)
    for one in known:
        if draft.name and one.name == draft.name and not one.plain:
            raise AlreadyExists(f'A label named "{draft.name}" from {start.plural} to {end.plural} exists: {one.id}')
        if draft.label and one.label and one.label.casefold() == draft.label.casefold():
            raise AlreadyExists(f'A label "{one.label}" from {start.plural} to {end.plural} exists: {one.id}')


def _pair(
    connection: Connection, start: TypeDef, end: TypeDef, ident: int, between: Iterable[RelationDef]
) -> list[RelationDef]:
    """A relation made at run time and its other direction (none when it is its own). Raises NotFound or Invalid."""
    made = {one.id: one for one in labels.stored(connection, start.name, end.name)}
    if ident not in made:
        builtin = next((one for one in between if one.id == ident and one.builtin), None)
        if builtin is not None:
            message = f"{ident} is a built-in association type: it stays as it is"
            raise Invalid.one("associationTypeId", "READ_ONLY_DEFINITION", message)
        raise NotFound("association type", [str(ident)], _unknown(made.values(), ident))
    found = made[ident]
    back = [one for one in labels.stored(connection, end.name, start.name) if one.id == found.inverse != ident]
    return [found, *back]


def _unknown(known: Iterable[RelationDef], ident: int) -> str:
    shown = ", ".join(f"{one.id} ({one.label or one.name})" for one in known) or "none"
    return f"there is no association type {ident} between these types; there are: {shown}"


def _limit(between: Iterable[RelationDef], relation: RelationDef) -> int | None:
    return next((one.limit for one in between if one.id == relation.id), None)


def _tell(connection: Connection, ctx: Context, relations: Sequence[RelationDef], *, removed: bool = False) -> None:
    for one in relations:
        detail = relation_detail(one, limit=one.limit, removed=removed)
        publish_definition(connection, CATALOG_RELATION, one.from_type, detail, ctx)
