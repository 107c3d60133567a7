"""Saved views: kept, shared or one's own, counted, and looked through page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.kernel.context import Actor, Context
from shared.kernel.errors import Conflict, Forbidden, NotFound
from shared.service.views import SavedView

VIEWS = "/api/v1/types/tickets/views"
HOT = {"attribute": "subject", "operator": "EQ", "value": "view"}


@pytest.fixture
def save(desk: Any) -> Iterator[Callable[..., Any]]:
    """Saves views, which are gone afterwards."""
    made: list[str] = []

    def put(name: str, status: int = 200, **body: Any) -> Any:
        if status == 200:
            made.append(name)
        return desk.ask("PUT", f"{VIEWS}/{name}", status, **body)

    yield put
    for name in made:
        desk.client.delete(f"{VIEWS}/{name}")


def test_a_view_is_kept_counted_and_looked_through(desk: Any, save: Any):
    made = [desk.ticket(subject="view", priority=one) for one in ("LOW", "HIGH", "HIGH")]
    desk.ticket(subject="other")
    shown = save("Hot", filter=HOT, sorts=["-id"], attributes=["subject", "priority"], shared=True)
    assert (shown["name"], shown["personal"], shown["attributes"]) == ("Hot", False, ["subject", "priority"])
    assert desk.ask("GET", f"{VIEWS}/hot?count=true")["count"] == 3
    page = desk.ask("GET", f"{VIEWS}/Hot/entities?limit=2&total=exact")
    assert [one["id"] for one in page["results"]] == made[:0:-1]
    assert page["total"] == 3
    assert {"subject", "priority"} <= set(page["results"][0]["values"]) < {*desk.read(made[0])}
    rest = desk.ask("GET", f"{VIEWS}/Hot/entities?cursor={page['next_cursor']}&limit=2")
    assert [one["id"] for one in rest["results"]] == made[:1]
    assert [one["name"] for one in desk.ask("GET", VIEWS)["results"]] == ["Hot"]
    save("Hot", filter=HOT, text="nothing of the kind")
    assert desk.ask("GET", f"{VIEWS}/Hot?count=true")["count"] == 0
    desk.ask("DELETE", f"{VIEWS}/Hot", 204)
    desk.ask("GET", f"{VIEWS}/Hot", 404)


def test_whoever_looks_sees_what_is_theirs(desk: Any, save: Any):
    mine = desk.ticket(subject="view", owner_id="81")
    desk.ticket(subject="view", owner_id="82")
    shown = save(
        "Mine", filter={"and": [HOT, {"attribute": "owner_id", "operator": "EQ", "value": "@me"}]}, shared=True
    )
    assert shown["personal"]
    found = desk.ask("GET", f"{VIEWS}/Mine/entities?me=81")["results"]
    assert [one["id"] for one in found] == [mine]
    desk.ask("GET", f"{VIEWS}/Mine/entities", 400)


def test_statements_do_not_grow(desk: Any, save: Any):
    save("Steady", filter=HOT)
    counts = []
    for _ in range(2):
        with desk.runtime.db.counted() as statements:
            desk.ask("GET", f"{VIEWS}/Steady?count=true")
        counts.append(sum("saved_view" in one or "count(" in one for one in statements))
        for _ in range(3):
            desk.ticket(subject="view")
    assert counts == [2, 2]


def test_ones_own_view_is_nobody_elses(desk: Any):
    views, ann, bob = desk.runtime.views, *(_who(name, "crm.objects.tickets.read") for name in ("ann", "bob"))
    boss = _who("boss", "crm.objects.tickets.read", "crm.schemas.tickets.write")
    views.put(ann, "ticket", SavedView("private", {"filter": HOT}))
    views.put(ann, "ticket", SavedView("public", {"filter": HOT}, shared=True))
    assert [one.name for one in views.listed(bob, "ticket")] == ["public"]
    with pytest.raises(NotFound):
        views.find(bob, "ticket", "private")
    with pytest.raises(Conflict):
        views.put(bob, "ticket", SavedView("PRIVATE", {"filter": HOT}))
    with pytest.raises(Forbidden):
        views.drop(bob, "ticket", "public")
    with pytest.raises(Forbidden):
        views.listed(_who("eve"), "ticket")
    assert views.put(boss, "ticket", SavedView("public", {}, shared=True)).actor == "ann"
    for name in ("public", "private"):
        views.drop(ann, "ticket", name)


def _who(name: str, *scopes: str) -> Context:
    return Context(Actor(name, name, frozenset(scopes)))


@pytest.mark.parametrize(
    "body",
    [
        {"filter": {"attribute": "nothing", "operator": "EQ", "value": 1}},
        {"sorts": ["nothing"]},
        {"attributes": ["nothing"]},
        {"attributes": "subject"},
        {"shared": "yes"},
        {"limit": 5},
        {"filter": {"attribute": "owner_id", "operator": "LIKE", "value": "@me"}},
    ],
)
def test_views_that_cannot_be(save: Any, body: dict[str, Any]):
    save("Bad", 400, **body)
