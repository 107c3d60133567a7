"""Association types in the wire dialect: labels (`/crm/v4/associations/{from_type}/{to_type}/labels`) and limits.

They belong to the service that keeps labels, for the types of all services; the route table sends them there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Response

from shared.kernel import clock
from shared.kernel.errors import ErrorList, NotFound
from shared.service.labels import LabelDraft
from shared.service.links import RelationDef
from shared.service.web.dialect import association_models as models
from shared.service.web.dialect import bodies, names
from shared.service.web.dialect.association_bodies import CATEGORIES, category, spec
from shared.service.web.dialect.envelope import envelope
from shared.service.web.operation import Operation, answer, no_content
from shared.service.web.request import context, json_object

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def listing(service: Runtime, from_type: str, to_type: str) -> Response:
    """All association types from one type to another, built-in ones too."""
    found = service.labels.between(context(), names.entity_type(from_type), names.entity_type(to_type))
    return answer({"results": [spec(one) for one in found]})


def create(service: Runtime, from_type: str, to_type: str) -> Response:
    """A new label; answers the association type of each direction."""
    body, errors = json_object(), ErrorList()
    draft = LabelDraft(
        bodies.text(body, "name", errors, required=True),
        bodies.text(body, "label", errors, required=True),
        bodies.text(body, "inverseLabel", errors) or None,
    )
    errors.raise_if_any()
    made = service.labels.add(context(), names.entity_type(from_type), names.entity_type(to_type), draft)
    return answer({"results": [spec(one) for one in made]})


def update(service: Runtime, from_type: str, to_type: str) -> Response:
    """Other words for a label."""
    body, errors = json_object(), ErrorList()
    ident = _number(body, "associationTypeId", errors, "")
    label = bodies.text(body, "label", errors, required=True)
    inverse = bodies.text(body, "inverseLabel", errors) or None
    errors.raise_if_any()
    start, end = names.entity_type(from_type), names.entity_type(to_type)
    service.labels.change(context(), start, end, ident, label, inverse)
    return no_content()


def archive(service: Runtime, from_type: str, to_type: str, id: str) -> Response:
    """Take a label away, from every link that has it."""
    ident = bodies.whole(id)
    if ident is None:
        raise NotFound("association type", [id[:80]])
    service.labels.remove(context(), names.entity_type(from_type), names.entity_type(to_type), ident)
    return no_content()


def _number(body: dict[str, Any], name: str, errors: ErrorList, where: str) -> int:
    found = bodies.whole(body.get(name))
    if found is None or not 0 < found < 2**31:
        errors.add(f"{where}{name}", "INVALID_INTEGER", f"{where}{name} must be a whole number")
        return 0
    return found


def limits(service: Runtime, from_type: str, to_type: str) -> Response:
    """The limits between two types."""
    found = service.labels.between(context(), names.entity_type(from_type), names.entity_type(to_type))
    return answer({"results": _limited(found)})


def all_limits(service: Runtime) -> Response:
    """Every limit there is."""
    return answer({"results": _limited(service.labels.every(context()))})


def _limited(found: Iterable[RelationDef]) -> list[dict[str, Any]]:
    return [{**spec(one), "userEnforcedMaxToObjectIds": one.limit} for one in found if one.limit is not None]


def set_limits(service: Runtime, from_type: str, to_type: str, *, status: int = 200) -> Response:
    """New limits, in place of those there were."""
    started = clock.iso(clock.now())
    wanted = _wanted(with_limit=True)
    start, end = names.entity_type(from_type), names.entity_type(to_type)
    service.labels.limit(context(), start, end, wanted)
    known = {one.id: one for one in service.labels.between(context(), start, end)}
    results = [
        {"category": category(known[ident]), "typeId": ident, "userEnforcedMaxToObjectIds": known[ident].limit}
        for ident in wanted
    ]
    return envelope(results, [], started, status)


def add_limits(service: Runtime, from_type: str, to_type: str) -> Response:
    """The same, answered as created."""
    return set_limits(service, from_type, to_type, status=201)


def purge_limits(service: Runtime, from_type: str, to_type: str) -> Response:
    """Take limits away."""
    wanted = dict.fromkeys(_wanted(with_limit=False))
    service.labels.limit(context(), names.entity_type(from_type), names.entity_type(to_type), wanted)
    return no_content()


def _wanted(*, with_limit: bool) -> dict[int, int | None]:
    """Limits by association type; raises Invalid naming everything wrong."""
    errors = ErrorList()
    found: dict[int, int | None] = {}
    for index, one in enumerate(bodies.inputs(json_object())):
        where = f"inputs[{index}]."
        given = one.get("category")
        if given is not None and given not in CATEGORIES:
            errors.add(f"{where}category", "INVALID_OPTION", f"{where}category must be one of {', '.join(CATEGORIES)}")
        ident = _number(one, "typeId", errors, where)
        found[ident] = _number(one, "maxToObjectIds", errors, where) if with_limit else None
    errors.raise_if_any()
    return found


_TAG = "Association labels"
_LABELS = "/crm/v4/associations/{from_type}/{to_type}/labels"
_LIMITS = "/crm/v4/associations/definitions/configurations"
_PAIR = f"{_LIMITS}/{{from_type}}/{{to_type}}"
_EXAMPLE = {"name": "advises", "label": "Adviser", "inverseLabel": "Advised"}
_LIMIT = {"category": "HUBSPOT_DEFINED", "typeId": 279}

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", _LABELS, "listLabels", "List association types with their labels", listing,
              response=models.Labels, tag=_TAG),
    Operation("POST", _LABELS, "createLabel", "Make a label", create,
              body=models.LabelInput, response=models.Labels, example=_EXAMPLE, tag=_TAG),
    Operation("PUT", _LABELS, "updateLabel", "Change a label", update, 204, body=models.LabelPatch,
              example={"associationTypeId": 10001, "label": "Adviser"}, tag=_TAG),
    Operation("DELETE", f"{_LABELS}/{{id}}", "archiveLabel", "Take a label away", archive, 204, tag=_TAG),
    Operation("GET", f"{_LIMITS}/all", "listAllLinkLimits", "List all limits on links", all_limits,
              response=models.SetLimits, tag=_TAG),
    Operation("GET", _PAIR, "listLinkLimits", "List limits on links between two types", limits,
              response=models.SetLimits, tag=_TAG),
    Operation("POST", f"{_PAIR}/batch/create", "createLinkLimits", "Limit links between two types", add_limits, 201,
              body=models.Limits, response=models.SetLimitBatch,
              example={"inputs": [{**_LIMIT, "maxToObjectIds": 500}]}, tag=_TAG),
    Operation("POST", f"{_PAIR}/batch/update", "updateLinkLimits", "Change limits on links", set_limits,
              body=models.Limits, response=models.SetLimitBatch,
              example={"inputs": [{**_LIMIT, "maxToObjectIds": 400}]}, tag=_TAG),
    Operation("POST", f"{_PAIR}/batch/purge", "purgeLinkLimits", "Take limits on links away", purge_limits, 204,
              body=models.LimitsOf, example={"inputs": [_LIMIT]}, tag=_TAG),
)  # fmt: skip
