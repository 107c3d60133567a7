"""Invented manifests and paths with the service that has to answer them; for the route table and for nginx alike."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.eav.declare import TypeDef


@dataclass(frozen=True)
class Path:
    """Stands for an operation."""

    path: str


@dataclass(frozen=True)
class Service:
    """Stands for a manifest."""

    name: str
    types: tuple[TypeDef, ...] = ()
    operations: tuple[Path, ...] = field(default=())


def kind(name: str, plural: str, wire_id: str = "", *synonyms: str) -> TypeDef:
    return TypeDef(name, plural, name, plural, wire_id, synonyms)


MANIFESTS = (
    Service(
        "workspace",
        (kind("owner", "owners"), kind("user", "users"), kind("team", "teams")),
        (Path("/crm/v3/owners/"), Path("/crm/v3/owners/{id}"), Path("/settings/v3/users/"), Path("/api/v1/tokens")),
    ),
    Service("contacts", (kind("contact", "contacts", "0-1"), kind("company", "companies", "0-2", "firma"))),
    Service(
        "opportunities",
        (kind("deal", "deals", "0-3"), kind("line_item", "line_items", "0-8")),
        (Path("/deals/v1/deal/paged"), Path("/deals/v1/pipelines"), Path("/crm-pipelines/v1/pipelines/deals")),
    ),
    Service("service_desk", (kind("ticket", "tickets", "0-5"),)),
)

PATHS = {
    "/crm/v3/objects/contacts": "contacts",
    "/crm/v3/objects/contacts/": "contacts",
    "/crm/v3/objects/contact/42": "contacts",
    "/crm/v3/objects/0-1/42": "contacts",
    "/crm/v3/objects/Contacts/42": "contacts",
    "/crm/v3/objects/p12_company/42": "contacts",
    "/crm/v3/objects/firma": "contacts",
    "/crm/v3/objects/contacts/batch/upsert": "contacts",
    "/crm/v3/objects/contacts/search": "contacts",
    "/crm/v3/objects/contacts/merge": "contacts",
    "/crm/v3/objects/contacts/deals%40example.com": "contacts",
    "/crm/v3/objects/contactsandmore": "workspace",
    "/crm/v3/objects/deals/1": "opportunities",
    "/crm/v3/objects/line_items/batch/read": "opportunities",
    "/crm/v3/objects/0-5/search": "service_desk",
    "/crm/v3/objects/0-55/search": "workspace",
    "/crm/v3/objects/p_car/7": "workspace",
    "/crm/v3/objects/2-7": "workspace",
    "/crm/v3/objects/owners": "workspace",
    "/crm/v3/objects": "workspace",
    "/crm/v4/objects/tickets": "service_desk",
    "/crm/v4/objects/contacts/1/associations/deals": "contacts",
    "/crm/v4/objects/deals/1/associations/contacts/2": "opportunities",
    "/crm/v4/objects/deals/1/associations/default/contacts/2": "opportunities",
    "/crm/v4/associations/contacts/deals/batch/create": "contacts",
    "/crm/v4/associations/deals/contacts/labels": "workspace",
    "/crm/v4/associations/deals/contacts/labels/": "workspace",
    "/crm/v4/associations/deals/contacts/labels/7": "workspace",
    "/crm/v4/associations/deals/contacts/batch/labels/archive": "opportunities",
    "/crm/associations/2026-03/deals/contacts/labels/7": "workspace",
    "/crm/v4/associations/definitions/configurations/tickets/contacts": "workspace",
    "/crm/v4/associations/definitions/configurations/tickets/contacts/batch/create": "workspace",
    "/crm/v4/associations/definitions/configurations/all": "workspace",
    "/crm/v4/associations/usage/high-usage-report/7": "workspace",
    "/crm/v3/associations/companies/contacts/batch/read": "contacts",
    "/crm/v3/properties/contacts": "contacts",
    "/crm/v3/properties/deals/amount": "opportunities",
    "/crm/v3/properties/tickets/groups/main": "service_desk",
    "/crm/v3/properties/car/batch/create": "workspace",
    "/crm/v3/pipelines/deals/default/stages": "opportunities",
    "/crm/v3/schemas/contacts": "contacts",
    "/crm/v3/schemas": "workspace",
    "/crm-object-schemas/v3/schemas": "workspace",
    "/crm-object-schemas/v3/schemas/deals": "opportunities",
    "/crm-object-schemas/v3/schemas/car/associations": "workspace",
    "/crm/v3/owners": "workspace",
    "/crm/v3/owners/7": "workspace",
    "/crm/v3/imports/": "workspace",
    "/crm/v3/lists/search": "workspace",
    "/settings/v3/users/7": "workspace",
    "/oauth/v1/token": "workspace",
    "/properties/v2/deals/properties": "opportunities",
    "/deals/v1/deal/paged": "opportunities",
    "/deals/v1/pipelines": "opportunities",
    "/crm-pipelines/v1/pipelines/deals": "opportunities",
    "/crm/objects/2026-03/0-3": "opportunities",
    "/crm/objects/2026-03/contacts/batch/read": "contacts",
    "/crm/properties/2026-03/tickets": "service_desk",
    "/crm/associations/2026-03/deals/contacts/batch/read": "opportunities",
    "/crm-object-schemas/2026-03/schemas/contacts": "contacts",
    "/crm/owners/2026-03": "workspace",
    "/api/v1/objects/contact": "contacts",
    "/api/v1/objects/deal/7/restore": "opportunities",
    "/api/v1/objects/owners": "workspace",
    "/api/v1/objects/car/query": "workspace",
    "/api/v1/types": "workspace",
    "/api/v1/types/ticket/attributes": "service_desk",
    "/api/v1/tokens": "workspace",
    "/api/v1/contacts/changes": "contacts",
    "/api/v1/service_desk/checksums": "service_desk",
    "/contacts/healthz": "contacts",
    "/opportunities/openapi.json": "opportunities",
    "/workspace/metrics": "workspace",
    "/contactsx/healthz": "workspace",
    "/nonsense": "workspace",
    "/": "workspace",
    "/crm/v3/objects/überraschung/1": "workspace",
    "/crm/v3/objects/contacts/line\nbreak": "contacts",
}
