"""HTTP doors of tokens: GET/POST /api/v1/tokens, DELETE /api/v1/tokens/{id}. Operations of workspace only."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from shared.kernel.clock import iso, read_instant
from shared.kernel.errors import Invalid, NotFound
from shared.service.permissions import TOKENS_READ, require_scope
from shared.service.token_commands import TokenRow, announce_tokens, create_token, list_tokens, revoke_token
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import BIGGEST_ID, context, int_param, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PAGE = 100


class NewToken(BaseModel):
    """What a token is to be."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="What the token is for", min_length=1, max_length=200)
    scopes: list[str] = Field(description="Rights such as crm.objects.contacts.read; `*` grants all", min_length=1)
    expires_at: datetime | None = Field(None, description="When it stops working; never, if left out")


class Token(BaseModel):
    """A token without its text."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class MadeToken(Token):
    """A new token. `token` is shown here once and never again."""

    token: str


class TokenPage(BaseModel):
    """A page of tokens; `next_after` is missing on the last one."""

    results: list[Token]
    next_after: str | None = None


def present(row: TokenRow) -> dict[str, Any]:
    """A token's JSON, without hash and text."""
    return {
        "id": str(row.id),
        "name": row.name,
        "scopes": list(row.scopes),
        "created_at": iso(row.created_at),
        "expires_at": iso(row.expires_at) if row.expires_at else None,
        "revoked_at": iso(row.revoked_at) if row.revoked_at else None,
    }


def list_(service: Runtime) -> Response:
    """All tokens, by id."""
    limit = int_param("limit", PAGE, PAGE, least=1) or PAGE
    rows = list_tokens(service.db, context(), after=int_param("after", 0) or 0, limit=limit + 1)
    body: dict[str, Any] = {"results": [present(row) for row in rows[:limit]]}
    if len(rows) > limit:
        body["next_after"] = str(rows[limit - 1].id)
    return answer(body)


def create(service: Runtime) -> Response:
    """A new token; its text is in this answer only."""
    body = json_object()
    known_keys(body, ("name", "scopes", "expires_at"))
    expires = _instant(body.get("expires_at"))
    row, text = create_token(service.db, context(), body.get("name"), body.get("scopes"), expires)
    return answer({**present(row), "token": text}, 201)


def revoke(service: Runtime, id: str) -> Response:
    """Stop a token everywhere within a second."""
    if not (id.isascii() and id.isdigit() and int(id[:20]) <= BIGGEST_ID):
        raise NotFound("token", [id[:40]])
    revoke_token(service.db, context(), int(id))
    service.tokens.forget()
    return no_content()


def _instant(raw: object) -> datetime | None:
    if raw is None:
        return None
    try:
        return read_instant(raw)
    except ValueError:
        text = "expires_at must be an ISO 8601 instant such as 2030-01-31T00:00:00Z"
        raise Invalid.one("expires_at", "INVALID_DATE", text) from None


def announce(service: Runtime) -> Response:
    """Publish every token again, for a replica that begins after older events have been dropped."""
    ctx = context()
    require_scope(ctx.actor, TOKENS_READ)
    with service.db.transaction() as connection:
        announce_tokens(connection, ctx)
    return no_content()


_EXAMPLE = {"name": "nightly export", "scopes": ["crm.objects.contacts.read"]}

OPERATIONS = (
    Operation(
        "POST",
        "/api/v1/tokens/announce",
        "announceTokens",
        "Publish all tokens on the feed again",
        announce,
        204,
        tag="Tokens",
        read_only=True,
        description="Needs `crm.tokens.read`. For services whose replica begins late; texts of tokens are never told.",
    ),
    Operation(
        "GET",
        "/api/v1/tokens",
        "listTokens",
        "List tokens",
        list_,
        query=(
            QueryParam("limit", "integer", "Tokens per page, at most 100", PAGE),
            QueryParam("after", "string", "`next_after` of the page before"),
        ),
        response=TokenPage,
        tag="Tokens",
        description="Needs `crm.tokens.read`. Texts of tokens are not kept and never shown again.",
    ),
    Operation(
        "POST",
        "/api/v1/tokens",
        "createToken",
        "Make a token",
        create,
        201,
        body=NewToken,
        response=MadeToken,
        example=_EXAMPLE,
        secret=True,
        tag="Tokens",
        description="Needs `crm.tokens.write` and every scope that is granted. The text is in this answer only.",
    ),
    Operation(
        "DELETE",
        "/api/v1/tokens/{id}",
        "revokeToken",
        "Revoke a token",
        revoke,
        204,
        tag="Tokens",
        description="Needs `crm.tokens.write`. The token stops working in every service within a second.",
    ),
)
