"""Articles and what they are suggested for."""

from __future__ import annotations

from typing import Any

from tests.integration.service_desk.conftest import Desk

ARTICLES = "/api/v1/objects/articles"


def article(desk: Desk, **values: str) -> str:
    """A new article."""
    return str(desk.ask("POST", ARTICLES, 201, values=values)["id"])


def suggested(desk: Desk, ticket: str, query: str = "") -> list[dict[str, Any]]:
    """What is suggested for a ticket."""
    return list(desk.ask("GET", f"/api/v1/objects/tickets/{ticket}/articles{query}")["results"])


def test_an_article_begins_as_a_draft_of_ours(desk: Desk) -> None:
    made = article(desk, title="Toner")
    values = desk.ask("GET", f"{ARTICLES}/{made}?attributes=audience,status,published_at")["values"]
    assert (values["audience"], values["status"], values.get("published_at")) == ("INTERNAL", "DRAFT", None)
    desk.ask("PATCH", f"{ARTICLES}/{made}", values={"status": "PUBLISHED"})
    assert desk.ask("GET", f"{ARTICLES}/{made}?attributes=published_at")["values"]["published_at"]


def test_published_articles_are_suggested_the_likest_first(desk: Desk) -> None:
    told = {"status": "PUBLISHED"}
    jam = article(desk, title="Scanner jams", body="<p>Open the scanner, pull.</p>", audience="PUBLIC", **told)
    ours = article(desk, title="Whom to call", body="The scanner's maker: 555-0100", **told)
    article(desk, title="Scanner jams, a draft", body="Open the scanner.")
    ticket = desk.ticket(subject="The scanner jams", content="Paper is stuck in the scanner, please help")
    assert [one["id"] for one in suggested(desk, ticket)] == [jam, ours]
    assert [one["id"] for one in suggested(desk, ticket, "?audience=PUBLIC")] == [jam]
    assert suggested(desk, desk.ticket(subject="Weather")) == []
    assert suggested(desk, desk.ticket()) == []
    desk.ask("GET", f"/api/v1/objects/tickets/{ticket}/articles?audience=ALL", 400)
    desk.ask("GET", "/api/v1/objects/tickets/999999999/articles", 404)
