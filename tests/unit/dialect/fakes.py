"""A runtime in memory for the doors of the wire dialect: what a door hands down and makes of the answers.

It keeps texts in dicts and checks next to nothing; behaviour of values is tested against the real system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from shared.eav.declare import AttributeDef, GroupDef, TypeDef
from shared.eav.entity import Entity, HistoryEntry, Page, View
from shared.kernel.context import Actor, Context
from shared.kernel.errors import (
    AlreadyExists,
    Conflict,
    CrmError,
    FieldError,
    Invalid,
    InvalidValues,
    NotFound,
    Unauthenticated,
)
from shared.service.entities import Draft, ItemError, Query, Ref, Update, Upsert
from shared.service.relations import BUILTIN
from shared.service.schema import attribute, choices, system_attributes

AT = "2026-01-02T03:04:05.678Z"
CONTACT = TypeDef(
    "contact",
    "contacts",
    "Contact",
    "Contacts",
    wire_id="0-1",
    groups=(GroupDef("contactinformation", "Contact information", 0),),
    attributes=(
        *system_attributes("contactinformation", updated="lastmodifieddate"),
        attribute("email", "E-mail", "email", unique=True, default=True),
        attribute("first_name", "First name", wire_name="firstname", default=True),
        attribute("last_name", "Last name", wire_name="lastname", default=True),
        attribute("color", "Color", "enumeration", options=choices(("red", "Red"), ("blue", "Blue"))),
    ),
    builtin=True,
)


class FakeEntities:
    """Entities as texts by wire name. The value "bad" is refused; the property must be declared."""

    def __init__(self, types: Mapping[str, TypeDef]) -> None:
        self.types = types
        self.rows: dict[int, Entity] = {}
        self.asked: list[tuple[str, Any]] = []

    def _type(self, name: str) -> TypeDef:
        for one in self.types.values():
            if name in (one.name, one.plural, one.wire_id, *one.synonyms):
                return one
        raise NotFound("entity type", [name])

    def _check(self, kind: str, values: Mapping[str, object]) -> None:
        known = {one.wire for one in self._type(kind).attributes}
        errors = [
            FieldError(name, "PROPERTY_DOESNT_EXIST", f"{name} is unknown") for name in values if name not in known
        ]
        errors += [FieldError(name, "INVALID_OPTION", "bad is bad") for name, one in values.items() if one == "bad"]
        if errors:
            raise InvalidValues(errors)

    def _shown(self, entity: Entity, view: View, archived: bool = False, also: Iterable[str] = ()) -> Entity | None:
        if (entity.archived_at is not None) is not archived:
            return None
        values = dict(entity.values)
        if view.attributes is not None:
            known = {one.wire for kind in self.types.values() for one in kind.attributes}
            values = {name: values.get(name) for name in view.attributes if name in known}
        values |= {name: entity.values[name] for name in also}
        history = None
        if view.history:
            entry = HistoryEntry("x", AT, "API", "token-1", "7", 1)
            history = {name: [entry] for name in view.history}
        values["hs_object_id"] = str(entity.id)
        return replace(entity, values=values, history=history)

    def _find(self, ref: Ref) -> Entity | None:
        if ref.id is not None:
            return self.rows.get(ref.id)
        for one in self.rows.values():
            if one.values.get(ref.attribute or "") == ref.value:
                return one
        return None

    def _each(self, jobs: Sequence[Any], partial: bool, run: Any) -> list[Entity | ItemError]:
        before = dict(self.rows)
        results: list[Entity | ItemError] = []
        for index, job in enumerate(jobs):
            try:
                results.append(run(job))
            except CrmError as error:
                if not partial and not (isinstance(error, NotFound) and len(jobs) > 1):
                    self.rows = before
                    raise
                results.append(ItemError(index, error))
        return results

    def create(
        self, _ctx: Context, kind: str, drafts: list[Draft], view: View, *, partial: bool = False
    ) -> list[Entity | ItemError]:
        self._type(kind)
        self.asked.append(("create", (drafts, partial)))

        def one(draft: Draft) -> Entity | None:
            self._check(kind, draft.values)
            email = draft.values.get("email")
            if email and (known := self._find(Ref(attribute="email", value=str(email)))):
                raise Conflict(f"Contact already exists. Existing ID: {known.id}", existing_id=known.id)
            number = max(self.rows, default=0) + 1
            self.rows[number] = Entity(number, 1, AT, AT, dict(draft.values))
            return self._shown(self.rows[number], view, also=draft.values)

        return self._each(drafts, partial, one)

    def update(
        self, _ctx: Context, kind: str, updates: list[Update], view: View, *, partial: bool = False
    ) -> list[Entity | ItemError]:
        self.asked.append(("update", (updates, partial)))

        def one(update: Update) -> Entity | None:
            found = self._find(update.ref)
            if found is None:
                raise NotFound(kind, [update.ref.value or str(update.ref.id)])
            self._check(kind, update.values)
            self.rows[found.id] = replace(found, version=found.version + 1, values={**found.values, **update.values})
            return self._shown(self.rows[found.id], view, also=update.values)

        return self._each(updates, partial, one)

    def upsert(
        self, ctx: Context, kind: str, upserts: list[Upsert], view: View, *, partial: bool = False
    ) -> list[Entity | ItemError]:
        self.asked.append(("upsert", (upserts, partial)))

        def one(upsert: Upsert) -> Entity:
            found = self._find(upsert.ref)
            if found is not None:
                return replace(self.update(ctx, kind, [Update(upsert.ref, upsert.values)], view)[0], new=False)
            values = {str(upsert.ref.attribute): upsert.ref.value, **upsert.values}
            return replace(self.create(ctx, kind, [Draft(values)], view)[0], new=True)

        return self._each(upserts, partial, one)

    def archive(self, _ctx: Context, kind: str, refs: list[Ref]) -> None:
        self.asked.append(("archive", refs))
        for ref in refs:
            if (found := self._find(ref)) is not None:
                self.rows[found.id] = replace(found, archived_at=AT)

    def read(
        self, _ctx: Context, kind: str, refs: list[Ref], view: View, *, archived: bool = False
    ) -> list[Entity | None]:
        self.asked.append(("read", (refs, view, archived)))
        self._type(kind)
        found = [self._find(ref) for ref in refs]
        return [self._shown(one, view, archived) if one else None for one in found]

    def list(
        self, _ctx: Context, kind: str, view: View, *, limit: int, after: int | None, archived: bool = False
    ) -> tuple[list[Entity], int | None]:
        self._type(kind)
        self.asked.append(("list", (view, limit, after, archived)))
        ids = [number for number in sorted(self.rows) if number > (after or 0)]
        shown = [one for number in ids if (one := self._shown(self.rows[number], view, archived))]
        return shown[:limit], (shown[limit - 1].id if len(shown) > limit else None)

    def query(self, _ctx: Context, kind: str, query: Query, view: View) -> Page:
        self.asked.append(("query", query))
        shown = [one for entity in self.rows.values() if (one := self._shown(entity, view))]
        start = query.offset or 0
        end = start + query.limit
        return Page(shown[start:end], len(shown), None, end if end < len(shown) else None)


class FakeDefinitions:
    """Definitions kept in TypeDefs."""

    def __init__(self, types: dict[str, TypeDef], entities: FakeEntities) -> None:
        self.kept = types
        self.find = entities._type

    def attributes(self, _ctx: Context, kind: str, *, archived: bool = False) -> list[AttributeDef]:
        return [one for one in self.find(kind).attributes if (one.archived_at is not None) is archived]

    def attribute(self, ctx: Context, kind: str, name: str, *, archived: bool = False) -> AttributeDef:
        for one in self.attributes(ctx, kind, archived=archived):
            if name in (one.name, one.wire):
                return one
        raise NotFound("property", [name])

    def add_attributes(
        self, _ctx: Context, kind: str, wanted: list[AttributeDef], *, partial: bool = False
    ) -> list[AttributeDef | ItemError]:
        results: list[AttributeDef | ItemError] = []
        for index, one in enumerate(wanted):
            live = self.find(kind)
            if one.wire in {known.wire for known in live.attributes}:
                error = AlreadyExists(f"{one.wire} exists")
                if not partial:
                    raise error
                results.append(ItemError(index, error))
            else:
                self.kept[live.name] = replace(live, attributes=(*live.attributes, one))
                results.append(one)
        return results

    def change_attribute(self, ctx: Context, kind: str, name: str, changes: Mapping[str, Any]) -> AttributeDef:
        live, old = self.find(kind), self.attribute(ctx, kind, name)
        new = replace(old, **changes)
        self.kept[live.name] = replace(live, attributes=tuple(new if one is old else one for one in live.attributes))
        return new

    def archive_attributes(self, ctx: Context, kind: str, names: list[str]) -> None:
        live = self.find(kind)
        for name in names:
            if self.attribute(ctx, kind, name).builtin:
                raise Invalid.one(name, "READ_ONLY_DEFINITION", "built in")
        left = tuple(one for one in live.attributes if one.name not in names)
        self.kept[live.name] = replace(live, attributes=left)

    def groups(self, _ctx: Context, kind: str) -> list[GroupDef]:
        return list(self.find(kind).groups)

    def add_group(self, _ctx: Context, kind: str, group: GroupDef) -> GroupDef:
        live = self.find(kind)
        if group.name in {one.name for one in live.groups}:
            raise AlreadyExists(f"{group.name} exists")
        self.kept[live.name] = replace(live, groups=(*live.groups, group))
        return group

    def change_group(self, ctx: Context, kind: str, name: str, changes: Mapping[str, Any]) -> GroupDef:
        live = self.find(kind)
        changed = tuple(replace(one, **changes) if one.name == name else one for one in live.groups)
        self.kept[live.name] = replace(live, groups=changed)
        return next(one for one in changed if one.name == name)

    def archive_group(self, _ctx: Context, kind: str, name: str) -> None:
        self.change_group(_ctx, kind, name, {"archived": True})

    def types(self, _ctx: Context, *, archived: bool = False) -> list[TypeDef]:
        return [one for one in self.kept.values() if (one.archived_at is not None) is archived]

    def type(self, _ctx: Context, name: str) -> TypeDef:
        return self.find(name)

    def add_type(self, _ctx: Context, wanted: TypeDef) -> TypeDef:
        if wanted.name in self.kept:
            raise AlreadyExists(f"{wanted.name} exists")
        self.kept[wanted.name] = replace(wanted, wire_id=f"2-{len(self.kept)}")
        return self.kept[wanted.name]

    def change_type(self, _ctx: Context, name: str, changes: Mapping[str, Any]) -> TypeDef:
        self.kept[name] = replace(self.kept[name], **changes)
        return self.kept[name]

    def archive_type(self, _ctx: Context, name: str, hard: bool = False) -> None:
        del self.kept[self.find(name).name]


class FakeTokens:
    """Anybody with the token `good` may do everything."""

    def authenticate(self, header: str | None) -> Actor:
        if header != "Bearer good":
            raise Unauthenticated("no")
        return Actor("token-1", "tester", frozenset({"*"}))


def runtime(*types: TypeDef) -> Any:
    """What a door needs of a service."""
    kept = {one.name: one for one in (types or (CONTACT,))}
    entities = FakeEntities(kept)

    def live(name: str) -> Any:
        found = entities._type(name)
        attributes = {one.name: one for one in found.attributes}
        return SimpleNamespace(name=found.name, plural=found.plural, attributes=attributes, defn=found)

    return SimpleNamespace(
        manifest=SimpleNamespace(name="contacts", mirrors=()),
        settings=SimpleNamespace(base_url="https://crm.example.org", max_body=1_000_000, max_upload=1_000_000),
        catalog=SimpleNamespace(type=live, linkable=live, refresh=lambda: None),
        tokens=FakeTokens(),
        entities=entities,
        definitions=FakeDefinitions(kept, entities),
        links=SimpleNamespace(known=lambda ids: {one.id: one for one in BUILTIN if one.id in set(ids)}),
        labels=SimpleNamespace(made=list, declare=lambda *_: ()),
    )
