"""The read classes: what is asked of the engine, and the same question to the native table and the naive schema.

A case draws its parameters anew for every set: from the selectivities, or from an entity picked at random, so that no
query answers nothing. Lists answer whole entities, 50 and one more that tells whether there is a next page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from benchmarks import naive
from benchmarks.people import ACTIVE_SHARE, SELECTIVITIES, segment, window
from benchmarks.rigs import COLUMNS, NAMES, SHOWN, Rig, seen, seen_native
from shared.eav.filters import And, Condition, Node, Operator
from shared.eav.query.counting import count
from shared.eav.query.sorting import Sort
from shared.eav.requests import Query, Ref

Op = Operator
Params = dict[str, Any]
NEWEST = (Sort("last_seen_at", True),)


@dataclass(frozen=True)
class Question:
    """One question to all designs; `answer` of the engine, SQL for the others."""

    engine: Callable[[], Any]
    native: str
    params: Params
    naive: str = ""
    prepare: bool = False
    scalar: bool = False


@dataclass(frozen=True)
class Case:
    """A class of queries with the ratio to the native table that it is meant to keep."""

    name: str
    target: float | None
    draw: Callable[[Rig, Random], Question]


def _ids(condition: str, order: str, value: str = "") -> str:
    """The ids of the naive schema's first 51 in an order of `order`."""
    sort = (
        f"join naive_value o on o.entity_id = e.id and o.attribute_id = "
        f"(select id from naive_attribute where name = '{value}')"
        if value
        else ""
    )
    inner = f"select e.id from naive_entity e {sort} where {condition} order by {order} limit 51"
    return f"select id, row_number() over () from ({inner}) ordered(id)"


def _list(
    rig: Rig, node: Node, sorts: tuple[Sort, ...], where: str, order: str, params: Params, slow: str = ""
) -> Question:
    query = Query(node, sorts=sorts, limit=50, offset=None, total="none")
    native = f"select {COLUMNS} from native where {where} order by {order} limit 51"
    naive_sql = naive.ENTITIES.format(ids=slow) if slow else ""
    return Question(lambda: rig.engine.reads.query("contact", query, SHOWN), native, params, naive_sql)


def _count(rig: Rig, node: Node, native: str, params: Params, slow: str) -> Question:
    live = rig.live

    def ask() -> int:
        checked = rig.engine.reads.check("contact", node)
        with rig.engine.database.connect() as connection:
            return count(connection, live, checked)

    return Question(ask, native, params, slow, scalar=True)


def somebody(rig: Rig, rng: Random, condition: str = "true") -> dict[str, Any]:
    """A random contact for which the condition holds, by column."""
    for _ in range(1000):
        rows = rig.native.rows(
            f"select {COLUMNS} from native where id >= %(id)s and {condition} order by id limit 1",
            {"id": rng.randrange(*_range(rig))},
        )
        if rows:
            return dict(zip(("id", "version", "created_at", "updated_at", *NAMES), rows[0], strict=True))
    raise RuntimeError(f"nobody has {condition}")


def _range(rig: Rig) -> tuple[int, int]:
    row = rig.native.row("select min(id), max(id) + 1 from native")
    assert row is not None
    return row[0], row[1]


def _point(rig: Rig, rng: Random) -> Question:
    who = somebody(rig, rng)["id"]
    slow = naive.ENTITIES.format(ids="select %(id)s::bigint, 1")
    return Question(
        lambda: rig.engine.reads.read("contact", [Ref(who)], SHOWN),
        f"select {COLUMNS} from native where id = %(id)s",
        {"id": who},
        slow,
        prepare=True,
    )


def _hundred(rig: Rig, rng: Random) -> Question:
    ids = sorted(somebody(rig, rng)["id"] for _ in range(100))
    return Question(
        lambda: rig.engine.reads.read("contact", [Ref(one) for one in dict.fromkeys(ids)], SHOWN),
        f"select {COLUMNS} from native where id = any(%(ids)s) order by id",
        {"ids": ids},
        naive.ENTITIES.format(ids="select distinct i, i from unnest(%(ids)s::bigint[]) u(i)"),
        prepare=True,
    )


def _email(rig: Rig, rng: Random) -> Question:
    params = {"v": somebody(rig, rng)["email"]}
    slow = _ids(naive.one("email", "v", "v.value = %(v)s"), "e.id")
    return _list(rig, Condition("email", Op.EQ, (params["v"],)), (), "email = %(v)s", "id", params, slow)


def _unique(rig: Rig, rng: Random) -> Question:
    mail = somebody(rig, rng)["email"]
    return Question(
        lambda: rig.engine.reads.read("contact", [Ref(attribute="email", value=mail)], SHOWN),
        f"select {COLUMNS} from native where email = %(v)s",
        {"v": mail},
        prepare=True,
    )


def _newest_of(selectivity: int) -> Callable[[Rig, Random], Question]:
    def draw(rig: Rig, rng: Random) -> Question:
        value = segment(rng, selectivity)
        slow = _ids(naive.one("segment", "v", "v.value = %(v)s"), "o.value desc, e.id desc", "last_seen_at")
        node = Condition("segment", Op.EQ, (value,))
        return _list(rig, node, NEWEST, "segment = %(v)s", "last_seen_at desc, id desc", {"v": value}, slow)

    return draw


def _deep(rig: Rig, rng: Random) -> Question:
    value = segment(rng, 50)
    depth = rng.randrange(1000, 40_000) * _size(rig) // 200_000
    node = Condition("segment", Op.EQ, (value,))
    before = Query(node, sorts=NEWEST, limit=1, offset=depth, total="none")
    page = rig.engine.reads.query("contact", before, SHOWN)
    last = page.entities[0]
    params = {"v": value, "at": last.values["last_seen_at"], "id": last.id}
    after = Query(node, sorts=NEWEST, limit=50, offset=None, cursor=page.next_cursor, total="none")
    where = "segment = %(v)s and (last_seen_at, id) < (%(at)s::timestamp, %(id)s)"
    behind = f"{naive.one('segment', 'v', 'v.value = %(v)s')} and (o.value, e.id) < (%(at)s, %(id)s)"
    return Question(
        lambda: rig.engine.reads.query("contact", after, SHOWN),
        f"select {COLUMNS} from native where {where} order by last_seen_at desc, id desc limit 51",
        params,
        naive.ENTITIES.format(ids=_ids(behind, "o.value desc, e.id desc", "last_seen_at")),
    )


def _size(rig: Rig) -> int:
    low, high = _range(rig)
    return high - low


def _three(rig: Rig, rng: Random) -> Question:
    who = somebody(rig, rng, "agent is not null")
    params = {"s": who["segment"], "a": who["agent"], "lo": who["contract_value"] / 2, "hi": who["contract_value"] * 2}
    node = And(
        (
            Condition("contract_value", Op.BETWEEN, (str(params["lo"]), str(params["hi"]))),
            Condition("segment", Op.EQ, (params["s"],)),
            Condition("agent", Op.EQ, (str(params["a"]),)),
        )
    )
    conditions = (
        naive.one("segment", "v", "v.value = %(s)s"),
        naive.one("agent", "w", "w.value = %(a)s::text"),
        naive.one("contract_value", "x", "x.value::numeric between %(lo)s and %(hi)s"),
    )
    slow = _ids(" and ".join(conditions), "o.value desc, e.id desc", "last_seen_at")
    where = "contract_value between %(lo)s and %(hi)s and segment = %(s)s and agent = %(a)s"
    return _list(rig, node, NEWEST, where, "last_seen_at desc, id desc", params, slow)


def _rare(rig: Rig, rng: Random) -> Question:
    who = somebody(rig, rng)
    params = {"c": who["city"], "t": who["tier"], "l": who["lifecycle_stage"]}
    names = {"c": "city", "t": "tier", "l": "lifecycle_stage"}
    node = And(tuple(Condition(name, Op.EQ, (params[key],)) for key, name in names.items()))
    slow = _ids(" and ".join(naive.one(name, key, f"{key}.value = %({key})s") for key, name in names.items()), "e.id")
    where = " and ".join(f"{name} = %({key})s" for key, name in names.items())
    return _list(rig, node, (), where, "id", params, slow)


def _count_equal(selectivity: int) -> Callable[[Rig, Random], Question]:
    def draw(rig: Rig, rng: Random) -> Question:
        value = segment(rng, selectivity)
        slow = _naive_count("segment", "value = %(v)s")
        native = "select count(*) from native where segment = %(v)s"
        return _count(rig, Condition("segment", Op.EQ, (value,)), native, {"v": value}, slow)

    return draw


def _naive_count(name: str, condition: str) -> str:
    named = f"(select id from naive_attribute where name = '{name}')"
    return f"select count(*) from naive_value where attribute_id = {named} and {condition}"


def _count_two(rig: Rig, rng: Random) -> Question:
    who = somebody(rig, rng, "agent is not null")
    params = {"s": who["segment"], "l": who["lifecycle_stage"]}
    node = And((Condition("segment", Op.EQ, (params["s"],)), Condition("lifecycle_stage", Op.EQ, (params["l"],))))
    native = "select count(*) from native where segment = %(s)s and lifecycle_stage = %(l)s"
    both = [naive.one("segment", "v", "v.value = %(s)s"), naive.one("lifecycle_stage", "w", "w.value = %(l)s")]
    return _count(rig, node, native, params, f"select count(*) from naive_entity e where {' and '.join(both)}")


def _count_range(selectivity: int) -> Callable[[Rig, Random], Question]:
    def draw(rig: Rig, rng: Random) -> Question:
        low, high = window(rng, selectivity / 100)
        node = Condition("rating", Op.BETWEEN, (low, high))
        native = "select count(*) from native where rating between %(lo)s and %(hi)s"
        slow = _naive_count("rating", "value::numeric between %(lo)s and %(hi)s")
        return _count(rig, node, native, {"lo": Decimal(low), "hi": Decimal(high)}, slow)

    return draw


def _prefix(rig: Rig, rng: Random) -> Question:
    prefix = somebody(rig, rng)["account_code"][:6]
    params = {"p": prefix.lower() + "%"}
    slow = _ids(naive.one("account_code", "v", "lower(v.value) like %(p)s"), "lower(o.value), e.id", "account_code")
    folded = 'lower(account_code) collate "C"'
    sorts = (Sort("account_code"),)
    node = Condition("account_code", Op.STARTS_WITH, (prefix,))
    return _list(rig, node, sorts, f"{folded} like %(p)s", f"{folded}, id", params, slow)


def _substring(rig: Rig, rng: Random) -> Question:
    while True:
        words = [one for one in somebody(rig, rng)["company"].split() if one.isascii() and one.isalpha()]
        words = [one for one in words if len(one) > 5 and "ss" not in one.lower()]
        if words:
            break
    part = rng.choice(words).lower()[1:-1]
    params = {"p": f"%{part}%"}
    slow = _ids(naive.one("company", "v", "v.value ilike %(p)s"), "e.id")
    node = Condition("company", Op.CONTAINS_TOKEN, (f"*{part}*",))
    return _list(rig, node, (), "company ilike %(p)s", "id", params, slow)


def _not_set(rig: Rig, rng: Random) -> Question:
    slow = _ids(f"not {naive.one('renewal_on', 'v')}", "o.value desc, e.id desc", "last_seen_at")
    node = Condition("renewal_on", Op.NOT_HAS)
    return _list(rig, node, NEWEST, "renewal_on is null", "last_seen_at desc, id desc", {}, slow)


def _count_not_set(rig: Rig, rng: Random) -> Question:
    name = rng.choice(("renewal_on", "agent"))
    slow = f"select count(*) from naive_entity e where not {naive.one(name, 'v')}"
    return _count(rig, Condition(name, Op.NOT_HAS), f"select count(*) from native where {name} is null", {}, slow)


def _not_equal(rig: Rig, rng: Random) -> Question:
    value = segment(rng, rng.choice(SELECTIVITIES))
    order = "contract_value desc, id desc"
    slow = _ids(naive.one("segment", "v", "v.value <> %(v)s"), "o.value::numeric desc, e.id desc", "contract_value")
    node = Condition("segment", Op.NEQ, (value,))
    return _list(rig, node, (Sort("contract_value", True),), "segment <> %(v)s", order, {"v": value}, slow)


def _count_not_equal(rig: Rig, rng: Random) -> Question:
    value = segment(rng, rng.choice(SELECTIVITIES))
    slow = _naive_count("segment", "value <> %(v)s")
    native = "select count(*) from native where segment <> %(v)s"
    return _count(rig, Condition("segment", Op.NEQ, (value,)), native, {"v": value}, slow)


CASES = (
    Case("q1 read by id", 1.1, _point),
    Case("q2 100 by ids", 1.5, _hundred),
    Case("q3 e-mail =, as a filter", 1.8, _email),
    Case("q3 by unique e-mail, prepared", 1.8, _unique),
    *(Case(f"q4 enum {one} % + date desc, 50", 1.5, _newest_of(one)) for one in SELECTIVITIES),
    Case("q4 same, keyset, deep", 2.0, _deep),
    Case("q5 range + enum + agent, sorted", 1.5, _three),
    Case("q6 rare, 3 predicates", 1.3, _rare),
    *(Case(f"q7 count enum {one} %", 1.15, _count_equal(one)) for one in SELECTIVITIES),
    Case("q7 count 2 predicates", 1.25, _count_two),
    *(Case(f"q7 count range {one} %", 1.15, _count_range(one)) for one in SELECTIVITIES),
    Case("q9 prefix, sorted", 1.6, _prefix),
    Case("q9 part of a word", 2.2, _substring),
    Case("q10 not set, sorted 50", 1.4, _not_set),
    Case("q10 count not set", 6.0, _count_not_set),
    Case("q10 <>, sorted 50", 2.0, _not_equal),
    Case("q10 count <>", 1.05, _count_not_equal),
)
assert 0 < ACTIVE_SHARE < 1


def answers(rig: Rig, question: Question, found: Any) -> Any:
    """The engine's answer in the form of comparison."""
    if question.scalar:
        return found
    return seen(rig.live, found if isinstance(found, list) else found.entities)


def native_answers(question: Question, rows: list[tuple[Any, ...]]) -> Any:
    """The native table's answer likewise (a page shows 50 of the 51)."""
    return rows[0][0] if question.scalar else seen_native(rows[:50] if question.native.endswith("51") else rows)


def naive_answers(question: Question, rows: list[tuple[Any, ...]]) -> Any:
    """The naive schema's answer likewise."""
    return rows[0][0] if question.scalar else [(row[0], row[1]) for row in (rows[:50] if len(rows) == 51 else rows)]
