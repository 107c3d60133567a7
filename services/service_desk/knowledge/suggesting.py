"""GET /api/v1/objects/tickets/{id}/articles: published articles that may answer a ticket, the likest first.

Candidates come from the search that every entity type has; how alike they are is `domain.similar`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.service_desk.domain.similar import ranked, telling
from services.service_desk.promises.keeping import TICKET
from services.service_desk.schema.choices import AUDIENCES
from shared.kernel.errors import Invalid, NotFound
from shared.service.entities import Ref, View
from shared.service.web.native.present import entity_id
from shared.service.web.native.query import read_query
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import context, int_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

ARTICLE = "article"
_CANDIDATES = 100
_WORDS = 12
_SHOWN, _MOST = 5, 50
_ASKED = View("json", ("subject", "content"))
_FOUND = View("json", ("title", "body", "audience"))


class Suggestion(BaseModel):
    """An article, and how alike it is to the ticket, from 0 to 1."""

    id: str
    title: str
    audience: str
    likeness: float


class Suggestions(BaseModel):
    """The likest first."""

    results: list[Suggestion]


def suggest_articles(service: Runtime, id: str) -> Response:
    """Articles that may answer a ticket."""
    ctx, audience = context(), text_param("audience")
    if audience and audience not in {one.value for one in AUDIENCES}:
        raise Invalid.one("audience", "INVALID_OPTION", f"audience is {' or '.join(one.value for one in AUDIENCES)}")
    limit = int_param("limit", _SHOWN, _MOST, least=1) or _SHOWN
    (ticket,) = service.entities.read(ctx, TICKET, [Ref(entity_id(TICKET, id))], _ASKED)
    if ticket is None:
        raise NotFound(TICKET, [id])
    asked = f"{ticket.values.get('subject') or ''}\n{ticket.values.get('content') or ''}"
    terms = telling(asked, _WORDS)
    if not terms:
        return answer({"results": []})
    body = {"filter": _wanted(terms, audience), "limit": _CANDIDATES, "total": "none"}
    page = service.entities.query(ctx, ARTICLE, read_query(body), _FOUND)
    found = {one.id: one.values for one in page.entities}
    texts = {ident: (str(one.get("title") or ""), str(one.get("body") or "")) for ident, one in found.items()}
    results = [
        {"id": str(ident), "title": texts[ident][0], "audience": found[ident]["audience"], "likeness": round(score, 3)}
        for ident, score in ranked(asked, texts)[:limit]
    ]
    return answer({"results": results})


def _wanted(terms: list[str], audience: str) -> dict[str, Any]:
    """Published articles that have any of the words."""
    words = [
        {"attribute": name, "operator": "CONTAINS_TOKEN", "value": term} for name in ("title", "body") for term in terms
    ]
    published = {"attribute": "status", "operator": "EQ", "value": "PUBLISHED"}
    conditions: list[dict[str, Any]] = [published, {"or": words}]
    if audience:
        conditions.append({"attribute": "audience", "operator": "EQ", "value": audience})
    return {"and": conditions}


OPERATIONS = (
    Operation(
        "GET",
        "/api/v1/objects/tickets/{id}/articles",
        "suggestArticles",
        "Find articles that may answer a ticket",
        suggest_articles,
        query=(
            QueryParam("audience", "string", "PUBLIC: only what may be shown to customers"),
            QueryParam("limit", "integer", "How many", _SHOWN),
        ),
        response=Suggestions,
        tag="Knowledge",
    ),
)
