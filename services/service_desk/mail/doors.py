"""POST /api/v1/service_desk/messages: an e-mail as it came, for whatever fetches or is handed mail."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.service_desk.domain.mail import MailProblem, read_mail
from services.service_desk.mail.receiving import receive
from shared.kernel.errors import Invalid
from shared.service.web.operation import Operation, answer
from shared.service.web.request import context, json_object

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

MOST_BYTES = 10_000_000


class Message(BaseModel):
    """An e-mail with all its headers: as text, or in base64 when it is not all ASCII."""

    raw: str | None = None
    raw_base64: str | None = None


class Taken(BaseModel):
    """What became of it. outcome: `opened` a ticket, `added` to one, received `again`, or `dropped`."""

    outcome: str
    ticket: str | None = None
    entry: str | None = None


def receive_message(service: Runtime) -> Response:
    """Take an e-mail in."""
    try:
        mail = read_mail(_raw(json_object()))
    except MailProblem as problem:
        raise Invalid.one("raw", "INVALID_MESSAGE", str(problem)) from None
    found = receive(service, context(), mail)
    body: dict[str, Any] = {"outcome": found.outcome}
    for name, ident in (("ticket", found.ticket), ("entry", found.entry)):
        if ident is not None:
            body[name] = str(ident)
    return answer(body)


def _raw(body: dict[str, Any]) -> bytes:
    text, encoded = body.get("raw"), body.get("raw_base64")
    if isinstance(text, str) and text and encoded is None:
        raw = text.encode()
    elif isinstance(encoded, str) and encoded and text is None:
        try:
            raw = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise Invalid.one("raw_base64", "INVALID_TYPE", "raw_base64 is not base64") from None
    else:
        both = text is not None and encoded is not None
        wrong = "name the message in raw or raw_base64, not in both" if both else "raw or raw_base64 must be an e-mail"
        raise Invalid.one("raw", "REQUIRED_FIELD", wrong)
    if len(raw) > MOST_BYTES:
        raise Invalid.one("raw", "LIMIT_EXCEEDED", f"a message has at most {MOST_BYTES:,} bytes")
    return raw


OPERATIONS = (
    Operation(
        "POST",
        "/api/v1/service_desk/messages",
        "receiveMessage",
        "Take an e-mail in",
        receive_message,
        body=Message,
        response=Taken,
        example={"raw": "From: ada@example.org\nSubject: Help\nMessage-ID: <1@example.org>\n\nIt burns."},
        tag="E-mail",
    ),
)
