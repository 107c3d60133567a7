"""The corridor of definitions: entity types, attributes and groups, asked and changed at run time.

Asks permission, checks, writes rows and a catalog event in one transaction, and leaves the catalog of this process
fresh. No DDL: an attribute is a row, a slot is found for it at its first value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import psycopg

from shared.contracts.event import CATALOG_ATTRIBUTE, CATALOG_GROUP, CATALOG_TYPE
from shared.eav import definitions as rows
from shared.eav import uniqueness
from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.declare import AttributeDef, GroupDef, OptionDef, TypeDef
from shared.eav.definition_rules import changed_attribute, completed_attributes
from shared.eav.engine import Engine
from shared.eav.patience import tries
from shared.eav.removal import remove_type, require_empty
from shared.eav.requests import ItemError
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import (
    AlreadyExists,
    ErrorList,
    Invalid,
    NotFound,
    Unavailable,
)
from shared.service.definition_changes import DefinitionChanges, attribute_detail
from shared.service.definition_rules import completed_type, hinted
from shared.service.labels import forget_relations
from shared.service.permissions import Mode, allowed, require
from shared.service.publishing import publish_definition

if TYPE_CHECKING:
    from shared.service.manifest import Manifest

__all__ = ["AttributeDef", "Changes", "Definitions", "OptionDef"]
T = TypeVar("T")
Changes = Mapping[str, object] | Callable[[AttributeDef], Mapping[str, object]]
"""What is to be different about an attribute, or how that follows from what it is: asked again where another process
changed it meanwhile, so that nothing of that is lost."""


class Definitions:
    """Definitions of one service."""

    def __init__(self, engine: Engine, manifest: Manifest, ensure_partitions: Callable[[], None]) -> None:
        self._engine = engine
        self._manifest = manifest
        self._changed = DefinitionChanges(engine, ensure_partitions).run

    def _live(self, ctx: Context, type: str, mode: Mode) -> LiveType:
        """The type, fresh; reading definitions is also granted by the right to read entities."""
        self._engine.catalog.refresh()
        live = self._engine.catalog.type(type)
        if mode == "write" or not allowed(ctx.actor, "objects", live.defn, "read"):
            require(ctx.actor, "schemas", live.defn, mode)
        return live

    # Attributes

    def attributes(self, ctx: Context, type: str, *, archived: bool = False) -> list[AttributeDef]:
        """All live (or all archived) attributes, in the order they were made."""
        live = self._live(ctx, type, "read")
        return list((live.archived if archived else live.attributes).values())

    def attribute(self, ctx: Context, type: str, name: str, *, archived: bool = False) -> AttributeDef:
        """One attribute by any of its names; raises NotFound with the nearest names."""
        return _found(self._live(ctx, type, "read"), name, archived=archived)

    def add_attributes(
        self, ctx: Context, type: str, drafts: Sequence[AttributeDef], *, partial: bool = False
    ) -> list[AttributeDef | ItemError]:
        """Add attributes; a name of "" is made from the label, an archived name comes back to life.

        Raises Invalid or AlreadyExists and adds nothing, unless `partial`.
        """
        live = self._live(ctx, type, "write")
        checked = completed_attributes(live, drafts, partial=partial)
        outcome = [hinted(one) if isinstance(one, AttributeDef) else one for one in checked]
        new = [one for one in outcome if isinstance(one, AttributeDef)]

        def step(connection: Connection) -> None:
            for one in rows.put_attributes(connection, live, new):
                publish_definition(connection, CATALOG_ATTRIBUTE, live.name, attribute_detail(one), ctx)

        self._changed(step)
        fresh = self._engine.catalog.type(live.name)
        return [fresh.attributes[one.name] if isinstance(one, AttributeDef) else one for one in outcome]

    def change_attribute(self, ctx: Context, type: str, name: str, changes: Changes) -> AttributeDef:
        """Change a definition. `unique` on checks the stored values under the type's exclusive lock."""

        def once() -> AttributeDef:
            live = self._live(ctx, type, "write")
            attribute = _found(live, name)
            after, wanted = changed_attribute(live, attribute, changes(attribute) if callable(changes) else changes)
            if wanted:
                self._store_change(live, attribute, after, wanted, ctx)
            return self._engine.catalog.type(live.name).attributes[attribute.name]

        return _as_in_force(once)

    def _store_change(
        self, live: LiveType, attribute: AttributeDef, after: AttributeDef, wanted: Mapping[str, object], ctx: Context
    ) -> None:
        def step(connection: Connection) -> None:
            if wanted.keys() & {"unique", "kind"}:
                rows.exclusively(connection, live)
            else:
                rows.unchanged(connection, live)
            if "unique" in wanted:
                uniqueness.switch(connection, live, attribute, on=bool(wanted["unique"]))
            rows.change_attribute(connection, live, attribute, wanted)
            publish_definition(connection, CATALOG_ATTRIBUTE, live.name, attribute_detail(after), ctx)

        self._changed(step)

    def archive_attributes(self, ctx: Context, type: str, names: Sequence[str]) -> None:
        """Put attributes aside: they vanish from reads and refuse writes, values are kept. Built-in ones stay."""
        _as_in_force(lambda: self._put_aside(ctx, self._live(ctx, type, "write"), names))

    def _put_aside(self, ctx: Context, live: LiveType, names: Sequence[str]) -> None:
        found = [_found(live, name) for name in names]
        for one in found:
            if one.builtin:
                message = f'Property "{one.wire}" is built in and cannot be archived'
                raise Invalid.one(one.wire, "READ_ONLY_DEFINITION", message)

        def step(connection: Connection) -> None:
            rows.unchanged(connection, live)
            for one in found:
                gone = replace(one, archived_at=now())
                stamp = {"archived_at": now().replace(tzinfo=None)}
                rows.change_attribute(connection, live, one, stamp)
                publish_definition(connection, CATALOG_ATTRIBUTE, live.name, attribute_detail(gone), ctx)

        self._changed(step)

    # Groups

    def groups(self, ctx: Context, type: str) -> list[GroupDef]:
        """The live groups of a type."""
        return [one for one in self._live(ctx, type, "read").defn.groups if not one.archived]

    def add_group(self, ctx: Context, type: str, group: GroupDef) -> GroupDef:
        """Add a group, or revive an archived one; raises AlreadyExists."""
        live = self._live(ctx, type, "write")

        def step(connection: Connection) -> None:
            rows.add_group(connection, live.id, group)
            detail = {"name": group.name, "label": group.label, "display_order": group.display_order}
            publish_definition(connection, CATALOG_GROUP, live.name, detail, ctx)

        self._changed(step)
        return group

    def change_group(self, ctx: Context, type: str, name: str, changes: Mapping[str, object]) -> GroupDef:
        """Change label or display_order."""
        live = self._live(ctx, type, "write")
        group = _group(live, name)

        def step(connection: Connection) -> None:
            rows.change_group(connection, live.id, name, changes)
            publish_definition(connection, CATALOG_GROUP, live.name, {"name": name, **changes}, ctx)

        self._changed(step)
        return replace(group, **changes)  # type: ignore[arg-type]

    def archive_group(self, ctx: Context, type: str, name: str) -> None:
        """Put a group aside. Refused while attributes are in it."""
        live = self._live(ctx, type, "write")
        inside = [one.wire for one in live.attributes.values() if one.group == _group(live, name).name]
        if inside:
            message = f'Group "{name}" still has properties: {", ".join(inside[:3])}{", ..." * (len(inside) > 3)}'
            raise Invalid.one("name", "GROUP_IN_USE", message)
        self.change_group(ctx, type, name, {"archived": True})

    # Types

    def types(self, ctx: Context, *, archived: bool = False) -> list[TypeDef]:
        """The entity types of this service that the actor may see."""
        catalog = self._engine.catalog
        found = catalog.archived_types() if archived else catalog.types()
        return [one.defn for one in found if self._sees(ctx, one.defn)]

    @staticmethod
    def _sees(ctx: Context, defn: TypeDef) -> bool:
        return allowed(ctx.actor, "schemas", defn, "read") or allowed(ctx.actor, "objects", defn, "read")

    def type(self, ctx: Context, name: str) -> TypeDef:
        """One entity type."""
        return self._live(ctx, name, "read").defn

    def add_type(self, ctx: Context, draft: TypeDef) -> TypeDef:
        """Make a custom entity type: takes a spare slot table. Raises Invalid or AlreadyExists."""
        require(ctx.actor, "schemas", draft, "write")
        if not self._manifest.custom_types:
            raise Invalid.one("name", "NOT_HERE", "custom entity types live in another service")
        defn = completed_type(draft)

        def step(connection: Connection) -> None:
            try:
                rows.add_type(connection, defn)
            except psycopg.errors.UniqueViolation as error:
                raise AlreadyExists(f"An entity type named {defn.name} exists already") from error
            detail = {"name": defn.name, "plural": defn.plural, "label": defn.label}
            publish_definition(connection, CATALOG_TYPE, defn.name, detail, ctx)

        self._changed(step)
        return self._engine.catalog.type(defn.name).defn

    def change_type(self, ctx: Context, name: str, changes: Mapping[str, object]) -> TypeDef:
        """Change labels, displays, required and searchable attributes of a custom type."""
        live = self._custom(ctx, name)
        errors = ErrorList()
        for key in ("required", "searchable", "secondary_display"):
            for one in changes.get(key, ()):  # type: ignore[attr-defined]
                if live.find(one) is None:
                    errors.add(key, "PROPERTY_DOESNT_EXIST", f'{key} names "{one}", which does not exist')
        errors.raise_if_any()

        def step(connection: Connection) -> None:
            rows.change_type(connection, live.id, changes)
            publish_definition(connection, CATALOG_TYPE, live.name, {"name": live.name, **changes}, ctx)

        self._changed(step)
        return self._engine.catalog.type(live.name).defn

    def archive_type(self, ctx: Context, name: str, *, hard: bool = False) -> None:
        """Put a custom type aside; `hard`: remove it for good. Both are refused while it has live entities."""
        _as_in_force(lambda: self._archive_type(ctx, self._custom(ctx, name, archived=hard), hard=hard))

    def _archive_type(self, ctx: Context, live: LiveType, *, hard: bool) -> None:
        def step(connection: Connection) -> None:
            if hard:
                remove_type(connection, live)
                forget_relations(connection, ctx, live.name)
            else:
                require_empty(connection, live)
                rows.change_type(connection, live.id, {"archived_at": now().replace(tzinfo=None)})
            detail = {"name": live.name, "archived": True, "removed": hard}
            publish_definition(connection, CATALOG_TYPE, live.name, detail, ctx)

        self._changed(step)

    def _custom(self, ctx: Context, name: str, *, archived: bool = False) -> LiveType:
        """A custom type that the actor may change; also an archived one when it is to be removed."""
        put_aside = self._engine.catalog.archived_types() if archived else []
        live = next((one for one in put_aside if name in one.defn.names), None)
        if live is None:
            live = self._live(ctx, name, "write")
        require(ctx.actor, "schemas", live.defn, "write")
        if live.defn.builtin:
            message = f"{live.plural} is built in: its definition cannot change"
            raise Invalid.one("objectType", "READ_ONLY_DEFINITION", message)
        return live


def _as_in_force(work: Callable[[], T]) -> T:
    """Done again while the definitions that it rests on move on."""
    for _ in tries():
        try:
            return work()
        except StaleCatalog:
            continue
    raise Unavailable("the catalog keeps changing: try again")


def _found(live: LiveType, name: str, *, archived: bool = False) -> AttributeDef:
    if archived:
        found = live.archived.get(name) or next((one for one in live.archived.values() if one.wire == name), None)
    else:
        found = live.find(name)
    if found is None:
        close = live.suggestions(name)
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        raise NotFound("property", [name], f'Property "{name}" does not exist on {live.plural}{hint}')
    return found


def _group(live: LiveType, name: str) -> GroupDef:
    for group in live.defn.groups:
        if group.name == name and not group.archived:
            return group
    raise NotFound("group", [name], f'Group "{name}" does not exist on {live.plural}')
