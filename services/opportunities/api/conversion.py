"""The door of lead conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel, Field

from services.opportunities.commands.conversion import MOST_KEY, Lead, convert
from shared.kernel.errors import ErrorList
from shared.service.entities import View
from shared.service.web.native import models, present
from shared.service.web.operation import Operation, answer
from shared.service.web.request import context, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PATH = "/api/v1/opportunities/convert"


class ConvertIn(BaseModel):
    """The contact, their company, and values of the deal. `key`: tells apart several deals of one contact."""

    contact: str
    company: str | None = None
    values: dict[str, Any] = Field(default_factory=dict)
    key: str = ""


def convert_lead(service: Runtime) -> Response:
    """A deal of a lead: 201 when it was made, 200 when it was there."""
    body = json_object()
    known_keys(body, ("contact", "company", "values", "key"))
    errors = ErrorList()
    key, values = body.get("key", ""), body.get("values", {})
    if not isinstance(key, str) or len(key) > MOST_KEY:
        errors.add("key", "INVALID_STRING", f"key must be a text of at most {MOST_KEY} characters")
    if not isinstance(values, dict):
        errors.add("values", "INVALID_JSON", "values must be an object")
    contact, company = _number(body, "contact", errors), _number(body, "company", errors)
    if body.get("contact") is None:
        errors.add("contact", "REQUIRED_FIELD", "contact is required: the id of the contact")
    errors.raise_if_any()
    lead = Lead(contact or 0, company, key)
    found, made = convert(service, context(), lead, values, View("json"))
    return answer(present.entity_json("deal", found), 201 if made else 200)


def _number(body: dict[str, Any], name: str, errors: ErrorList) -> int | None:
    raw = body.get(name)
    if raw is None:
        return None
    text = str(raw)
    if isinstance(raw, bool) or not (text.isascii() and text.isdigit() and len(text) < 19):
        errors.add(name, "INVALID_INTEGER", f"{name} must be an id")
        return None
    return int(text)


OPERATIONS = (
    Operation(
        "POST",
        PATH,
        "convertLead",
        "Make a deal of a lead",
        convert_lead,
        201,
        body=ConvertIn,
        response=models.EntityOut,
        statuses=(200,),
        example={"contact": "42", "company": "7", "values": {"name": "Machines", "stage": "qualifiedtobuy"}},
        tag="Deals",
        description="May be repeated: of one contact and key there is one deal, whichever id of a merged one is given. "
        "It is linked to both, and says in `converted_from` what it was made of; the key is kept as a hash. Contact "
        "and company must be there. Without a name the deal gets that of the company, else of the person.",
    ),
)
