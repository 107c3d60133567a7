"""Merging over HTTP: merge, preview, undo, and what was merged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import Response

from shared.kernel.errors import ErrorList, Invalid
from shared.service.merging import DEFAULT_RULES, NAMED_RULES, Merged, MergeRules, Rule
from shared.service.web.native import merging_models as models
from shared.service.web.native import preconditions, present
from shared.service.web.native.single import PATH
from shared.service.web.operation import Operation, answer
from shared.service.web.request import context, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

LINKS_SHOWN = 1000
DEFAULT = "*"


def merge(service: Runtime, type: str, id: str) -> Response:
    """Make one entity of several."""
    body = json_object()
    known_keys(body, ("absorb", "rules", "preview"))
    name = service.catalog.type(type).name
    done = service.merging.merge(
        context(),
        name,
        present.entity_id(name, id),
        _absorbed(name, body),
        present.view((present.ALL,)),
        rules=_rules(body),
        preview=body.get("preview") is True,
    )
    headers = {
        "ETag": preconditions.etag(done.entity.version),
        "X-Change-Id": present.change_id(service, name, done.entity),
    }
    return answer({**present.entity_json(name, done.entity), "merge": _told(done)}, 200, headers)


def unmerge(service: Runtime, type: str, id: str) -> Response:
    """Undo the latest merge."""
    body = json_object()
    known_keys(body, ("merge",))
    name = service.catalog.type(type).name
    number = None if body.get("merge") is None else present.entity_id("merge", body["merge"])
    view = present.view((present.ALL,))
    done = service.merging.unmerge(context(), name, present.entity_id(name, id), view, merge_id=number)
    changes = (done.entity, *done.restored)
    return answer(
        {
            "merge": str(done.merge_id),
            "entity": present.entity_json(name, done.entity),
            "restored": [present.entity_json(name, one) for one in done.restored],
            "kept": [{"id": str(one.id), "attribute": one.attribute, "reason": one.reason} for one in done.kept],
            "links_restored": len(done.links),
        },
        200,
        {"X-Change-Id": ", ".join(present.change_id(service, name, one) for one in changes)},
    )


def listed(service: Runtime, type: str, id: str) -> Response:
    """What was merged into an entity."""
    name = service.catalog.type(type).name
    found = service.merging.listed(context(), name, present.entity_id(name, id))
    results = [
        {
            "id": str(one.id),
            "version": one.version,
            "absorbed": [str(ident) for ident in one.absorbed],
            "at": one.at,
            "undone": one.undone_version is not None,
        }
        for one in found
    ]
    return answer({"results": results})


def _absorbed(name: str, body: dict[str, Any]) -> Sequence[int]:
    given = body.get("absorb")
    if not isinstance(given, list) or not all(isinstance(one, str | int) for one in given):
        raise Invalid.one("absorb", "INVALID_LIST", "absorb must be a list of ids")
    return [present.entity_id(name, one) for one in given]


def _rules(body: dict[str, Any]) -> MergeRules:
    given = {} if body.get("rules") is None else body["rules"]
    if not isinstance(given, dict):
        raise Invalid.one("rules", "INVALID_JSON", "rules must be an object of attribute names")
    errors = ErrorList()
    found = {name: _rule(f"rules.{name}", raw, errors) for name, raw in given.items()}
    errors.raise_if_any()
    return MergeRules(found.pop(DEFAULT, DEFAULT_RULES.default), found)


def _rule(where: str, raw: object, errors: ErrorList) -> Rule:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, dict) and raw.keys() == {"from"} and str(raw["from"]).isdecimal():
        return int(raw["from"])
    known = ", ".join(NAMED_RULES)
    errors.add(where, "INVALID_RULE", f'{where} must be one of {known}, or {{"from": id}}')
    return DEFAULT_RULES.default


def _told(done: Merged) -> dict[str, Any]:
    return {
        "id": None if done.merge_id is None else str(done.merge_id),
        "absorbed": [str(one) for one in done.absorbed],
        "sources": {name: None if one is None else str(one) for name, one in done.sources.items()},
        "links": [
            {"relation": one.relation, "from": str(one.absorbed), "to": str(one.other), "moved": one.moved}
            for one in done.links[:LINKS_SHOWN]
        ],
        "links_total": len(done.links),
        "unique_values": [
            {"attribute": attribute, "value": value, "from": str(ident)} for attribute, value, ident in done.keys
        ],
    }


OPERATIONS = (
    Operation(
        "POST",
        PATH + "/{id}/merge",
        "mergeEntities",
        "Merge entities into one",
        merge,
        body=models.MergeEntities,
        example=models.EXAMPLE,
        response=models.MergedEntity,
        tag="Entities",
        description="The absorbed ids, their unique values and links lead to the survivor from then on. "
        "With `preview` nothing is written.",
    ),
    Operation(
        "POST",
        PATH + "/{id}/unmerge",
        "unmergeEntities",
        "Undo the latest merge",
        unmerge,
        body=models.UndoMerge,
        example={},
        response=models.UnmergedOut,
        tag="Entities",
        description="Values that were changed since are kept and listed.",
    ),
    Operation(
        "GET",
        PATH + "/{id}/merges",
        "listMerges",
        "List what was merged into an entity",
        listed,
        response=models.MergeList,
        tag="Entities",
    ),
)
