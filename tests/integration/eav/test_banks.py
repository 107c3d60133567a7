"""Slots, further banks and the provisioner: nothing shows where a value lives, and nothing waits for an index."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.filters import And, Condition, Not, Operator
from shared.eav.install import install
from shared.eav.requests import Draft, Ref, Sort, Update
from shared.eav.slots import provision
from shared.eav.tables import SPARE_INDEXES, table_name
from shared.kernel import json
from shared.kernel.db import Database
from tests.factories.asking import CONTEXT, create, found, typed
from tests.factories.audit import Expected, audit
from tests.factories.kinds import RAW, attribute, entity_type, every_kind
from tests.factories.schema import Schema

SMALL = (2, 2, 1, 1)


@pytest.fixture
def spread(engine: Engine, make_type: Callable[..., LiveType]) -> LiveType:
    """A type with three attributes of every kind, which fill several banks."""
    twins = [attribute(f"{kind.name}{n}", kind.kind) for kind in every_kind() for n in (2, 3)]
    return make_type(*every_kind(), *twins, pool=SMALL)


def filled(number: int) -> dict[str, object]:
    """A value for everything."""
    return {
        f"{kind}{n}": raws[(number + i) % len(raws)] for kind, raws in RAW.items() for i, n in enumerate(("", 2, 3))
    }


def test_life_across_banks(engine: Engine, database: Database, spread: LiveType) -> None:
    """Create, read, find, sort, change, clear, archive and restore entities whose values lie in many tables."""
    name = spread.name
    drafts = [filled(n) for n in range(4)] + [{"string": "only here"}, {"date3": "2024-02-29"}, {}]
    ids = [one.id for one in create(engine, name, *drafts)]
    live = engine.catalog.type(name)
    assert live.banks >= 6
    assert {live.attributes[f"date{n}"].bank for n in ("", 2, 3)} != {1}
    held = {ident: typed(live, draft) for ident, draft in zip(ids, drafts, strict=True)}
    versions = dict.fromkeys(ids, 1)

    def check() -> None:
        with database.connect() as connection:
            expected = {one: Expected(versions[one], values) for one, values in held.items()}
            audit(connection, engine.catalog.type(name), expected)

    check()
    late = Condition("date3", Operator.EQ, ("2024-02-29",))
    assert ids[5] in found(engine, name, late)
    both = And((Condition("string", Operator.HAS), Not(Condition("date3", Operator.HAS))))
    assert found(engine, name, both) == [ids[4]]
    by_late = found(engine, name, None, Sort("date3", True), Sort("number3"))
    assert set(by_late[-2:]) == {ids[4], ids[6]}
    changes = [
        Update(Ref(ids[0]), {"date3": None, "number3": None}),
        Update(Ref(ids[4]), {"date3": "1999-01-01", "reference3": 7}),
        Update(Ref(ids[6]), {"multi_enumeration": ["new"], "long_text": "words", "number2": 2}),
    ]
    engine.writes.update(name, changes, CONTEXT, View())
    for one in changes:
        ident = one.ref.id or 0
        versions[ident] += 1
        gone = {key: value for key, value in one.values.items() if value is None}
        held[ident] |= typed(live, {key: value for key, value in one.values.items() if value is not None})
        held[ident] = {key: value for key, value in held[ident].items() if live.by_id[key].name not in gone}
    check()
    everything = View("json", tuple(live.stored))
    before = engine.reads.read(name, [Ref(one) for one in ids], everything)
    engine.writes.archive(name, [Ref(one) for one in ids], CONTEXT)
    kept, held = held, {}
    check()
    put_aside = engine.reads.read(name, [Ref(one) for one in ids], everything, archived=True)
    for one, aside in zip(before, put_aside, strict=True):
        assert one
        assert aside
        shown = {**one.values, "updated_at": aside.updated_at}
        assert json.dumps(aside.values) == json.dumps(shown)
    for one in ids:
        engine.writes.restore(name, one, CONTEXT, everything)
        versions[one] += 2
    held = kept
    check()


def test_a_further_bank_is_made_once(engine: Engine, make_type: Callable[..., LiveType]) -> None:
    """Sixteen writers that all find the pool empty make one bank between them."""
    names = [f"text{n}" for n in range(4)]
    live = make_type(*(attribute(one, "string") for one in names), pool=SMALL)
    create(engine, live.name, {"text0": "a", "text1": "b"})
    engines = [Engine(engine.database) for _ in range(16)]

    def write(n: int) -> None:
        create(engines[n], live.name, {names[2 + n % 2]: f"value {n}"})

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(write, range(16)))
    engine.catalog.refresh()
    live = engine.catalog.type(live.name)
    assert live.banks == 2
    assert {live.attributes[one].bank for one in names[2:]} == {2}


def test_a_slot_without_an_index_works(engine: Engine, schema: Schema, make_type: Callable[..., LiveType]) -> None:
    """Beyond the spare ones slots have no index at first: they say so, work, and the provisioner builds it."""
    count = SPARE_INDEXES + 3
    live = make_type(*(attribute(f"number{n}", "number") for n in range(count)), pool=(6, 6, 6, count + 8))
    ids = [one.id for one in create(engine, live.name, *({f"number{n}": i for n in range(count)} for i in range(5)))]
    live = schema.live(live.name)
    late = [one for one in live.attributes.values() if not one.indexed]
    assert len(late) == 3
    assert live.attributes["number0"].indexed

    def use() -> None:
        for one in (live.attributes["number0"], *late):
            query = Condition(one.name, Operator.GTE, (3,))
            assert found(engine, live.name, query, Sort(one.name, True)) == ids[:2:-1]

    use()
    names = [f"{table_name(live.table)}_{one.column}" for one in late]
    assert not any(_has_index(engine.database, one) for one in names)
    assert set(names) <= set(provision(engine.database))
    assert all(_has_index(engine.database, one) for one in names)
    assert all(schema.live(live.name).attributes[one.name].indexed for one in late)
    use()
    with engine.database.connect() as connection:
        row = connection.row(
            "select count(*) from eav_slot where table_number = %(n)s and family = 'n' and state = 'free' and indexed",
            {"n": live.table},
        )
    assert row == (SPARE_INDEXES,)
    assert provision(engine.database) == []


def _has_index(database: Database, name: str) -> bool:
    with database.connect() as connection:
        sql = "select indisvalid from pg_index where indexrelid = to_regclass(%(name)s)"
        return connection.row(sql, {"name": name}) == (True,)


def test_the_provisioner_beside_writers_and_its_like(new_database: Callable[[], str]) -> None:
    """Several provisioners at once, while entities are written: indexes, banks and spare tables, each made once."""
    database = Database(new_database(), pool_size=20)
    install(database, [entity_type("thing", *(attribute(f"n{n}", "number") for n in range(12)), pool=(4, 4, 4, 12))])
    engine = Engine(database)
    create(engine, "thing", {f"n{n}": 1 for n in range(12)})
    spare = (3, 3, 3, 3)

    def write(n: int) -> None:
        create(Engine(database), "thing", {f"n{n % 12}": n})

    def prepare(_: int) -> list[str]:
        return provision(database, spare)

    with ThreadPoolExecutor(8) as threads:
        rounds = [threads.submit(prepare, n) for n in range(3)]
        list(threads.map(write, range(60)))
        made = [name for one in rounds for name in one.result()]
    made += provision(database, spare)
    assert len(made) == len(set(made))
    assert sum(one.startswith("spare table") for one in made) == 2
    assert sum(one.startswith("bank") for one in made) == 1
    assert provision(database, spare) == []
    with database.connect() as connection:
        assert connection.row("select count(*) from pg_index where not indisvalid") == (0,)
        used = "select count(*) from eav_slot where state = 'used' and not indexed"
        assert connection.row(used) == (0,)
    assert len(engine.reads.list("thing", View(), limit=100)[0]) == 61
    database.dispose()


def test_a_custom_type_takes_a_spare_table(new_database: Callable[[], str]) -> None:
    database = Database(new_database())
    install(database)
    provision(database, SMALL)
    schema = Schema(Engine(database))
    live = schema.add_type(entity_type("boat", attribute("sails", "number"), pool=SMALL))
    assert live.table <= 2
    assert create(schema.engine, "boat", {"sails": 3})
    assert len(provision(database, SMALL)) >= 1
    none = schema.add_type(entity_type("raft", attribute("logs", "number"), pool=(1, 1, 1, 0)))
    with pytest.raises(RuntimeError, match="no slots"):
        schema.engine.writes.create(none.name, [Draft({"logs": 3})], CONTEXT, View())
    database.dispose()
