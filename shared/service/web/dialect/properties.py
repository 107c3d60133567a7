"""Property definitions in the wire dialect: `/crm/v3/properties/{type}`, and the bare arrays of its older versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from shared.kernel import clock
from shared.kernel.errors import CrmError, ErrorList, Invalid
from shared.service.entities import ItemError
from shared.service.web.dialect import bodies, names
from shared.service.web.dialect import definition_models as models
from shared.service.web.dialect.batch import missing
from shared.service.web.dialect.definition import changes, definition, known_group, parse
from shared.service.web.dialect.envelope import envelope
from shared.service.web.errors import standard_error
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import bool_param, context, json_object, list_param

if TYPE_CHECKING:
    from shared.eav.catalog import LiveType
    from shared.eav.declare import AttributeDef
    from shared.service.runtime import Runtime

WHAT = "property"


def _all(service: Runtime, kind: str, archived: bool) -> list[AttributeDef]:
    return service.definitions.attributes(context(), kind, archived=archived)


def listing(service: Runtime, type: str) -> Response:
    """All definitions, or those of the names asked for; no pages."""
    found = _all(service, names.entity_type(type), bool_param("archived"))
    asked = list_param("properties")
    return answer({"results": [definition(one) for one in found if not asked or one.wire in asked]})


def bare_listing(service: Runtime, type: str) -> Response:
    """All live definitions as a bare array, as versions 1 and 2 answered."""
    return answer([definition(one) for one in _all(service, names.entity_type(type), False)])


def bare_companies(service: Runtime) -> Response:
    """The same for companies, at their own old address."""
    return bare_listing(service, "companies")


def create(service: Runtime, type: str) -> Response:
    """One new definition."""
    kind = names.entity_type(type)
    errors = ErrorList()
    wanted = parse(json_object(), errors)
    known_group(wanted.group, _fresh(service, kind), errors)
    errors.raise_if_any()
    made = service.definitions.add_attributes(context(), kind, [wanted])
    return answer(definition(_attribute(made[0])), 201)


def read(service: Runtime, type: str, name: str) -> Response:
    """One definition."""
    kind = names.entity_type(type)
    return answer(definition(service.definitions.attribute(context(), kind, name, archived=bool_param("archived"))))


def update(service: Runtime, type: str, name: str) -> Response:
    """Change a definition; `options` replaces all of them."""
    kind = names.entity_type(type)
    ctx = context()
    errors = ErrorList()
    attribute = service.definitions.attribute(ctx, kind, name)
    wanted = changes(json_object(), attribute, errors)
    known_group(str(wanted.get("group", "")), _fresh(service, kind), errors)
    errors.raise_if_any()
    if not wanted:
        return answer(definition(attribute))
    return answer(definition(service.definitions.change_attribute(ctx, kind, attribute.name, wanted)))


def archive(service: Runtime, type: str, name: str) -> Response:
    """Put a definition away; its values are kept."""
    service.definitions.archive_attributes(context(), names.entity_type(type), [name])
    return no_content()


def batch_create(service: Runtime, type: str) -> Response:
    """New definitions; the bad ones are named in a 207."""
    started = clock.iso(clock.now())
    kind = names.entity_type(type)
    given = bodies.inputs(json_object())
    live = _fresh(service, kind)
    wanted = [_parsed(one, live, f"inputs[{index}].") for index, one in enumerate(given)]
    sound = [one for one in wanted if not isinstance(one, CrmError)]
    made = iter(service.definitions.add_attributes(context(), kind, sound, partial=True) if sound else ())
    results, failed = [], []
    for one, body in zip(wanted, given, strict=True):
        outcome = one if isinstance(one, CrmError) else next(made)
        error = outcome.error if isinstance(outcome, ItemError) else outcome
        if isinstance(error, CrmError):
            failed.append(standard_error(error, name=[str(body.get("name"))[:200]]))
        else:
            results.append(definition(error))
    return envelope(results, failed, started, 201)


def _fresh(service: Runtime, kind: str) -> LiveType:
    service.catalog.refresh()
    return service.catalog.type(kind)


def _parsed(body: dict[str, Any], live: LiveType, where: str) -> AttributeDef | Invalid:
    errors = ErrorList()
    wanted = parse(body, errors, where)
    known_group(wanted.group, live, errors, where)
    return Invalid(errors.errors) if errors.errors else wanted


def batch_read(service: Runtime, type: str) -> Response:
    """Definitions by name; 207 names the unknown ones."""
    started = clock.iso(clock.now())
    body = json_object()
    wanted, archived = _names(body)
    known = {one.wire: one for one in _all(service, names.entity_type(type), archived)}
    found = [definition(known[name]) for name in wanted if name in known]
    return envelope(found, missing(WHAT, [name for name in wanted if name not in known]), started, 200)


def batch_archive(service: Runtime, type: str) -> Response:
    """Put definitions away; unknown names are fine, built-in ones refuse the whole batch."""
    kind = names.entity_type(type)
    wanted, _ = _names(json_object())
    known = {one.wire: one.name for one in _all(service, kind, False)}
    present = [known[name] for name in wanted if name in known]
    if present:
        service.definitions.archive_attributes(context(), kind, present)
    return no_content()


def _names(body: dict[str, Any]) -> tuple[list[str], bool]:
    errors = ErrorList()
    found = [
        bodies.text(one, "name", errors, where=f"inputs[{index}].", required=True)
        for index, one in enumerate(bodies.inputs(body))
    ]
    archived = bodies.flag(body, "archived", errors, False)
    errors.raise_if_any()
    return list(dict.fromkeys(found)), archived


def _attribute(outcome: AttributeDef | ItemError) -> AttributeDef:
    if isinstance(outcome, ItemError):
        raise outcome.error
    return outcome


_BASE = "/crm/v3/properties/{type}"
_ARCHIVED = QueryParam("archived", "boolean", "Only archived definitions", False)
_EXAMPLE = {
    "name": "expected_revenue",
    "label": "Expected revenue",
    "type": "number",
    "fieldType": "number",
    "groupName": "contactinformation",
}
_BATCH = {"inputs": [_EXAMPLE]}
_KNOWN = {"inputs": [{"name": "hs_object_id"}], "archived": False}
_CUSTOM = {"inputs": [{"name": _EXAMPLE["name"]}]}

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", _BASE, "listProperties", "List property definitions", listing,
              query=(_ARCHIVED, QueryParam("properties", "array", "Only definitions of these names")),
              response=models.PropertyList, tag="Properties"),
    Operation("POST", _BASE, "createProperty", "Define a property", create, 201,
              body=models.PropertyInput, response=models.Property, example=_EXAMPLE, tag="Properties"),
    Operation("GET", f"{_BASE}/{{name}}", "readProperty", "Read a property definition", read,
              query=(_ARCHIVED,), response=models.Property, tag="Properties"),
    Operation("PATCH", f"{_BASE}/{{name}}", "updateProperty", "Change a property definition", update,
              body=models.PropertyPatch, response=models.Property, example={"label": "Revenue"}, tag="Properties"),
    Operation("DELETE", f"{_BASE}/{{name}}", "archiveProperty", "Archive a property definition", archive, 204,
              tag="Properties"),
    Operation("POST", f"{_BASE}/batch/create", "batchCreateProperties", "Define many properties", batch_create, 201,
              body=models.PropertyBatchInput, response=models.PropertyBatchAnswer, example=_BATCH, tag="Properties",
              statuses=(207,)),
    Operation("POST", f"{_BASE}/batch/read", "batchReadProperties", "Read many property definitions", batch_read,
              body=models.NameBatch, response=models.PropertyBatchAnswer, example=_KNOWN, tag="Properties",
              read_only=True, statuses=(207,)),
    Operation("POST", f"{_BASE}/batch/archive", "batchArchiveProperties", "Archive many properties", batch_archive,
              204, body=models.NameBatch, example=_CUSTOM, tag="Properties"),
    Operation("GET", "/properties/v2/{type}/properties", "listPropertiesV2", "List property definitions (old form)",
              bare_listing, tag="Legacy"),
    Operation("GET", "/properties/v1/{type}/properties", "listPropertiesV1", "List property definitions (old form)",
              bare_listing, tag="Legacy"),
)  # fmt: skip
COMPANY_OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/companies/v2/properties", "listCompanyPropertiesV2", "List company properties (old form)",
              bare_companies, tag="Legacy"),
)  # fmt: skip
