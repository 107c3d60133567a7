"""Search bodies: what becomes of them."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.eav.filters import And, Condition, Operator, Or
from shared.kernel.errors import Invalid
from shared.service.entities import Sort
from shared.service.web.dialect.search import parse

URL = "/crm/v3/objects/contacts/search"
EQ = {"propertyName": "firstname", "operator": "EQ", "value": "Ada"}


def test_an_empty_body_asks_for_everything() -> None:
    query, view = parse({})
    assert (query.filter, query.text, query.sorts, query.limit, query.offset) == (None, "", (), 10, 0)
    assert view.attributes is None


def test_groups_are_alternatives_of_all_their_filters() -> None:
    two = {"filters": [EQ, {"propertyName": "age", "operator": "BETWEEN", "value": 1, "highValue": "2"}]}
    query, _ = parse({"filterGroups": [two, {"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY"}]}]})
    assert query.filter == Or(
        (
            And((Condition("firstname", Operator.EQ, ("Ada",)), Condition("age", Operator.BETWEEN, (1, "2")))),
            And((Condition("email", Operator.HAS, ()),)),
        )
    )


def test_filters_without_groups_are_one_group() -> None:
    query, _ = parse({"filters": [EQ]})
    assert query.filter == And((Condition("firstname", Operator.EQ, ("Ada",)),))


def test_lists() -> None:
    query, _ = parse({"filters": [{"propertyName": "id", "operator": "IN", "values": [1, "2"]}]})
    assert query.filter == And((Condition("id", Operator.IN, (1, "2")),))


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("name", Sort("name", False)),
        ("-name", Sort("name", True)),
        ({"propertyName": "name"}, Sort("name", False)),
        ({"propertyName": "name", "direction": "DESCENDING"}, Sort("name", True)),
        ({"propertyName": "name", "direction": "ascending"}, Sort("name", False)),
    ],
)
def test_sorts(given: Any, made: Sort) -> None:
    assert parse({"sorts": [given]})[0].sorts == (made,)


@pytest.mark.parametrize(("given", "offset"), [("20", 20), (20, 20), (20.0, 20), ("", 0), (None, 0), ("30000", 30000)])
def test_after_is_an_offset_of_any_depth(given: Any, offset: int) -> None:
    assert parse({"after": given})[0].offset == offset


FILTER = {"propertyName": "a", "operator": "EQ", "value": "1"}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"limit": 201}, "limit"),
    ({"limit": 0}, "limit"),
    ({"limit": "x"}, "limit"),
    ({"limit": True}, "limit"),
    ({"limit": 10**30}, "limit"),
    ({"after": -1}, "after"),
    ({"after": "x"}, "after"),
    ({"after": 1.5}, "after"),
    ({"after": "9" * 30}, "after"),
    ({"query": {}}, "query"),
    ({"query": "x" * 3001}, "query"),
    ({"properties": "a"}, "properties"),
    ({"properties": [1]}, "properties"),
    ({"sorts": "a"}, "sorts"),
    ({"sorts": [1]}, "sorts[0]"),
    ({"sorts": [""]}, "sorts[0]"),
    ({"sorts": ["-"]}, "sorts[0]"),
    ({"sorts": [{}]}, "sorts[0].propertyName"),
    ({"sorts": [{"propertyName": "a", "direction": "UP"}]}, "sorts[0].direction"),
    ({"sorts": ["a"] * 11}, "sorts"),
    ({"filterGroups": {}}, "filterGroups"),
    ({"filterGroups": [1]}, "filterGroups"),
    ({"filterGroups": [{"filters": []}] * 11}, "filterGroups"),
    ({"filterGroups": [{"filters": 1}]}, "filterGroups[0].filters"),
    ({"filterGroups": [{"filters": [FILTER] * 26}]}, "filterGroups[0].filters"),
    ({"filters": [{**FILTER, "operator": "EQUALS"}]}, "filters[0].operator"),
    ({"filters": [{**FILTER, "operator": "STARTS_WITH"}]}, "filters[0].operator"),
    ({"filters": [{**FILTER, "operator": None}]}, "filters[0].operator"),
    ({"filters": [{**FILTER, "operator": ["EQ"]}]}, "filters[0].operator"),
    ({"filters": [{**FILTER, "propertyName": ""}]}, "filters[0].propertyName"),
    ({"filters": [{**FILTER, "value": None}]}, "filters[0].value"),
    ({"filters": [{**FILTER, "value": {"a": 1}}]}, "filters[0].value"),
    ({"filters": [{**FILTER, "operator": "BETWEEN"}]}, "filters[0].highValue"),
    ({"filters": [{"propertyName": "a", "operator": "IN"}]}, "filters[0].values"),
    ({"filters": [{"propertyName": "a", "operator": "IN", "values": []}]}, "filters[0].values"),
    ({"filters": [{"propertyName": "a", "operator": "IN", "values": [[1]]}]}, "filters[0].values[0]"),
]


@pytest.mark.parametrize(("body", "place"), WRONG)
def test_wrong_bodies(body: dict[str, Any], place: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(body)
    assert [one.name for one in caught.value.errors] == [place]


def test_an_unknown_operator_comes_with_the_nearest() -> None:
    with pytest.raises(Invalid) as caught:
        parse({"filters": [{**FILTER, "operator": "BETWEN"}]})
    assert caught.value.errors[0].nearest == ("BETWEEN",)


def test_pages(client: FlaskClient) -> None:
    for _ in range(3):
        client.post("/crm/v3/objects/contacts", json={"properties": {"firstname": "Ada"}})
    first = client.post(URL, json={"limit": 2, "filters": [EQ]}).json
    assert (first["total"], len(first["results"]), first["paging"]) == (3, 2, {"next": {"after": "2"}})
    last = client.post(URL, json={"limit": 2, "after": "2"}).json
    assert (last["total"], len(last["results"]), "paging" in last) == (3, 1, False)
    assert client.post("/crm/v4/objects/0-1/search").json["total"] == 3
