"""Links that come with the items of a bulk call: made with the values or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from shared.eav.bulk.items import BulkItem, BulkOutcome
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.links.asked import LinkChange
from shared.eav.requests import LinkTo, Ref
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from tests.factories.asking import CONTEXT, create, held_exactly
from tests.factories.kinds import attribute


class Listening:
    """What is published of links."""

    def __init__(self) -> None:
        self.told: list[LinkChange] = []

    def __call__(self, connection: Connection, changes: Sequence[LinkChange], context: Context) -> None:
        """Remember."""
        self.told += changes


@pytest.fixture
def pair(make_type: Callable[..., LiveType]) -> tuple[LiveType, LiveType]:
    """Two types that can be linked."""
    return make_type(attribute("code", "string", unique=True)), make_type(attribute("name", "string"))


def results(outcomes: Sequence[BulkOutcome]) -> list[str]:
    """What the items came to."""
    return [one.outcome for one in outcomes]


def test_links_come_with_their_items(database: Database, pair: tuple[LiveType, LiveType]) -> None:
    """To entities made by the call and to those that were there; what cannot be linked is refused with its values."""
    start, end = pair
    listening = Listening()
    engine = Engine(database, publish_links=listening)
    (target,) = create(engine, end.name, {"name": "t"})
    (old,) = create(engine, start.name, {"code": "old"})
    link = (LinkTo(end.name, target.id),)
    items = [
        BulkItem({"code": "new"}, links=link),
        BulkItem({"code": "old"}, Ref(old.id), links=link),
        BulkItem({"code": "lost"}, links=(LinkTo(end.name, 2**40),)),
        BulkItem({"code": "wrong"}, links=(LinkTo(end.name, target.id, (424242,)),)),
        BulkItem({"code": "lost"}),
        BulkItem({"code": "new2"}, Ref(attribute="code", value="new"), links=link),
    ]
    dry = engine.bulk.write(start.name, items, CONTEXT, dry=True)
    done = engine.bulk.write(start.name, items, CONTEXT)
    expected = ["created", "updated", "rejected", "rejected", "created", "updated"]
    assert results(dry) == results(done) == expected
    assert [one.errors[0].code for one in done[2:4]] == ["OBJECT_NOT_FOUND", "INVALID_ASSOCIATION"]
    assert (done[1].version, done[1].id) == (1, old.id)
    new = done[0].id
    assert new is not None
    assert done[5].id == new
    assert sorted(one.from_id for one in listening.told) == sorted((old.id, new))
    page, _ = engine.links.page(end.name, target.id, start.name)
    assert [one.to_id for one in page] == sorted((old.id, new))
    held_exactly(
        engine,
        start.name,
        {old.id: (1, {"code": "old"}), new: (2, {"code": "new2"}), done[4].id or 0: (1, {"code": "lost"})},
    )
    again = [BulkItem({}, Ref(old.id), links=link), BulkItem({"code": "new2"}, Ref(new), links=link)]
    assert results(engine.bulk.write(start.name, again, CONTEXT)) == ["unchanged", "unchanged"]


def test_links_cost_a_constant_number_of_statements(
    engine: Engine, database: Database, pair: tuple[LiveType, LiveType]
) -> None:
    """For one as for hundreds."""
    start, end = pair
    targets = [one.id for one in create(engine, end.name, *({"name": f"{n}"} for n in range(300)))]

    def call(mark: str, size: int) -> int:
        items = [BulkItem({"code": f"{mark}{n}"}, links=(LinkTo(end.name, targets[n]),)) for n in range(size)]
        with database.counted() as statements:
            assert set(results(engine.bulk.write(start.name, items, CONTEXT))) == {"created"}
        return len(statements)

    call("first", 1)
    assert call("a", 1) == call("b", 300)
