"""`crm assign` and `crm assignments`: giving entities to whom they are due, and why they are whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from crm.api import path_of, results
from crm.command import command, group
from crm.present import minute, rows_table
from crm.session import Session

app = group("Who got what, and why; what waits for somebody.")
_REASONS = {
    "turn": "whose turn it was",
    "sticky": "who had the last one like it",
    "taken": "who asked for it",
    "empty_pool": "nobody in the pool gets anything",
    "nobody_has_the_skills": "nobody has the skills",
    "everybody_is_away": "everybody is away",
    "everybody_is_full": "everybody has as many as they can",
    "no_such_pool": "there is no such pool",
    "no_rule_fits": "no rule fits",
    "refused": "refused by the rules of the type",
}


def assign(
    session: Session,
    type: Annotated[str, typer.Argument(help="The entity type.")],
    id: Annotated[str, typer.Argument(help="Its id.")],
    pool: Annotated[str, typer.Option("--pool", help="From which pool; by the rules when left out.")] = "",
) -> None:
    """Give an entity to whom it is due: crm assign deals 42 --pool North"""
    body = session.api.post(path_of("objects", type, id, "assign"), {"pool": pool} if pool else {})
    session.answer(body, lambda: Text(_said(id, body["assignment"])))


@command(app)
def why(session: Session, type: str, id: str) -> None:
    """Why an entity is whose it is: crm assignments why tickets 42"""
    body = session.api.get(path_of("objects", type, id, "assignments"))
    session.answer(body, lambda: _story(body))


@command(app)
def waiting(session: Session, type: str) -> None:
    """What nobody could get so far, and why: crm assignments waiting tickets"""
    body = session.api.get(path_of("types", type, "unassigned"))
    titles = ("Id", "Since", "Pool", "Why", "Tried")
    session.answer(body, lambda: rows_table(titles, map(_waits, results(body))))


@command(app)
def agents(session: Session, type: str) -> None:
    """What owners can take of a type: crm assignments agents tickets"""
    body = session.api.get(path_of("types", type, "agents"))
    titles = ("Owner", "At most", "Skills", "Away from", "Away until")
    session.answer(body, lambda: rows_table(titles, map(_agent, results(body))))


@command(app)
def rules(session: Session, type: str) -> None:
    """By which rules a type is given out: crm assignments rules deals"""
    body = session.api.get(path_of("types", type, "assignment-rules"))
    session.answer(body, lambda: rows_table(("Rule", "Pool", "Skills"), map(_rule, results(body))))


def _said(id: str, told: Mapping[str, Any]) -> str:
    if told["owner"] is None:
        return f"{id} waits: {_reason(told)}"
    return f"{id} goes to owner {told['owner']}: {_reason(told)}{_where(told)}"


def _story(body: Mapping[str, Any]) -> RenderableType:
    titles = ("When", "Owner", "Before", "Why", "Rule", "Pool")
    table = rows_table(
        titles,
        (
            [minute(one["at"]), one["owner"], one["before"], _reason(one), one["rule"], one["pool"]]
            for one in results(body)
        ),
    )
    waits = body["waiting"]
    return table if waits is None else Group(table, Text(f"waits since {minute(waits['since'])}: {_reason(waits)}"))


def _waits(one: Mapping[str, Any]) -> list[object]:
    return [one["id"], minute(one["since"]), one["pool"], _reason(one), minute(one["tried_at"])]


def _agent(one: Mapping[str, Any]) -> list[object]:
    away = (minute(one["away_from"]), minute(one["away_until"]))
    return [one["owner"], one["capacity"], ", ".join(one["skills"]), *away]


def _rule(one: Mapping[str, Any]) -> list[object]:
    return [one["name"], one["pool"], ", ".join(one["skills"])]


def _reason(told: Mapping[str, Any]) -> str:
    return _REASONS.get(told["reason"] or "", told["reason"] or "not tried yet")


def _where(told: Mapping[str, Any]) -> str:
    rule = f", by rule {told['rule']}" if told["rule"] else ""
    return f"{rule}, of pool {told['pool']}" if told["pool"] else rule
