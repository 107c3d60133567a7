"""The native doors of relations: /api/v1/relations, labels of links between the types of all services. Strict on keys.

They belong to the service that keeps labels; the others keep copies. Built-in relations can be listed and limited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from shared.kernel.errors import ErrorList, Invalid, NotFound
from shared.service.label_events import relation_detail
from shared.service.labels import LabelDraft
from shared.service.links import RelationDef
from shared.service.web import relation_models as models
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import bool_param, context, json_object, known_keys, text_param
from shared.service.web.type_bodies import read_text

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PATH = "/api/v1/relations"
ONE = PATH + "/{id}"


def relation_json(one: RelationDef) -> dict[str, Any]:
    """One direction of a kind of link."""
    return {
        "id": one.id,
        "inverse": one.inverse,
        "from": one.from_type,
        "to": one.to_type,
        "name": one.name,
        "label": one.label,
        "builtin": one.builtin,
        "plain": one.plain,
        "single": one.single,
        "limit": one.limit,
    }


def list_relations(service: Runtime) -> Response:
    """All relations from one type to another, or all that were made or limited at run time."""
    start, end = text_param("from"), text_param("to")
    if bool(start) != bool(end):
        raise Invalid.one("to" if start else "from", "REQUIRED_FIELD", "from and to go together")
    found = service.labels.between(context(), start, end) if start else service.labels.every(context())
    if bool_param("details"):
        return answer({"results": [relation_detail(one, limit=one.limit) for one in found]})
    return answer({"results": [relation_json(one) for one in found]})


def create_relation(service: Runtime) -> Response:
    """A new label; the relation of each direction."""
    body = json_object()
    known_keys(body, ("from", "to", "name", "label", "inverse_label"))
    errors = ErrorList()
    texts = {key: read_text(body, key, errors) for key in ("from", "to", "name", "label", "inverse_label")}
    for key in ("from", "to", "name"):
        if not texts[key]:
            errors.add(key, "REQUIRED_FIELD", f"{key} is required")
    errors.raise_if_any()
    draft = LabelDraft(texts["name"], texts["label"] or None, texts["inverse_label"] or None)
    made = service.labels.add(context(), texts["from"], texts["to"], draft)
    return answer({"results": [relation_json(one) for one in made]}, 201, {"Location": f"{PATH}/{made[0].id}"})


def read_relation(service: Runtime, id: str) -> Response:
    """One relation."""
    return answer(relation_json(_find(service, id)))


def change_relation(service: Runtime, id: str) -> Response:
    """Another label, or another limit on the number of links."""
    body = json_object()
    known_keys(body, ("label", "inverse_label", "limit"))
    found = _find(service, id)
    ctx, errors = context(), ErrorList()
    label, inverse = (read_text(body, key, errors) for key in ("label", "inverse_label"))
    most = body.get("limit")
    if most is not None and type(most) is not int:
        errors.add("limit", "INVALID_INTEGER", "limit must be a whole number, or null for none")
    errors.raise_if_any()
    if label or inverse:
        words = label or found.label or ""
        service.labels.change(ctx, found.from_type, found.to_type, found.id, words, inverse or None)
    if "limit" in body:
        service.labels.limit(ctx, found.from_type, found.to_type, {found.id: most})
    return answer(relation_json(_find(service, id)))


def remove_relation(service: Runtime, id: str) -> Response:
    """Take a label away, from every link that has it."""
    found = _find(service, id)
    service.labels.remove(context(), found.from_type, found.to_type, found.id)
    return no_content()


def _find(service: Runtime, id: str) -> RelationDef:
    found = service.labels.get(context(), int(id)) if id.isascii() and id.isdigit() and len(id) < 11 else None
    if found is None:
        raise NotFound("relation", [id[:80]])
    return found


_TAG = "Relations"
_EXAMPLE = {"from": "contact", "to": "company", "name": "advises", "label": "Adviser", "inverse_label": "Advised"}
OPERATIONS = (
    Operation("GET", PATH, "listRelations", "List relations", list_relations,
              query=(QueryParam("from", description="Entity type the links start at", example="contact"),
                     QueryParam("to", description="Entity type they lead to", example="company"),
                     QueryParam("details", "boolean", "As the change feed tells them, for copies", False)),
              response=models.RelationList, tag=_TAG,
              description="Without types: those made, or limited, at run time."),
    Operation("POST", PATH, "createRelation", "Make a label for links", create_relation, 201,
              body=models.NewRelation, response=models.RelationList, example=_EXAMPLE, tag=_TAG,
              description="Answers the relation of each direction; usable in every service at once."),
    Operation("GET", ONE, "readRelation", "Read a relation", read_relation,
              response=models.RelationOut, tag=_TAG),
    Operation("PATCH", ONE, "changeRelation", "Change a label or the limit of its links", change_relation,
              body=models.ChangeRelation, response=models.RelationOut, example={"limit": 500}, tag=_TAG),
    Operation("DELETE", ONE, "removeRelation", "Take a label away", remove_relation, 204, tag=_TAG),
)  # fmt: skip
