"""HTTP: the page that customers answer on, and links to it for operators.

The page is public: a link is all that is shown to it. Looking at it changes nothing, so that programs which follow the
links of e-mails do not answer in somebody's place. What is not signed by us, or was asked by a database that is no
more, is answered alike.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Response, request
from pydantic import BaseModel

from services.service_desk.macros.doors import home_of, permit, ticket_of
from services.service_desk.macros.spelling import ASK_DAYS, MOST_DAYS
from services.service_desk.promises.keeping import TICKET
from services.service_desk.satisfaction import page, surveys
from services.service_desk.satisfaction.limits import Limit
from services.service_desk.satisfaction.signing import Link, keys_of, read
from services.service_desk.satisfaction.surveys import LEAST, MOST, MOST_COMMENT, PATH
from shared.kernel.clock import now
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, Invalid, NotFound, RateLimited
from shared.service.web.operation import Operation, answer
from shared.service.web.request import context, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

TAG = "Satisfaction"
_NOTHING = ("This link does not work", "Please take the whole link from our e-mail.")
_GONE = ("This request is no longer there", "Your answer cannot be kept: what it is about was removed.")
_OVER = ("This link has expired", "There is nothing to answer here any more. Thank you all the same.")


class Asked(BaseModel):
    """About which ticket; how many days the link is good for."""

    ticket: str
    days: int = ASK_DAYS


class SurveyLink(BaseModel):
    """The link by which whoever has it answers once."""

    ticket: str
    url: str


class Answer(BaseModel):
    """A score from 1 (very bad) to 5 (very good), and what else there is to say; a form sends the same."""

    score: int
    comment: str = ""


def show_question(service: Runtime, token: str) -> Response:
    """The page: a form, or what was answered."""
    refused, link = _opened(service, token)
    if link is None:
        return refused
    with service.db.connect() as connection:
        home = home_of(service)
        found = surveys.read(connection, home, link)
        there = bool(home.states(connection, TICKET, [surveys.meant(connection, home, link)]))
    if found is None:
        return _html(page.refused(*_NOTHING), 404)
    if found.answered is not None:
        return _html(page.thanks(found, first=False))
    if _over(link):
        return _html(page.refused(*_OVER), 410)
    return _html(page.question()) if there else _html(page.refused(*_GONE), 410)


def take_answer(service: Runtime, token: str) -> Response:
    """Record an answer, once."""
    refused, link = _opened(service, token)
    if link is None:
        return refused
    try:
        score, comment = _said()
    except Invalid as error:
        return _html(page.question(error.message), 400)
    home = home_of(service)
    if _over(link):
        with service.db.connect() as connection:
            found = surveys.read(connection, home, link)
        if found is None or found.answered is None:
            return _html(page.refused(*(_NOTHING if found is None else _OVER)), 404 if found is None else 410)
        return _html(page.thanks(found, first=False))
    try:
        done = surveys.answered(home, link, score, comment)
    except NotFound:
        return _html(page.refused(*_GONE), 410)
    if done is None:
        return _html(page.refused(*_NOTHING), 404)
    return _html(page.thanks(done[0], first=done[1]))


def make_link(service: Runtime) -> Response:
    """Ask about a ticket: the link, for whoever sends it in a way of their own."""
    permit(service, "write", "objects")
    body = json_object()
    known_keys(body, ("ticket", "days"))
    ticket, days = ticket_of(body), body.get("days", ASK_DAYS)
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MOST_DAYS:
        raise Invalid.one("days", "INVALID_INTEGER", f"days must be a whole number from 1 to {MOST_DAYS}")
    home, ctx = home_of(service), context()
    ask = surveys.asking(service.settings)(home)

    def work(connection: Connection) -> str | None:
        states = home.states(connection, TICKET, [ticket], lock=True)
        if ticket not in states:
            raise NotFound(TICKET, [str(ticket)])
        return ask(connection, states[ticket], days, ctx)

    url = home.at_once(work)
    if url is None:
        raise Conflict(f"somebody was asked about this cycle of ticket {ticket} before")
    return answer({"ticket": str(ticket), "url": url}, 201)


def _opened(service: Runtime, token: str) -> tuple[Response, Link | None]:
    """What a link says; with none, the answer."""
    try:
        _limit(service).count(_who())
    except RateLimited as error:
        return _html(page.refused("Too many tries", error.message), 429, {"Retry-After": str(error.retry_after)}), None
    return _html(page.refused(*_NOTHING), 404), read(token, _keys(service))


def _said() -> tuple[int, str]:
    """Score and comment of a form, or of JSON. Raises Invalid."""
    given: Any = json_object() if request.mimetype.endswith("json") else request.form
    score, comment = given.get("score"), given.get("comment") or ""
    if str(score) not in {str(one) for one in range(LEAST, MOST + 1)}:
        raise Invalid.one("score", "INVALID_INTEGER", f"Please choose a score from {LEAST} to {MOST}.")
    if not isinstance(comment, str) or len(comment) > MOST_COMMENT:
        raise Invalid.one("comment", "LIMIT_EXCEEDED", f"Please say it in at most {MOST_COMMENT} characters.")
    return int(score), comment.replace("\x00", "").strip()


def _over(link: Link) -> bool:
    return now().timestamp() > link.expires


def _who() -> str:
    """Whose tries are counted: of the address that we see, or that our own front saw."""
    seen = request.remote_addr or ""
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        near = ipaddress.ip_address(seen).is_private
        return str(ipaddress.ip_address(told)) if near and told else seen
    except ValueError:
        return seen


@lru_cache(maxsize=8)
def _limit(service: Runtime) -> Limit:
    return Limit(service.redis, place=urlsplit(service.db.url).path.strip("/"))


@lru_cache(maxsize=8)
def _keys(service: Runtime) -> tuple[bytes, ...]:
    return tuple(keys_of(service.settings))


def _html(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(text, status, {**page.HEADERS, **(headers or {})}, content_type="text/html; charset=utf-8")


def _page(method: str, name: str, summary: str, handler: Any, **more: Any) -> Operation:
    path = f"{PATH}{{token}}"
    return Operation(method, path, name, summary, handler, tag=TAG, public=True, produces=("text/html",), **more)


OPERATIONS = (
    _page("GET", "showQuestion", "Show a customer the page of a link", show_question),
    _page(
        "POST", "takeAnswer", "Take a customer's answer, once", take_answer, body=Answer,
        example={"score": 5, "comment": "Thank you!"},
    ),
    Operation(
        "POST", "/api/v1/service_desk/surveys", "makeSurvey", "Make the link that asks how a ticket was served",
        make_link, success=201, body=Asked, response=SurveyLink, example={"ticket": "1"}, tag=TAG, secret=True,
    ),
)  # fmt: skip
