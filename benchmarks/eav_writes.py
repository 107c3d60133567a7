"""The write classes: one entity inserted, one updated with history, many at once, by the engine and by its rivals.

`N` has 12 indexed columns and a trigram index, `N20` every column: the engine indexes every attribute, keeps unique
keys and search documents, hashes the row, checks the catalog's version and writes in a transaction of its own. `N20+h`
also writes a history row per update. All are asked for the same changes, one after the other, in blocks.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from benchmarks.people import NAMES, newcomer, segment
from benchmarks.rigs import Rig
from benchmarks.server import Meter
from benchmarks.tables import show
from shared.eav.entity import View
from shared.eav.requests import Draft, Ref, Update
from shared.kernel import json
from shared.kernel.context import Context
from shared.kernel.db import Connection

BLOCK = 20
BULK = 500
NOTHING = View("text", ())
_MARKS = ", ".join(f"%({name})s" for name in NAMES)
_HISTORY = """create table if not exists native_history(entity_id bigint not null, version int not null,
    at timestamp not null default timezone('utc', clock_timestamp()), actor text not null, changed jsonb not null)"""
_WITH_HISTORY = """
with old as (select id, version, contract_value, segment from native20 where id = %(id)s for update),
changed as (update native20 n set contract_value = %(contract_value)s::numeric + 1, segment = %(segment)s,
    version = n.version + 1, updated_at = timezone('utc', clock_timestamp()) from old where n.id = old.id)
insert into native_history(entity_id, version, actor, changed) select id, version + 1, 'bench', jsonb_build_object(
    'contract_value', jsonb_build_array(contract_value::text, %(contract_value)s::text),
    'segment', jsonb_build_array(segment, %(segment)s::text)) from old
"""
_NAIVE_INSERT = """
with e as (insert into naive_entity default values returning id)
insert into naive_value select e.id, a.id, g.value from e
cross join unnest(%(names)s::text[], %(values)s::text[]) g(name, value) join naive_attribute a on a.name = g.name
"""
_NAIVE_UPDATE = """
update naive_value v set value = g.value from unnest(%(names)s::text[], %(values)s::text[]) g(name, value)
join naive_attribute a on a.name = g.name where v.entity_id = %(id)s and v.attribute_id = a.id
"""
Write = Callable[[Sequence[dict[str, Any]]], Any]


def run(rig: Rig, rounds: int, seed: int) -> int:
    """Measure and print all three classes; how many written entities differ between engine and native table."""
    rng = Random(seed)
    rig.native.run(_HISTORY)
    wrong = _inserts(rig, rng, rounds) + _updates(rig, rng, rounds)
    _bulk(rig, rng, max(3, rounds // 5))
    return wrong


def _insert_native(connection: Connection, table: str) -> Write:
    sql = f"insert into {table}({', '.join(NAMES)}) values ({_MARKS}) returning id"
    return lambda people: [connection.rows(sql, one, prepare=True) for one in people]


def _naive_insert(connection: Connection) -> Write:
    return lambda people: [
        connection.run(_NAIVE_INSERT, {"names": list(one), "values": list(one.values())}, prepare=True)
        for one in people
    ]


def _blocks(designs: dict[str, tuple[Meter, Write]], draw: Callable[[], list[Any]], rounds: int) -> dict[str, float]:
    """The median CPU milliseconds per entity of each design; all get the same blocks, in turn."""
    costs: dict[str, list[float]] = {name: [] for name in designs}
    for number in range(rounds + 2):
        block = draw()
        for name, (meter, write) in designs.items():
            before = meter.read()
            write(block)
            if number > 1:
                costs[name].append((meter.read() - before) / len(block))
    return {name: statistics.median(found) for name, found in costs.items()}


def _inserts(rig: Rig, rng: Random, rounds: int) -> int:
    people = [newcomer(rng, f"w1.{rng.randrange(10**12)}") for _ in range((rounds + 2) * BLOCK)]
    left = iter(people)
    create = rig.engine.writes.create
    found = _blocks(
        {
            "N": (rig.native_meter, _insert_native(rig.native, "native")),
            "N20": (rig.native_meter, _insert_native(rig.native, "native20")),
            "engine": (rig.engine_meter, lambda b: [create("contact", [Draft(one)], Context(), NOTHING) for one in b]),
            "naive": (rig.naive_meter, _naive_insert(rig.naive)),
        },
        lambda: [next(left) for _ in range(BLOCK)],
        rounds,
    )
    _show("w1 insert one, server CPU", found, {"N": 1.9, "N20": 1.25})
    return _differ(rig, [one["email"] for one in people])


def _updates(rig: Rig, rng: Random, rounds: int) -> int:
    row = rig.native.row("select min(id), max(id) from native where email not like 'newcomer%%'")
    assert row is not None
    ids = [
        one
        for (one,) in rig.native.rows(
            "select id from native where id between %(a)s and %(b)s", dict(zip("ab", row, strict=True))
        )
    ]
    update = rig.engine.writes.update

    def draw() -> list[dict[str, Any]]:
        return [
            {"id": one, "contract_value": f"{rng.random() * 10**5:.2f}", "segment": segment(rng, rng.choice((1, 10)))}
            for one in rng.sample(ids, BLOCK)
        ]

    def native(connection: Connection, sql: str) -> Write:
        return lambda block: [connection.run(sql, one, prepare=True) for one in block]

    def values(one: dict[str, Any]) -> dict[str, Any]:
        return {name: one[name] for name in ("contract_value", "segment")}

    plain = (
        "update {} set contract_value = %(contract_value)s, segment = %(segment)s, version = version + 1,"
        " updated_at = timezone('utc', clock_timestamp()) where id = %(id)s"
    )
    found = _blocks(
        {
            "N": (rig.native_meter, native(rig.native, plain.format("native"))),
            "N20": (rig.native_meter, native(rig.native, plain.format("native20"))),
            "N20+h": (rig.native_meter, native(rig.native, _WITH_HISTORY)),
            "engine": (
                rig.engine_meter,
                lambda b: [update("contact", [Update(Ref(one["id"]), values(one))], Context(), NOTHING) for one in b],
            ),
            "naive": (
                rig.naive_meter,
                lambda b: [
                    rig.naive.run(
                        _NAIVE_UPDATE,
                        {"id": one["id"], "names": list(values(one)), "values": list(values(one).values())},
                        prepare=True,
                    )
                    for one in b
                ],
            ),
        },
        draw,
        rounds,
    )
    _show("w2 update two attributes with history, server CPU", found, {"N": 1.5, "N20": 1.0})
    return 0


def _bulk(rig: Rig, rng: Random, rounds: int) -> None:
    people = [newcomer(rng, f"w3.{rng.randrange(10**12)}") for _ in range((rounds + 2) * BULK)]
    left = iter(people)
    clocks = {"N": 0.0, "N20": 0.0, "engine": 0.0, "naive": 0.0}
    arrays = ", ".join(f"%({name})s::{_array(name)}[]" for name in NAMES)

    def timed(name: str, write: Write) -> Write:
        def work(block: Sequence[dict[str, Any]]) -> None:
            started = time.perf_counter()
            write(block)
            clocks[name] += time.perf_counter() - started

        return work

    def native(table: str) -> Write:
        sql = f"insert into {table}({', '.join(NAMES)}) select * from unnest({arrays})"
        return lambda block: rig.native.run(sql, {name: [one[name] for one in block] for name in NAMES})

    def slow(block: Sequence[dict[str, Any]]) -> None:
        rig.naive.run(
            f"""with e as (insert into naive_entity select nextval('naive_entity_id')
                from generate_series(1, {len(block)}) returning id), n as (select id, row_number() over () place from e)
            insert into naive_value select n.id, a.id, g.value from unnest(%(p)s::int[], %(n)s::text[], %(v)s::text[])
                g(place, name, value) join n using (place) join naive_attribute a on a.name = g.name""",
            {
                "p": [number for number, one in enumerate(block, 1) for _ in one],
                "n": [name for one in block for name in one],
                "v": [value for one in block for value in one.values()],
            },
        )

    create = rig.engine.writes.create
    found = _blocks(
        {
            "N": (rig.native_meter, timed("N", native("native"))),
            "N20": (rig.native_meter, timed("N20", native("native20"))),
            "engine": (
                rig.engine_meter,
                timed("engine", lambda b: create("contact", [Draft(one) for one in b], Context(), NOTHING)),
            ),
            "naive": (rig.naive_meter, timed("naive", slow)),
        },
        lambda: [next(left) for _ in range(BULK)],
        rounds,
    )
    _show(f"w3 insert {BULK} per call, server CPU", found, {"N": 2.3, "N20": 1.5})
    rates = {name: (rounds + 2) * BULK / seconds for name, seconds in clocks.items()}
    print("entities/s with the client's work: " + ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items()))


def _array(name: str) -> str:
    kinds = {"contract_value": "numeric", "rating": "numeric", "agent": "numeric", "renewal_on": "date"}
    return {**kinds, "last_seen_at": "timestamp", "active": "boolean"}.get(name, "text")


def _show(title: str, found: dict[str, float], targets: dict[str, float]) -> None:
    rows = []
    for rival in (name for name in found if name not in ("engine", "naive")):
        ratio, target = found["engine"] / found[rival], targets.get(rival)
        met = "-" if target is None else "yes" if ratio <= target else "NO"
        naive_ratio = f"{found['naive'] / found[rival]:.2f}"
        rows.append((rival, f"{found[rival]:.3f}", f"{ratio:.2f}", target or "-", met, naive_ratio))
    show(title, ("against", "ms", "engine", "target", "met", "naive"), rows)


def _differ(rig: Rig, mails: list[str]) -> int:
    """How many of these contacts the engine and the native table show differently."""
    shown = View("json", NAMES)
    found = rig.engine.reads.read("contact", [Ref(attribute="email", value=one) for one in mails], shown)
    ours = {one.values["email"]: json.loads(json.dumps(one.values)) for one in found if one is not None}
    rows = rig.native.rows(
        "select email, account_code, segment, contract_value::float, active from native where email = any(%(m)s)",
        {"m": mails},
    )
    names = ("email", "account_code", "segment", "contract_value", "active")
    return sum(row != tuple(ours.get(row[0], {}).get(name) for name in names) for row in rows) + len(mails) - len(rows)
