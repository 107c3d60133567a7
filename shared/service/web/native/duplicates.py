"""Checking for possible duplicates over HTTP, before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel, Field

from shared.service.web.native import present
from shared.service.web.native.models import Strict
from shared.service.web.native.single import PATH
from shared.service.web.operation import Operation, answer
from shared.service.web.request import context, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


class ValuesToCheck(Strict):
    """Values of an entity that somebody is about to write."""

    values: dict[str, Any] = Field(default_factory=dict)


class PossibleDuplicate(BaseModel):
    """An entity that may be the same. `rule`: what says so most strongly; scores go from 0 to 1."""

    id: str
    rule: str
    score: float


class PossibleDuplicates(BaseModel):
    """Possible duplicates, the most likely first; at most 20."""

    results: list[PossibleDuplicate]


def check(service: Runtime, type: str) -> Response:
    """Who is like an entity of these values."""
    body = json_object()
    known_keys(body, ("values",))
    name = service.catalog.type(type).name
    found = service.duplicates.check(context(), name, present.values(body))
    return answer({"results": [{"id": str(one.id), "rule": one.rule, "score": one.score} for one in found]})


OPERATIONS = (
    Operation(
        "POST",
        PATH + "/duplicates",
        "checkDuplicates",
        "Check values for possible duplicates",
        check,
        body=ValuesToCheck,
        example={"values": {}},
        response=PossibleDuplicates,
        tag="Entities",
        read_only=True,
        description="Nothing is written. Creating warns of the same: `warnings`, or `X-Possible-Duplicates`.",
    ),
)
