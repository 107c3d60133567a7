"""Bulk calls: what each item comes to, and that all of it is stored as if the items had been written one by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.eav.bulk.items import BulkItem
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.requests import Ref
from tests.factories.asking import CONTEXT
from tests.factories.kinds import attribute

ByName = Callable[..., LiveType]


def results(outcomes):
    return [one.outcome for one in outcomes]


def code(value):
    return Ref(attribute="code", value=value)


@pytest.fixture(scope="module")
def live(make_type):
    return make_type(
        attribute("code", "string", unique=True),
        attribute("email", "email", unique=True),
        attribute("name", "string"),
        attribute("amount", "number"),
        attribute("stage", "enumeration"),
        attribute("tags", "multi_enumeration"),
        attribute("notes", "long_text"),
    )


def test_items_are_created_updated_and_left_alone(engine: Engine, live):
    items = [BulkItem({"code": f"a{n}", "name": f"Name {n}", "amount": n}, code(f"a{n}")) for n in range(20)]
    first = engine.bulk.write(live.name, items, CONTEXT)
    assert results(first) == ["created"] * 20
    assert [one.id for one in first] == sorted(one.id for one in first)
    assert results(engine.bulk.write(live.name, items, CONTEXT)) == ["unchanged"] * 20
    changed = [BulkItem({"name": "Other", "tags": "new;done", "notes": "long"}, code("A3"))]
    (one,) = engine.bulk.write(live.name, changed, CONTEXT, view_changes=True)
    assert (one.outcome, one.version, one.id) == ("updated", 2, first[3].id)
    print(one.changed)


def test_later_items_see_what_earlier_ones_wrote(engine: Engine, live):
    items = [
        BulkItem({"code": "b1", "name": "x"}, code("b1")),
        BulkItem({"name": "y"}, code("b1")),
        BulkItem({"name": "y"}, code("b1")),
        BulkItem({"name": "z", "code": "b2"}, code("b1")),
        BulkItem({"name": "new"}, code("b1")),
    ]
    found = engine.bulk.write(live.name, items, CONTEXT)
    assert results(found) == ["created", "updated", "unchanged", "updated", "created"]
    assert [one.version for one in found] == [1, 2, 2, 3, 1]
    assert len({one.id for one in found}) == 2
