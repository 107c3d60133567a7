"""Writing beyond what the random runs vary: instants, required values, all errors at once, lost servers and parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.install import install
from shared.eav.requests import Draft, Query, Ref, Sort, Update
from shared.eav.store.state import Written
from shared.kernel.context import Actor, Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import FieldError, InvalidValues, NotFound, Unavailable
from tests.factories.asking import CONTEXT, IDS, create, found, held_exactly
from tests.factories.kinds import attribute, entity_type
from tests.factories.racing import paused
from tests.factories.schema import Schema

LONG_AGO = datetime(2019, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)


@pytest.fixture
def note(make_type: Callable[..., LiveType]) -> str:
    """A type with a required attribute."""
    return make_type(
        attribute("title", "string", required=True), attribute("size", "number"), attribute("kind", "enumeration")
    ).name


def test_effective_instants(engine: Engine, note: str) -> None:
    """A write may count from another instant; when it was recorded is kept beside."""
    importer = Context(Actor("7", "importer"), "IMPORT", "job 3", effective_at=LONG_AGO)
    later = LONG_AGO.replace(year=2020)
    drafts = [Draft({"title": "a", "size": 1}), Draft({"title": "b"}, effective_at=later)]
    one, two = engine.writes.create(note, drafts, importer, View("text", ("title",), ("size",)))
    assert (one.created_at, two.created_at) == ("2019-05-06T07:08:09.123Z", "2020-05-06T07:08:09.123Z")  # type: ignore[union-attr]
    assert one.updated_at > "2026"  # type: ignore[union-attr]
    update = [Update(Ref(one.id), {"size": 2}, effective_at=later), Update(Ref(two.id), {"size": 5})]  # type: ignore[union-attr]
    engine.writes.update(note, update, replace(importer, source="CRM_UI"), IDS)
    seen, other = engine.reads.read(note, [Ref(one.id), Ref(two.id)], View("text", (), ("size",)))  # type: ignore[union-attr]
    assert seen is not None
    assert other is not None
    now, before = (seen.history or {})["size_w"]
    assert (now.value, now.at, now.version, now.source) == ("2", "2020-05-06T07:08:09.123Z", 2, "CRM_UI")
    assert (before.value, before.at, before.version) == ("1", "2019-05-06T07:08:09.123Z", 1)
    assert (before.source, before.source_id, before.actor) == ("IMPORT", "job 3", "7")
    assert now.recorded_at > "2026"
    assert before.recorded_at > "2026"
    (only,) = (other.history or {})["size_w"]
    assert (only.value, only.at, only.version) == ("5", "2019-05-06T07:08:09.123Z", 2)
    assert found(engine, note, None, Sort("created_at", True)) == [two.id, one.id]  # type: ignore[union-attr]


def test_all_errors_at_once(engine: Engine, note: str) -> None:
    """A refused write names everything that is wrong with it, by the names the caller used."""
    wrong = {"size_w": "many", "The kind": "nwe", "titel": "x", "id": 5}
    with pytest.raises(InvalidValues) as refused:
        engine.writes.create(note, [Draft(wrong), Draft({"size": {}})], CONTEXT, IDS)
    errors = [(one.name, one.code) for one in refused.value.errors]
    assert set(errors) == {
        ("size_w", "INVALID_INTEGER"),
        ("The kind", "INVALID_OPTION"),
        ("titel", "PROPERTY_DOESNT_EXIST"),
        ("id", "READ_ONLY_VALUE"),
        ("title", "REQUIRED_FIELD"),
        ("size", "INVALID_INTEGER"),
    }
    assert {one.name: one.nearest for one in refused.value.errors if one.nearest} == {
        "The kind": ("new",),
        "titel": ("title",),
    }
    (one,) = create(engine, note, {"title": "kept"})
    for cleared in (None, ""):
        with pytest.raises(InvalidValues):
            engine.writes.update(note, [Update(Ref(one.id), {"title": cleared})], CONTEXT, IDS)
    engine.writes.update(note, [Update(Ref(one.id), {"size": 1})], CONTEXT, IDS)
    held_exactly(engine, note, {one.id: (2, {"title": "kept", "size": 1})})


class Strict:
    """A domain that completes and refuses."""

    def normalised(self, type_name: str, name: str, raw: object) -> object:
        """Titles are trimmed."""
        return raw.strip() if name == "title" and isinstance(raw, str) else raw

    def judged(
        self, live: LiveType, old: Mapping[str, Any] | None, new: Mapping[str, Any], context: Context
    ) -> tuple[Mapping[str, Any], Sequence[FieldError]]:
        """Sizes follow from titles; a smaller one than before is refused."""
        values = {**new, "size": len(new["title"])} if new.get("title") else dict(new)
        if old and values.get("size", 0) < old.get("size", 0):
            return values, [FieldError("size", "SHRINKS", "it shrinks")]
        return values, ()


def test_a_domain_has_its_say(database: Database, note: str) -> None:
    """Normalising, completing and refusing, with the old values at hand; published with what was completed."""
    told: list[Written] = []

    def publish(connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        told.extend(written)

    engine = Engine(database, judge=Strict(), publish=publish)
    (one,) = create(engine, note, {"title": "  four "}, view=View("json", ("title", "size")))
    assert one.values["title"] == "four"
    size, title = (engine.catalog.type(note).attributes[name].key for name in ("size", "title"))
    assert told[0].changed == {title: (None, "four"), size: (None, "4")}
    for door, shown in (("native", "size"), ("dialect", "size_w")):
        with pytest.raises(InvalidValues) as refused:
            engine.writes.update(note, [Update(Ref(one.id), {"title": "two"})], replace(CONTEXT, door=door), IDS)
        assert [(each.name, each.code) for each in refused.value.errors] == [(shown, "SHRINKS")]
    engine.writes.update(note, [Update(Ref(one.id), {"title_w": "five5 "})], CONTEXT, IDS)
    engine.writes.update(note, [Update(Ref(one.id), {"title_w": " five5"})], CONTEXT, IDS)
    engine.writes.archive(note, [Ref(one.id)], CONTEXT)
    engine.writes.restore(note, one.id, CONTEXT, IDS)
    kinds = [(each.kind, each.state.id) for each in told]
    assert kinds == [(kind, one.id) for kind in ("created", "updated", "archived", "restored")]
    assert told[1].changed == {title: ("four", "five5"), size: ("4", "5")}


def test_what_fails_leaves_nothing(database: Database, engine: Engine, note: str) -> None:
    """Whatever goes wrong when a write is published undoes the write."""

    def publish(connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        raise RuntimeError("the log is full")

    (one,) = create(engine, note, {"title": "a", "size": 1})
    failing = Engine(database, publish=publish)
    for step in (
        lambda: failing.writes.create(note, [Draft({"title": "b"})], CONTEXT, IDS),
        lambda: failing.writes.update(note, [Update(Ref(one.id), {"title": "c"})], CONTEXT, IDS),
        lambda: failing.writes.archive(note, [Ref(one.id)], CONTEXT),
    ):
        with pytest.raises(RuntimeError):
            step()
    held_exactly(engine, note, {one.id: (1, {"title": "a", "size": 1})})


def test_ids_nobody_has(engine: Engine, note: str) -> None:
    """Zero, negative and enormous ids are unknown ones, to every request."""
    for ident in (0, -1, 2**63 - 1, 2**63, 10**40):
        assert engine.reads.read(note, [Ref(ident)], IDS) == [None]
        assert engine.writes.archive(note, [Ref(ident)], CONTEXT) == []
        with pytest.raises(NotFound):
            engine.writes.update(note, [Update(Ref(ident), {"size": 1})], CONTEXT, IDS)
        with pytest.raises(NotFound):
            engine.writes.restore(note, ident, CONTEXT, IDS)
        page, after = engine.reads.list(note, IDS, limit=5, after=ident)
        assert after is None
        assert ident < 1 or page == []


@pytest.fixture
def own(new_database: Callable[[], str]) -> str:
    """A database that may be treated badly."""
    url = new_database()
    database = Database(url)
    install(database)
    Schema(Engine(database)).add_type(entity_type("thing", attribute("name", "string", unique=True)))
    database.dispose()
    return url


def test_a_missing_partition_is_made(own: str) -> None:
    """History of a month that has no partition yet: the write makes it and goes through."""
    database = Database(own)
    engine = Engine(database)
    (one,) = create(engine, "thing", {"name": "a"})
    with database.connect() as connection:
        for (name,) in connection.rows(
            "select inhrelid::regclass::text from pg_inherits where inhparent = 'eav_history'::regclass"
        ):
            connection.run(f"drop table {name}")
    engine.writes.update("thing", [Update(Ref(one.id), {"name": "b"})], CONTEXT, IDS)
    held_exactly(engine, "thing", {one.id: (2, {"name": "b"})})
    database.dispose()


def test_lost_connections(own: str) -> None:
    """A server that drops its connections is unavailable for a moment; writes under way did not happen."""
    database = Database(own, pool_size=4)
    engine = Engine(database)
    (one,) = create(engine, "thing", {"name": "a"})
    with ThreadPoolExecutor(1) as threads:
        change = [Update(Ref(one.id), {"name": "lost"})]
        pause, writing = paused(database, lambda other: other.writes.update("thing", change, CONTEXT, IDS), threads)
        _drop_connections(own)
        pause.go()
        assert isinstance(writing.exception(), Unavailable)
    for _ in range(20):
        try:
            held_exactly(engine, "thing", {one.id: (1, {"name": "a"})})
            break
        except Unavailable:
            continue
    else:
        pytest.fail("the connections never came back")
    engine.writes.update("thing", [Update(Ref(one.id), {"name": "b"})], CONTEXT, IDS)
    database.dispose()


def _drop_connections(url: str) -> None:
    other = Database(url, pool_size=1)
    with other.connect() as connection:
        connection.row(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    other.dispose()


def test_without_prepared_statements(own: str) -> None:
    """The switch for poolers that keep no session: everything works, and nothing stays prepared."""
    database = Database(own, pool_size=1, prepare=False)
    engine = Engine(database)
    for n in range(8):
        (one,) = create(engine, "thing", {"name": f"n{n}"})
        engine.writes.update("thing", [Update(Ref(one.id), {"name": f"changed {n}"})], CONTEXT, IDS)
        assert engine.reads.read("thing", [Ref(attribute="name", value=f"CHANGED {n}")], IDS)[0] is not None
        engine.reads.query("thing", Query(sorts=(Sort("name", True),), limit=2), IDS)
    engine.writes.archive("thing", [Ref(one.id)], CONTEXT)
    engine.writes.restore("thing", one.id, CONTEXT, IDS)
    with database.connect() as connection:
        assert connection.row("select count(*) from pg_prepared_statements") == (0,)
    database.dispose()
