"""Mass change over HTTP: POST .../bulk-update orders it; it is looked at, steered and undone under its id."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel, Field

from shared.kernel.clock import iso
from shared.kernel.errors import ErrorList, NotFound
from shared.service.mass.changes import VERBS, Progress
from shared.service.web.native.models import Strict
from shared.service.web.native.single import PATH
from shared.service.web.operation import Operation, answer
from shared.service.web.request import context, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

_KEYS = ("filter", "values", "dry_run")
_DIGITS = 18


class MassChangeIn(Strict):
    """What to write to everything that fits. `dry_run` only counts."""

    filter: dict[str, Any]
    values: dict[str, Any]
    dry_run: bool = False


class MassChangeCounts(BaseModel):
    """rows = updated + unchanged + rejected."""

    rows: int
    updated: int
    unchanged: int
    rejected: int


class MassChangeOut(BaseModel):
    """`total` is null while what fits is being found. `phase`: dry, run, undo; `state`: running, paused, canceled,
    done, failed. `errors`: the first ones; `kept`: what an undo left alone, because somebody changed it since."""

    id: str
    type: str
    state: str
    phase: str
    reason: str = ""
    total: int | None = None
    counts: MassChangeCounts
    errors: list[dict[str, Any]] = Field(default_factory=list)
    kept: list[dict[str, Any]] = Field(default_factory=list)
    created_at: str
    updated_at: str


def begin(service: Runtime, type: str) -> Response:
    """Order one."""
    body = json_object()
    known_keys(body, _KEYS)
    errors = ErrorList()
    for name in ("filter", "values"):
        if not isinstance(body.get(name), dict):
            errors.add(name, "REQUIRED_FIELD", f"{name} is required, and an object")
    if not isinstance(body.get("dry_run", False), bool):
        errors.add("dry_run", "INVALID_BOOLEAN", "dry_run must be true or false")
    errors.raise_if_any()
    found = service.mass.begin(context(), type, body["filter"], body["values"], dry=bool(body.get("dry_run")))
    return answer(_shown(found), 202)


def show(service: Runtime, type: str, id: str) -> Response:
    """How far it is."""
    return answer(_shown(service.mass.find(context(), type, _number(id))))


def _steering(verb: str) -> Callable[..., Response]:
    def steer(service: Runtime, type: str, id: str) -> Response:
        return answer(_shown(service.mass.steer(context(), type, _number(id), verb)), 202)

    return steer


def _number(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) <= _DIGITS):
        raise NotFound("mass change", [text])
    return int(text)


def _shown(found: Progress) -> dict[str, Any]:
    counts = {name: getattr(found, name) for name in ("rows", "updated", "unchanged", "rejected")}
    return {
        "id": str(found.id),
        "type": found.type,
        "state": found.state,
        "phase": found.phase,
        "reason": found.reason,
        "total": found.total,
        "counts": counts,
        "errors": list(found.errors),
        "kept": list(found.kept),
        "created_at": iso(found.created_at),
        "updated_at": iso(found.updated_at),
    }


_MASS = PATH + "/bulk-update"
_EXAMPLE = {
    "filter": {"attribute": "id", "operator": "GT", "value": "0"},
    "values": {},
    "dry_run": True,
}
_SAID = {
    "pause": "Pause a mass change",
    "resume": "Go on with a mass change",
    "cancel": "Cancel a mass change",
    "undo": "Take a mass change back",
}

OPERATIONS = (
    Operation(
        "POST",
        _MASS,
        "beginMassChange",
        "Change everything that fits a filter",
        begin,
        success=202,
        body=MassChangeIn,
        response=MassChangeOut,
        example=_EXAMPLE,
        tag="Mass changes",
    ),
    Operation(
        "GET",
        _MASS + "/{id}",
        "showMassChange",
        "How far a mass change is",
        show,
        response=MassChangeOut,
        tag="Mass changes",
    ),
    *(
        Operation(
            "POST",
            f"{_MASS}/{{id}}/{verb}",
            f"{verb}MassChange",
            _SAID[verb],
            _steering(verb),
            success=202,
            response=MassChangeOut,
            tag="Mass changes",
        )
        for verb in VERBS
    ),
)
