"""Decision 10: no write commits that was judged by another catalog than the one in force. The races are forced, and
guards that look right but are not must let a wrong write through, or these tests would prove nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from shared.eav import definitions, uniqueness
from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.declare import OptionDef
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.filters import Condition, Operator
from shared.eav.query import reading
from shared.eav.requests import Ref, Update
from shared.eav.store import statements
from shared.eav.tables import table_name
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Conflict
from tests.factories.asking import CONTEXT, IDS, create, found, held_exactly, typed
from tests.factories.audit import Expected, audit
from tests.factories.kinds import attribute
from tests.factories.racing import paused, until_blocked
from tests.factories.schema import Schema

Outcome = tuple[bool, BaseException | None]
_FUNCTION = """
create or replace function eav_guard(_type int, _version bigint) returns bigint language plpgsql volatile as $$
declare _current bigint;
begin {body} end $$
"""
_CHECK = """if _current is distinct from _version then raise exception 'moved on' using errcode = 'CR001'; end if;"""
MUTANTS = {
    "version read before the lock": f"""
        select version into _current from eav_version where type_id = _type;
        perform pg_advisory_xact_lock_shared(7001, _type); {_CHECK} return _current;""",
    "both in one statement": f"""
        select t.version into _current from eav_version t, pg_advisory_xact_lock_shared(7001, _type)
        where t.type_id = _type;
        {_CHECK} return _current;""",
    "no lock": f"select version into _current from eav_version where type_id = _type; {_CHECK} return _current;",
    "no check": "return _version;",
}


@pytest.fixture
def guard(database: Database, request: pytest.FixtureRequest) -> Iterator[str]:
    """The guard of the migrations, or a mutant of it by its name."""
    name = getattr(request, "param", "")
    with database.connect() as connection:
        row = connection.row("select pg_get_functiondef('eav_guard'::regproc)")
        assert row is not None
        if name:
            connection.run(_FUNCTION.format(body=MUTANTS[name]))
        yield name
        connection.run(row[0])


@pytest.fixture
def plain(engine: Engine, make_type: Callable[..., LiveType]) -> LiveType:
    """A type with an attribute that is not unique yet, and one holder of the value "x"."""
    live = make_type(attribute("code", "string"), attribute("other", "string"))
    create(engine, live.name, {"code": "x", "other": "y"})
    engine.catalog.refresh()
    return engine.catalog.type(live.name)


def sound(connection: Connection, live: LiveType) -> bool:
    """Whether, if the attribute is unique, every holder of a value has its key, and no two the same."""
    code = live.attributes["code"]
    values = connection.rows(f"select {code.column}, id from {table_name(live.table)} where {code.column} is not null")
    keys = connection.rows("select key, entity_id from eav_unique where attribute_id = %(a)s", {"a": code.id})
    return sorted(keys) == sorted(values) if code.unique else not keys


def switch(connection: Connection, live: LiveType) -> None:
    """Make `code` unique, as the kit does, inside the caller's transaction."""
    definitions.exclusively(connection, live)
    uniqueness.switch(connection, live, live.attributes["code"], on=True)
    definitions.change_attribute(connection, live, live.attributes["code"], {"unique": True})


def second_x_by_update(engine: Engine, name: str) -> None:
    """Another entity gets the value that one has."""
    (other,) = found(engine, name, Condition("other", Operator.EQ, ("second",)))
    engine.writes.update(name, [Update(Ref(other), {"code": "X"})], CONTEXT, IDS)


WRITES: dict[str, Callable[[Engine, str], object]] = {
    "create": lambda engine, name: create(engine, name, {"code": "X"}),
    "update": second_x_by_update,
}


def stale_writer_waits(
    database: Database, live: LiveType, threads: ThreadPoolExecutor, write: str = "create"
) -> Outcome:
    """A writer with the old catalog comes while the switch is about to commit. (sound afterwards, writer's error)"""
    writer = Engine(database)
    writer.catalog.refresh()
    create(writer, live.name, {"other": "second"})
    with database.transaction() as connection:
        switch(connection, live)
        writing = threads.submit(WRITES[write], writer, live.name)
        until_blocked(database, done=writing)
    error = writing.exception()
    with database.connect() as connection:
        return sound(connection, Schema(writer).live(live.name)), error


def switch_waits(database: Database, live: LiveType, threads: ThreadPoolExecutor) -> Outcome:
    """The switch comes while a write judged by the old catalog is about to commit. (sound, the switch's error)"""
    pause, writing = paused(database, lambda own: create(own, live.name, {"code": "X"}), threads)

    def step() -> None:
        with database.transaction() as connection:
            switch(connection, live)

    switching = threads.submit(step)
    until_blocked(database, done=switching)
    if switching.done():
        switching.exception()
    pause.go()
    writing.result()
    error = switching.exception()
    with database.connect() as connection:
        return sound(connection, Schema(Engine(database)).live(live.name)), error


@pytest.mark.parametrize("write", WRITES)
def test_a_stale_writer_meets_uniqueness(
    guard: str, database: Database, plain: LiveType, threads: ThreadPoolExecutor, write: str
) -> None:
    """It waits, notices, and is refused like anybody who comes too late."""
    is_sound, error = stale_writer_waits(database, plain, threads, write)
    assert is_sound
    assert isinstance(error, Conflict)


@pytest.fixture
def unguarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Statements without the guard in them."""
    for module in (statements, reading):
        monkeypatch.setattr(module, "GUARDED", sa.true())
    caches = (statements.insert, reading._reader)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.parametrize("write", WRITES)
def test_unguarded_statements_let_a_wrong_write_through(
    unguarded: None, database: Database, plain: LiveType, threads: ThreadPoolExecutor, write: str
) -> None:
    """The guard is in the very statements: without it there, nothing holds the write up."""
    is_sound, _ = stale_writer_waits(database, plain, threads, write)
    assert not is_sound


def test_uniqueness_meets_a_writer(
    guard: str, database: Database, plain: LiveType, threads: ThreadPoolExecutor
) -> None:
    """It waits for the write, sees the second holder and is refused."""
    is_sound, error = switch_waits(database, plain, threads)
    assert is_sound
    assert isinstance(error, Conflict)


@pytest.mark.parametrize("guard", list(MUTANTS), indirect=True)
def test_other_guards_let_a_wrong_write_through(
    guard: str, database: Database, plain: LiveType, threads: ThreadPoolExecutor
) -> None:
    """One of the two races, if not both, leaves a value without its key."""
    first, _ = stale_writer_waits(database, plain, threads)
    if not first:
        return
    again = Schema(Engine(database))
    again.unique(plain.name, "code", on=False)
    second, _ = switch_waits(database, again.live(plain.name), threads)
    assert not second, "this guard held: the test does not test"


def test_switching_on_what_gets_its_first_value(
    database: Database, make_type: Callable[..., LiveType], threads: ThreadPoolExecutor
) -> None:
    """The attribute has no slot when the switch is prepared, and values when it gets its turn: it is prepared anew."""
    stale = make_type(attribute("code", "string"), attribute("other", "string"))
    values = [{"code": "x"}, {"code": "y"}]
    pause, writing = paused(database, lambda own: create(own, stale.name, *values), threads)

    def step() -> None:
        with database.transaction() as connection:
            switch(connection, stale)

    switching = threads.submit(step)
    assert until_blocked(database, done=switching)
    pause.go()
    writing.result()
    assert isinstance(switching.exception(), StaleCatalog)
    schema = Schema(Engine(database))
    schema.unique(stale.name, "code")
    with database.connect() as connection:
        assert sound(connection, schema.live(stale.name))
    with pytest.raises(Conflict):
        create(Engine(database), stale.name, {"code": "X"})


def _first_value_meanwhile(database: Database, live: LiveType, threads: ThreadPoolExecutor) -> None:
    """An update passes its guard and waits for the first of two rows; meanwhile the second gets the first value ever
    of an attribute, and its words. Asserts that what the update writes then does not forget them."""
    engine = Engine(database)
    one, two = (made.id for made in create(engine, live.name, {"other": "one"}, {"other": "two"}))
    stale = Engine(database)
    stale.catalog.refresh()
    changes = [Update(Ref(ident), {"other": "changed"}) for ident in (one, two)]
    with database.transaction() as connection:
        connection.row(f"select id from {table_name(live.table)} where id = {one} for update")
        updating = threads.submit(stale.writes.update, live.name, changes, CONTEXT, IDS)
        until_blocked(database)
        engine.writes.update(live.name, [Update(Ref(two), {"late": "words"})], CONTEXT, IDS)
    updating.result()
    engine.catalog.refresh()
    live = engine.catalog.type(live.name)
    first = next(iter(found(engine, live.name, Condition("code", Operator.HAS))))
    expected = {
        first: Expected(1, typed(live, {"code": "x", "other": "y"})),
        one: Expected(2, typed(live, {"other": "changed"})),
        two: Expected(3, typed(live, {"other": "changed", "late": "words"})),
    }
    with database.connect() as connection:
        audit(connection, live, expected)
    assert found(engine, live.name, Condition("late", Operator.CONTAINS_TOKEN, ("words",))) == [two]


@pytest.fixture
def late(schema: Schema, plain: LiveType) -> LiveType:
    """The type with one more attribute, which never had a value."""
    return schema.add(plain.name, attribute("late", "string"))


def test_a_first_value_meets_a_stale_update(database: Database, late: LiveType, threads: ThreadPoolExecutor) -> None:
    """A slot taken between an update's guard and its row lock: the update begins again and knows the value."""
    _first_value_meanwhile(database, late, threads)


def test_an_update_that_does_not_look_again(
    database: Database, late: LiveType, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the catalog version in the statement that writes, the same update forgets the value's words."""
    made, here = statements.update, threading.get_ident()
    version = Schema(Engine(database)).live(late.name).version

    def blind(table: int, columns: statements.Columns) -> str:
        sql = made(table, columns)
        if threading.get_ident() == here:
            return sql
        sql, replaced = re.subn(r"SELECT eav_version\.version.*\Z", f"SELECT {version}::bigint", sql, flags=re.DOTALL)
        assert replaced == 1
        return sql

    monkeypatch.setattr(statements, "update", blind)
    with pytest.raises(AssertionError):
        _first_value_meanwhile(database, late, threads)


def test_a_further_bank_meets_a_stale_archiving(
    database: Database, engine: Engine, schema: Schema, make_type: Callable[..., LiveType], threads: ThreadPoolExecutor
) -> None:
    """An archiving that knows one bank waits for a row; meanwhile the other row gets a value in a second bank."""
    live = make_type(attribute("first", "string"), attribute("late", "string"), pool=(1, 1, 1, 1))
    one, two = (made.id for made in create(engine, live.name, {"first": "one"}, {"first": "two"}))
    stale = Engine(database)
    stale.catalog.refresh()
    with database.transaction() as connection:
        connection.row(f"select id from {table_name(live.table)} where id = {one} for update")
        archiving = threads.submit(stale.writes.archive, live.name, [Ref(one), Ref(two)], CONTEXT)
        until_blocked(database)
        engine.writes.update(live.name, [Update(Ref(two), {"late": "words"})], CONTEXT, IDS)
    assert archiving.result() == [one, two]
    held_exactly(engine, live.name, {})
    engine.writes.restore(live.name, two, CONTEXT, IDS)
    held_exactly(engine, live.name, {two: (4, {"first": "two", "late": "words"})})


def test_stale_catalogs_are_noticed(database: Database, engine: Engine, schema: Schema, plain: LiveType) -> None:
    """What another process defined is usable at once, by any name, for every kind of request."""
    name = plain.name
    other = Engine(database)
    other.catalog.refresh()
    schema.add(name, attribute("fresh", "enumeration", unique=True), attribute("size", "number"))
    (made,) = create(other, name, {"The fresh": "new"})
    other = Engine(database)
    other.catalog.refresh()
    schema.add(name, attribute("fresher", "string", unique=True))
    assert found(other, name, Condition("fresher", Operator.NOT_HAS))
    again = Engine(database)
    again.catalog.refresh()
    schema.add(name, attribute("freshest", "string", unique=True))
    assert again.reads.read(name, [Ref(attribute="freshest_w", value="x")], IDS) == [None]
    late_option = Engine(database)
    late_option.catalog.refresh()
    schema.offer(name, "fresh", (OptionDef("brand_new", "Brand new"),))
    create(late_option, name, {"fresh": "brand_new"})
    assert late_option.reads.read(name, [Ref(made.id)], View("text", ("fresh",)))[0].values["fresh_w"] == "new"
