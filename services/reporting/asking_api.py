"""The door for questions that no metric covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from services.reporting.answering import Answers
from services.reporting.api import FRESH, LABELS, PRIVATE
from services.reporting.asking import BUDGET_SECONDS, ask
from services.reporting.bodies import AnswerDocument, AnythingBody
from services.reporting.labels import labelled
from shared.service.web.operation import Operation, answer
from shared.service.web.request import bool_param, context, json_object, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PATH = "/reporting/v1/query"
_EXAMPLE = {
    "entity_type": "company",
    "measure": {"kind": "sum", "attribute": "annual_revenue"},
    "by": ["industry"],
    "top": 10,
}


def query(service: Runtime) -> Response:
    """A question, worked out now."""
    assert isinstance(service.own, Answers)
    ctx = context()
    found = ask(service.own, ctx, json_object(), text_param("fresh", "any"))
    if bool_param("labels"):
        found = labelled(service.db, ctx, found)
    return answer(found.body, 200, {"Cache-Control": PRIVATE})


OPERATIONS: tuple[Operation, ...] = (
    Operation("POST", PATH, "askAnything", "Ask what no metric covers", query, query=(FRESH, LABELS), body=AnythingBody,
              response=AnswerDocument, example=_EXAMPLE, tag="Reports", read_only=True,
              description=f"Worked out from all entities when it is asked, in at most {BUDGET_SECONDS:g} s: what takes "
              "longer is refused with TIME_BUDGET, and is a case for a metric. `precomputed` is false."),
)  # fmt: skip
