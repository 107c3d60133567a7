"""A service without database for tests of the web kit: tokens by name, entities in a dict, a catalog of fixed types."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from flask import Flask

from shared.eav.declare import AttributeDef, OptionDef, TypeDef
from shared.kernel.config import Settings
from shared.kernel.context import Actor
from shared.kernel.errors import Conflict, FieldError, InvalidValues, NotFound, Unauthenticated, VersionMismatch
from shared.service.web.operation import Operation, register

CONTACT = TypeDef(
    "contact",
    "contacts",
    "Contact",
    "Contacts",
    "0-1",
    builtin=True,
    primary_display="first_name",
    attributes=(
        AttributeDef("id", "Id", "number", wire_name="hs_object_id", read_only=True, builtin=True),
        AttributeDef("first_name", "First name", wire_name="firstname", searchable=True, builtin=True),
        AttributeDef("email", "E-mail", "email", unique=True, builtin=True),
        AttributeDef("income", "预计收入", "number"),
        AttributeDef("level", "Level", "enumeration", options=(OptionDef("a", "A"), OptionDef("b", "B"))),
        AttributeDef("tags", "Tags", "multi_enumeration", options=(OptionDef("x", "X"),)),
    ),
)


class FakeTokens:
    """`Bearer all` may everything, `Bearer none` nothing, `Bearer a,b` has the scopes a and b."""

    def authenticate(self, header: str | None) -> Actor:
        if not header or not header.startswith("Bearer "):
            raise Unauthenticated("A token is required")
        word = header.removeprefix("Bearer ")
        scopes = {"all": ["*"], "none": []}.get(word, word.split(","))
        return Actor(word, word, frozenset(scopes))

    def forget(self) -> None:
        """Nothing is cached."""


class FakeCatalog:
    """Fixed types."""

    def __init__(self, *types: TypeDef) -> None:
        self._types = [
            SimpleNamespace(id=n, version=1, name=one.name, defn=one, attributes={a.name: a for a in one.attributes})
            for n, one in enumerate(types)
        ]

    def types(self) -> list[Any]:
        return self._types

    def type(self, name: str) -> Any:
        for one in self._types:
            if name in (one.defn.name, one.defn.plural, one.defn.wire_id):
                return one
        raise NotFound("entity type", [name])


class FakeEntities:
    """The corridor in memory: one type, no permissions; `calls` notes what it was asked."""

    def __init__(self, entity: type[Any]) -> None:
        self.entity = entity
        self.stored: dict[int, Any] = {}
        self.calls: list[tuple[str, Any]] = []

    def create(self, ctx: Any, type: str, drafts: Any, view: Any, *, partial: bool = False) -> list[Any]:
        self.calls.append(("create", view))
        for draft in drafts:
            if "bad" in draft.values:
                raise InvalidValues([FieldError("bad", "PROPERTY_DOESNT_EXIST", "no such attribute", ("band",))])
            if draft.values.get("email") in [one.values.get("email", 0) for one in self.stored.values()]:
                raise Conflict("Contact already exists. Existing ID: 1", existing_id=1)
        return [self._put(dict(draft.values)) for draft in drafts]

    def _put(self, values: dict[str, Any]) -> Any:
        number = len(self.stored) + 1
        at = "2026-01-01T00:00:00.000Z"
        self.stored[number] = self.entity(number, 1, at, at, values)
        return self.stored[number]

    def read(self, ctx: Any, type: str, refs: Any, view: Any, *, archived: bool = False) -> list[Any]:
        self.calls.append(("read", view))
        found = []
        for ref in refs:
            one = self.stored.get(ref.id) if ref.id is not None else self._by(ref.attribute, ref.value)
            found.append(one if one is not None and (one.archived_at is not None) == archived else None)
        return found

    def _by(self, attribute: str, value: str) -> Any:
        return next((one for one in self.stored.values() if one.values.get(attribute) == value), None)

    def update(self, ctx: Any, type: str, updates: Any, view: Any, *, partial: bool = False) -> list[Any]:
        self.calls.append(("update", updates))
        done = []
        for one in updates:
            (old,) = self.read(ctx, type, [one.ref], view)
            if old is None:
                raise NotFound(type, [str(one.ref.id)])
            if one.expected_version not in (None, old.version):
                raise VersionMismatch(one.expected_version, old.version)
            self.stored[old.id] = replace(old, version=old.version + 1, values={**old.values, **one.values})
            done.append(self.stored[old.id])
        return done

    def upsert(self, ctx: Any, type: str, upserts: Any, view: Any, *, partial: bool = False) -> list[Any]:
        self.calls.append(("upsert", upserts))
        return [replace(self._put(dict(one.values)), new=True) for one in upserts]

    def archive(self, ctx: Any, type: str, refs: Any) -> None:
        for ref in refs:
            if ref.id in self.stored:
                self.stored[ref.id] = replace(self.stored[ref.id], archived_at="2026-01-02T00:00:00.000Z")

    def restore(self, ctx: Any, type: str, id: int, *, without_taken: bool = False, view: Any) -> Any:
        self.stored[id] = replace(self.stored[id], archived_at=None, version=self.stored[id].version + 1)
        return self.stored[id]

    def list(self, ctx: Any, type: str, view: Any, *, limit: int, after: int | None, archived: bool = False) -> Any:
        self.calls.append(("list", (view, limit, after, archived)))
        found = [one for number, one in sorted(self.stored.items()) if number > (after or 0)]
        return found[:limit], (found[limit - 1].id if len(found) > limit else None)

    def query(self, ctx: Any, type: str, query: Any, view: Any) -> Any:
        self.calls.append(("query", query))
        return SimpleNamespace(entities=list(self.stored.values()), total=len(self.stored), next_cursor="next")


def service(**parts: Any) -> Any:
    """A runtime of fakes."""
    given = {"db": None, "redis": None, "tokens": FakeTokens(), "settings": Settings(), "catalog": FakeCatalog(CONTACT)}
    manifest = SimpleNamespace(name="contacts", migrations=None, mirrors=())
    return SimpleNamespace(manifest=manifest, **{**given, **parts})


def client(runtime: Any, *operations: Operation, token: str = "all") -> Any:
    """A test client of an app with these operations."""
    app = Flask("test")
    register(app, runtime, operations)
    made = app.test_client()
    made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return made
