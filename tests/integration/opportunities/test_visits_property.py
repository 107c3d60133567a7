"""Any sequence of moves keeps visits gap-free and without overlap, and their lengths sum to the deal's age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.kernel.context import SYSTEM, Context
from shared.service.entities import BulkItem, Draft, Ref, Update, View
from shared.service.pipelines.visit_rows import Visit
from tests.integration.opportunities.conftest import Service

STAGES = ("appointmentscheduled", "qualifiedtobuy", "contractsent", "closedwon", "closedlost")
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
moves = st.lists(st.tuples(st.sampled_from(STAGES), st.integers(-3 * 86_400_000, 30 * 86_400_000)), max_size=8)


def writing(at: datetime) -> Context:
    return Context(SYSTEM, effective_at=at)


def told(service: Service, ident: int) -> tuple[list[Visit], dict[str, Any]]:
    """The visits, and the deal's values by their names in the wire dialect."""
    context = Context(SYSTEM)
    names = tuple(service.runtime.catalog.type("deal").attributes)
    (deal,) = service.runtime.entities.read(context, "deal", [Ref(ident)], View("text", names))
    return service.runtime.visits.of(context, "deal", ident, limit=1000), deal.values


def hold(service: Service, ident: int) -> None:
    """What must hold of a deal's visits and of the times kept with it."""
    visits, values = told(service, ident)
    assert visits[0].entered == BEGUN
    assert [one.left for one in visits[:-1]] == [one.entered for one in visits[1:]]
    assert visits[-1].left is None
    assert all(one.left is None or one.left >= one.entered for one in visits)
    spent = sum((one.seconds for one in visits if one.seconds is not None), Decimal(0))
    assert timedelta(seconds=float(spent)) == visits[-1].entered - BEGUN
    for stage in STAGES:
        there = [one for one in visits if one.stage == stage]
        over = [one for one in there if one.seconds is not None]
        total = sum((one.seconds or 0 for one in over), Decimal(0)) * 1000
        assert Decimal(values[f"hs_v2_cumulative_time_in_{stage}"] or 0) == total, stage
        assert (values[f"hs_v2_date_entered_{stage}"] is None) == (not there), stage
        assert (values[f"hs_v2_date_exited_{stage}"] is None) == (not there or there[-1].left is None), stage
        if over:
            assert Decimal(values[f"hs_v2_latest_time_in_{stage}"]) == (over[-1].seconds or 0) * 1000, stage


@settings(max_examples=25, deadline=None)
@given(moves)
def test_moves_one_by_one(service: Service, steps: list[tuple[str, int]]):
    entities, view = service.runtime.entities, View(attributes=())
    (made,) = entities.create(writing(BEGUN), "deal", [Draft({"name": "P", "stage": STAGES[0]})], view)
    at = BEGUN
    for stage, later in steps:
        at = at + later * MILLISECOND
        entities.update(writing(at), "deal", [Update(Ref(made.id), {"stage": stage})], view)
    hold(service, made.id)


@settings(max_examples=25, deadline=None)
@given(moves, moves)
def test_moves_of_several_deals_in_one_call(
    service: Service, first: list[tuple[str, int]], second: list[tuple[str, int]]
):
    drafts = [Draft({"name": "Q", "stage": STAGES[0]}), Draft({"name": "R", "stage": STAGES[0]})]
    made = service.runtime.entities.create(writing(BEGUN), "deal", drafts, View(attributes=()))
    items = []
    for deal, steps in zip(made, (first, second), strict=True):
        at = BEGUN
        for stage, later in steps:
            at = at + later * MILLISECOND
            items.append(BulkItem({"stage": stage}, Ref(deal.id), "update", at))
    service.runtime.entities.bulk(Context(SYSTEM), "deal", items[::2] + items[1::2])
    for deal in made:
        hold(service, deal.id)
