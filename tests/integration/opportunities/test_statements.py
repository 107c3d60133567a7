"""A move costs as many statements as any other change, and a call as many for one deal as for fifty."""

from __future__ import annotations

from collections.abc import Sequence

from services.opportunities.pipelines import SALES
from shared.kernel.context import SYSTEM, Context
from shared.service.entities import Draft, Ref, Update, View
from tests.integration.opportunities.conftest import Service

STAGES = [one.id for one in SALES.stages]
NOTHING = View(attributes=())
CONTEXT = Context(SYSTEM)


def changed(service: Service, ids: Sequence[int], **values: object) -> int:
    """Change deals; how many statements that takes."""
    updates = [Update(Ref(one), values) for one in ids]
    with service.runtime.db.counted() as statements:
        service.runtime.entities.update(CONTEXT, "deal", updates, NOTHING)
    return len(statements)


def test_moves_cost_what_changes_cost(service: Service):
    drafts = [Draft({"name": f"Deal {n}", "stage": STAGES[0]}) for n in range(51)]
    one, *many = [made.id for made in service.runtime.entities.create(CONTEXT, "deal", drafts, NOTHING)]
    for stage in (*STAGES[1:], STAGES[0]):  # every attribute gets its slot
        changed(service, [one], stage=stage, next_step=stage)
    plain = changed(service, [one], next_step="Call")
    assert [changed(service, [one], stage=stage) for stage in STAGES[1:]] == [plain] * 6
    assert [changed(service, many, stage=stage) for stage in STAGES[1:]] == [plain] * 6


def test_creating_in_a_stage_costs_what_creating_costs(service: Service):
    def made(count: int, **values: str) -> int:
        drafts = [Draft({"name": "Deal", **values}) for _ in range(count)]
        with service.runtime.db.counted() as statements:
            service.runtime.entities.create(CONTEXT, "deal", drafts, NOTHING)
        return len(statements)

    assert made(1) == made(1, stage=STAGES[1]) == made(50, stage=STAGES[1])
