"""Orders and pages: missing values last, every way of paging the same, nothing lost or repeated beside other writes."""

from __future__ import annotations

import base64
import json
import random
import threading
from collections.abc import Callable, Sequence

import pytest

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.filters import Condition, Not, Operator
from shared.eav.query import page as paging
from shared.eav.requests import Draft, Query, Ref, Sort, Update
from shared.eav.types import kind_of
from shared.kernel.errors import Invalid
from tests.factories.asking import ALL, CONTEXT, IDS, Memory, create, found, typed, walk
from tests.factories.kinds import RAW, attribute

KINDS = ("string", "number", "boolean", "date", "datetime", "enumeration", "email", "reference")
SORTS: tuple[tuple[Sort, ...], ...] = (
    (),
    (Sort("string"),),
    (Sort("string", True),),
    (Sort("number"),),
    (Sort("number", True), Sort("string")),
    (Sort("boolean"), Sort("number", True), Sort("string", True)),
    (Sort("enumeration", True), Sort("date"), Sort("reference", True)),
    (Sort("date"), Sort("datetime", True)),
    (Sort("email", True), Sort("boolean")),
    (Sort("id", True),),
    (Sort("created_at", True), Sort("string")),
    (Sort("boolean", True), Sort("id", True), Sort("string")),
    (Sort("boolean"), Sort("never", True), Sort("string"), Sort("never")),
    (Sort("updated_at"), Sort("number")),
)
FILTERS = (
    None,
    Condition("number", Operator.HAS),
    Not(Condition("string", Operator.STARTS_WITH, ("a",))),
    Condition("boolean", Operator.EQ, (True,)),
    Condition("enumeration", Operator.NOT_IN, ("done", "new")),
)


@pytest.fixture(scope="module", params=[(8, 8, 4, 4), (1, 1, 1, 1)], ids=["one bank", "several banks"])
def sorted_type(request: pytest.FixtureRequest, engine: Engine, make_type: Callable[..., LiveType]) -> tuple[str, dict]:
    """Entities of which every attribute is sometimes missing, with many equal values; and their slot values."""
    live = make_type(*(attribute(kind, kind) for kind in KINDS), attribute("never", "string"), pool=request.param)
    pick = random.Random(7)
    drafts = [
        {kind: pick.choice(RAW[kind][:5]) for kind in KINDS if pick.random() < 0.6 and kind != "email"}
        | ({"email": f"{n % 9}@example.com"} if n % 3 else {})
        for n in range(90)
    ]
    made = [one for start in range(0, 90, 15) for one in create(engine, live.name, *drafts[start : start + 15])]
    live = engine.catalog.type(live.name)
    slots = {}
    for one, draft in zip(made, drafts, strict=True):
        values = typed(live, draft)
        slots[one.id] = {
            live.by_id[ident].name: kind_of(live.by_id[ident]).to_slot(value, live.by_id[ident])
            for ident, value in values.items()
        } | {"id": one.id, "created_at": one.created_at, "updated_at": one.updated_at}
    return live.name, slots


def ordered(slots: dict[int, dict], ids: Sequence[int], sorts: Sequence[Sort]) -> list[int]:
    """By stable sorts, last one first; missing last; ids in the first sort's direction (`never` orders nothing)."""
    real = [sort for sort in sorts if sort.attribute != "never"]
    result = sorted(ids, reverse=bool(real) and real[0].descending)
    for sort in reversed(real):
        valued = [one for one in result if sort.attribute in slots[one]]
        missing = [one for one in result if sort.attribute not in slots[one]]
        # reverse=True keeps equal ones in their order, too.
        valued.sort(key=lambda one: slots[one][sort.attribute], reverse=sort.descending)
        result = valued + missing
    return result


@pytest.mark.parametrize(
    "sorts", SORTS, ids=[",".join(("-" * s.descending) + s.attribute for s in one) for one in SORTS]
)
def test_orders_and_pages(engine: Engine, sorted_type: tuple[str, dict], sorts: tuple[Sort, ...]) -> None:
    """Whole, by cursor, by offset with and without memory, by cold jumps: always the same order."""
    name, slots = sorted_type
    place = SORTS.index(sorts)
    for node in (None, FILTERS[1 + place % 4]):
        whole = found(engine, name, node, *sorts)
        assert whole == ordered(slots, whole, sorts)
        warm = Engine(engine.database, walk=Memory())
        limit = 2 if place == 4 else 9
        for asked, offset in ((engine, None), (engine, 0), (warm, 0)):
            pages = walk(asked, name, Query(node, sorts=sorts, limit=limit, offset=offset, total="none"))
            assert [one.id for page in pages for one in page] == whole
        for offset in (1, limit, 44, len(whole) - 1, len(whole), 10**30):
            for asked in (engine, warm):
                page = asked.reads.query(name, Query(node, sorts=sorts, limit=3, offset=offset), IDS)
                assert [one.id for one in page.entities] == whole[offset:][:3]
                assert page.total == len(whole)


def test_a_walk_counts_once(engine: Engine, sorted_type: tuple[str, dict], monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of a walk reuse the total of the page before, but never an estimated one for an exact one."""
    name, slots = sorted_type
    monkeypatch.setattr(paging, "estimate", lambda *_: 7)
    asked = Engine(engine.database, walk=Memory())
    first = Query(sorts=(Sort("string"),), limit=5, offset=5, total="estimated")
    assert asked.reads.query(name, first, IDS).total == 7
    with engine.database.counted() as statements:
        for offset, counts in ((10, 1), (15, 0), (20, 0)):
            page = asked.reads.query(name, Query(sorts=first.sorts, limit=5, offset=offset), IDS)
            assert page.total == len(slots)
            assert sum("AS total" in one for one in statements) == counts
            statements.clear()


@pytest.mark.parametrize("descending", [False, True])
def test_cursors_beside_other_writes(engine: Engine, make_type: Callable[..., LiveType], descending: bool) -> None:
    """Entities that nobody touches appear once each, in order, while others come, change places and go."""
    live = make_type(attribute("rank", "number"), attribute("mark", "string"), pool=(1, 1, 1, 1))
    name = live.name
    untouched = [one.id for one in create(engine, name, *({"rank": n // 4} if n % 5 else {} for n in range(120)))]
    moving = [one.id for one in create(engine, name, *({"rank": n} for n in range(60)))]
    stop = threading.Event()
    failures: list[BaseException] = []

    def churn(seed: int) -> None:
        pick = random.Random(seed)
        own = Engine(engine.database)
        mine = moving[seed::2]
        try:
            while not stop.is_set():
                own.writes.create(name, [Draft({"rank": pick.randint(0, 30)})], CONTEXT, IDS)
                one = pick.choice(mine)
                rank = pick.choice([None, pick.randint(-1, 31)])
                own.writes.update(name, [Update(Ref(one), {"rank": rank})], CONTEXT, IDS)
                if len(mine) > 10 and pick.random() < 0.1:
                    own.writes.archive(name, [Ref(mine.pop())], CONTEXT)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=churn, args=(seed,)) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    try:
        query = Query(sorts=(Sort("rank", descending),), limit=7, offset=None, total="none")
        walks = [[one.id for page in walk(engine, name, query) for one in page] for _ in range(3)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    still = set(untouched)
    quiet = found(engine, name, Condition("id", Operator.IN, tuple(untouched)), Sort("rank", descending))
    for seen in walks:
        assert [one for one in seen if one in still] == quiet


def cursors(engine: Engine, name: str) -> tuple[Query, str]:
    """A query and the cursor of its second page."""
    query = Query(sorts=(Sort("number", True), Sort("string"), Sort("date")), limit=3, offset=None, total="none")
    cursor = engine.reads.query(name, query, IDS).next_cursor
    assert cursor is not None
    return query, cursor


def unpacked(cursor: str) -> list:
    """What a cursor holds."""
    return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))


def packed(content: object) -> str:
    """A cursor that holds this."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def ask(engine: Engine, name: str, query: Query, cursor: str) -> None:
    """The page behind a cursor."""
    engine.reads.query(name, Query(query.filter, sorts=query.sorts, limit=3, offset=None, cursor=cursor), IDS)


def test_bad_cursors(engine: Engine, sorted_type: tuple[str, dict]) -> None:
    """Whatever is not a cursor of this very query is refused as such, and never breaks anything."""
    name, _ = sorted_type
    query, cursor = cursors(engine, name)
    mark, phase, values, ident = unpacked(cursor)
    ask(engine, name, query, cursor)
    bad: list[str] = [
        "",
        "x",
        "é",
        "☃",
        "=" * 9,
        "A" * 100_000,
        cursor + "AA",
        "[]",
        packed({}),
        packed([]),
        packed(None),
    ]
    bad = bad[1:] + [cursor[:n] for n in range(1, len(cursor), 5)]
    bad += [
        packed([mark, phase, values]),
        packed([mark, phase, values, ident, 1]),
        packed([None, phase, values, ident]),
    ]
    bad += [packed([mark, one, values, ident]) for one in (-1, 9, 10**30, None, True, "0", 0.0, [0])]
    bad += [packed([mark, phase, values, one]) for one in (-1, 2**63, 10**30, None, "1", True, 1.0, [], {})]
    bad += [packed([mark, phase, one, ident]) for one in (None, 5, "abcd", {}, [], values[:1], [*values, None])]
    numbers = ("", "x", "NaN", "sNaN", "Infinity", "1e999999", "1" * 50_000, "0x1", "1;drop table eav_type", " ", "é")
    bad += [packed([mark, phase, [one, *values[1:]], ident]) for one in (*numbers, None, 5, [], {})]
    bad += [packed([mark, phase, [values[0], one, values[2]], ident]) for one in ("\x00", "x" * 70_000, 5, [])]
    dates = ("x", "2024", "99999-01-01", "2024-01-01 00:00:00+99", "2024-01-01 00:00:00+01", "infinity", "-infinity")
    bad += [packed([mark, phase, [values[0], values[1], one], ident]) for one in dates]
    deep: object = 1
    for _ in range(200):
        deep = [deep]
    bad += [packed([mark, phase, deep, ident]), packed(deep)]
    for one in bad:
        with pytest.raises(Invalid) as refused:
            ask(engine, name, query, one)
        assert refused.value.errors[0].code == "INVALID_CURSOR", one


def test_cursors_of_other_queries(engine: Engine, sorted_type: tuple[str, dict]) -> None:
    """A cursor belongs to filter and sorts, not to the attributes shown or the size of a page."""
    name, _ = sorted_type
    query, cursor = cursors(engine, name)
    others = (
        Query(sorts=query.sorts[:2]),
        Query(sorts=(Sort("number"), *query.sorts[1:])),
        Query(Condition("number", Operator.GT, (1,)), sorts=query.sorts),
        Query(text="anna", sorts=query.sorts),
    )
    for other in others:
        page = Query(other.filter, other.text, other.sorts, 3, None, cursor)
        with pytest.raises(Invalid):
            engine.reads.query(name, page, IDS)
    longer = engine.reads.query(name, Query(sorts=query.sorts, limit=ALL, offset=None, cursor=cursor), IDS)
    whole = found(engine, name, None, *query.sorts)
    assert [one.id for one in longer.entities] == whole[3:]


@pytest.mark.parametrize(
    "sorts",
    [(Sort("nothing"),), (Sort("multi"),), (Sort("long"),), tuple(Sort(f"a{n}") for n in range(6))],
)
def test_bad_sorts(engine: Engine, make_type: Callable[..., LiveType], sorts: tuple[Sort, ...]) -> None:
    live = make_type(attribute("multi", "multi_enumeration"), attribute("long", "long_text"))
    with pytest.raises(Invalid):
        engine.reads.query(live.name, Query(sorts=sorts), IDS)
