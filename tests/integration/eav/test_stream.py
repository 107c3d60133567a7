"""Everything at once: the same values and order as pages give, of one instant, and nothing is held afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.extract import Extract
from shared.eav.filters import Condition, Not, Operator
from shared.eav.query import streaming
from shared.eav.requests import Query, Ref, Sort, Update
from shared.kernel import json
from shared.kernel.db import Database
from shared.kernel.errors import Invalid
from shared.kernel.pool import Pool
from tests.factories.asking import ALL, CONTEXT, create
from tests.factories.kinds import KINDS, RAW, attribute
from tests.factories.schema import Schema

EVERY = tuple(KINDS)
COUNT = 60


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streaming, "PORTION", 7)


@pytest.fixture(scope="module", params=[(24, 24, 8, 8), (1, 1, 1, 1)], ids=["one bank", "several banks"])
def everything(request: pytest.FixtureRequest, engine: Engine, make_type: Callable[..., LiveType]) -> str:
    """Entities with values of every kind, each sometimes missing; and an attribute that nobody has a value of."""
    live = make_type(*(attribute(kind, kind) for kind in EVERY), attribute("never", "string"), pool=request.param)
    drafts = [
        {kind: RAW[kind][n % len(RAW[kind])] for at, kind in enumerate(EVERY) if (n + at) % 4} for n in range(COUNT)
    ]
    made = [one for start in range(0, COUNT, 20) for one in create(engine, live.name, *drafts[start : start + 20])]
    engine.writes.archive(live.name, [Ref(one.id) for one in made[:9]], CONTEXT)
    return live.name


def rows(engine: Engine, name: str, extract: Extract) -> list[dict[str, Any]]:
    """The extract as one dict per entity."""
    with engine.reads.stream(name, extract) as found:
        names = [one.name for one in found.columns]
        return [dict(zip(names, row, strict=True)) for block in found for row in zip(*block, strict=True)]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("archived", [False, True])
def test_values_are_those_that_lists_show(engine: Engine, everything: str, form: Any, archived: bool):
    names = tuple(engine.catalog.type(everything).attributes)
    listed, _after = engine.reads.list(everything, View(form, names), limit=ALL, archived=archived)
    streamed = rows(engine, everything, Extract(form=form, archived=archived))
    assert len(streamed) == len(listed) == (9 if archived else COUNT - 9)
    assert next(iter(streamed[0])) == "id"
    assert set(streamed[0]) == set(names)
    by_wire = {one.wire: one.name for one in engine.catalog.type(everything).attributes.values()}
    for one, entity in zip(streamed, listed, strict=True):
        values = {by_wire[name] if form == "text" else name: value for name, value in entity.values.items()}
        # As bytes: raw literals of numbers know no equality.
        assert json.dumps({name: one[name] for name in names}) == json.dumps({name: values[name] for name in names})


@pytest.mark.parametrize(
    "sorts",
    [
        (),
        (Sort("string"),),
        (Sort("number", True), Sort("string")),
        (Sort("boolean"), Sort("date", True)),
        (Sort("created_at", True),),
        (Sort("never"), Sort("email")),
    ],
)
@pytest.mark.parametrize(
    "node",
    [
        None,
        Condition("number", Operator.HAS),
        Not(Condition("string", Operator.STARTS_WITH, ("a",))),
        Condition("string", Operator.CONTAINS_TOKEN, ("anna",)),
        Condition("string", Operator.IN, ("nothing like it",)),
    ],
)
def test_order_and_filters_are_those_of_pages(engine: Engine, everything: str, sorts: tuple[Sort, ...], node: Any):
    page = engine.reads.query(everything, Query(node, "", sorts, limit=ALL), View("text", ()))
    streamed = rows(engine, everything, Extract(node, sorts=sorts, attributes=()))
    assert [one["id"] for one in streamed] == [str(one.id) for one in page.entities]


def test_the_number_beforehand(engine: Engine, everything: str):
    for extract, expected in (
        (Extract(counted=True), COUNT - 9),
        (Extract(counted=True, archived=True), 9),
        (Extract(Condition("id", Operator.LT, (1,)), counted=True), 0),
    ):
        with engine.reads.stream(everything, extract) as found:
            assert (found.total, sum(len(block[0]) for block in found)) == (expected, expected)


def test_columns_stand_in_the_order_asked_for(engine: Engine, everything: str):
    asked = ("number", "created_at", "The string", "id", "number")
    with engine.reads.stream(everything, Extract(attributes=asked)) as found:
        assert [one.name for one in found.columns] == ["id", "number", "created_at", "string"]


def test_all_mistakes_are_told_before_anything_is_read(engine: Engine, everything: str):
    with pytest.raises(Invalid) as wrong:
        engine.reads.stream(everything, Extract(attributes=("numbr", "strng")))
    assert [one.name for one in wrong.value.errors] == ["numbr", "strng"]
    assert wrong.value.errors[0].nearest == ("number",)
    with pytest.raises(Invalid) as wrong:
        engine.reads.stream(everything, Extract(Condition("nope", Operator.HAS), sorts=(Sort("tags"),)))
    assert [one.name for one in wrong.value.errors] == ["nope", "tags"]


@pytest.fixture
def narrow(database: Database) -> Iterator[Engine]:
    """An engine whose pool has a single connection: whoever keeps it is found out."""
    alone = Database(database.url, pool_size=1)
    alone.pool = Pool(alone._open, kept=1, most=1, patience=1)
    yield Engine(alone)
    alone.dispose()


def test_the_connection_comes_back_whatever_happens(narrow: Engine, everything: str):
    narrow.reads.stream(everything, Extract()).close()
    half = narrow.reads.stream(everything, Extract())
    next(iter(half))
    half.close()
    half.close()
    assert len(rows(narrow, everything, Extract())) == COUNT - 9
    with pytest.raises(Invalid):
        narrow.reads.stream(everything, Extract(attributes=("nope",)))
    whole = narrow.reads.stream(everything, Extract())
    assert sum(len(block[0]) for block in whole) == COUNT - 9
    with narrow.database.connect() as connection:  # read to the end: nobody has to close it
        assert connection.row("select pg_current_xact_id_if_assigned(), txid_current_if_assigned()") == (None, None)
        assert connection.raw.info.transaction_status.name == "IDLE"


def test_it_is_of_one_instant(engine: Engine, make_type: Callable[..., LiveType]):
    live = make_type(attribute("string", "string"))
    made = create(engine, live.name, *({"string": "before"} for _ in range(30)))
    with engine.reads.stream(live.name, Extract(attributes=("string",))) as found:
        blocks = iter(found)
        first = next(blocks)
        engine.writes.update(
            live.name, [Update(Ref(one.id), {"string": "after"}) for one in made[5:]], CONTEXT, View(attributes=())
        )
        engine.writes.archive(live.name, [Ref(made[-1].id)], CONTEXT)
        create(engine, live.name, {"string": "after"})
        rest = [value for block in blocks for value in block[1]]
    assert first[1] + rest == ["before"] * 30


def test_an_attribute_made_elsewhere_is_there_at_once(engine: Engine, database: Database, everything: str):
    other = Engine(database)
    other.catalog.refresh()
    Schema(engine).add(everything, attribute("fresh", "number"))
    assert "fresh" in rows(other, everything, Extract())[0]
    assert "fresh2" not in rows(other, everything, Extract())[0]
    Schema(engine).add(everything, attribute("fresh2", "number"))
    assert rows(other, everything, Extract(attributes=("fresh2",)))[0]["fresh2"] is None


def test_statements_do_not_grow_with_entities(engine: Engine, everything: str):
    with engine.database.counted() as few:
        rows(engine, everything, Extract(Condition("id", Operator.LT, (1,))))
    with engine.database.counted() as many:
        rows(engine, everything, Extract())
    assert len(few) == len(many) == 3


@pytest.mark.parametrize(("text", "refused"), [("x" * 200, False), ("x" * 201, True), ("👩" * 101, True)])
def test_texts_too_long_for_a_cell_are_refused(
    engine: Engine, make_type: Callable[..., LiveType], text: str, refused: bool
):
    live = make_type(attribute("long_text", "long_text"), attribute("string", "string"))
    create(engine, live.name, {"long_text": text, "string": "short"}, {"string": f"A{text[1:]}"})
    everyone, named = Extract(longest=200), Extract(longest=200, attributes=("string",))
    filtered = Extract(Condition("string", Operator.EQ, ("short",)), longest=200, attributes=("string",))
    assert rows(engine, live.name, filtered)[0]["string"] == "short"
    for extract in (everyone, named):
        if refused:
            with pytest.raises(Invalid, match="more than 200 characters"):
                engine.reads.stream(live.name, extract)
        else:
            assert len(rows(engine, live.name, extract)) == 2
