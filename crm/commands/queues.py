"""`crm queues`: where tickets wait, how many, and taking the next one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from crm.api import path_of, results
from crm.command import command, group
from crm.present import rows_table
from crm.question import filter_body
from crm.session import Session

app = group("Queues of tickets: what waits in them, and the next ticket for whoever asks.")
TICKET = "ticket"
_COUNTS = ("open", "unassigned", "breaching_soon")


@command(app, "list")
def list_(
    session: Session,
    soon: Annotated[int, typer.Option("--soon", min=1, help="What is soon late, in minutes from now.")] = 120,
) -> None:
    """List queues with what waits in them."""
    body = session.api.get(f"{_path()}?soon_minutes={soon}")
    titles = ("Id", "Name", "Open", "Nobody's", "Soon late", "Pool", "Given out")
    session.answer(body, lambda: rows_table(titles, map(_line, results(body))))


def _line(one: Mapping[str, Any]) -> list[object]:
    out = "by itself" if one["automatic"] else ""
    return [one["id"], one["name"], *(f"{one[name]:,}" for name in _COUNTS), one["pool"], out]


@command(app)
def add(
    session: Session,
    name: str,
    filter: Annotated[str, typer.Argument(help="Which tickets; those that name the queue when left out.")] = "",
    pool: Annotated[str, typer.Option("--pool", help="Who works on it.")] = "",
    automatic: Annotated[bool, typer.Option("--automatic", help="New tickets go to whose turn it is.")] = False,
    sticky: Annotated[int, typer.Option("--sticky", min=0, help="Days for which a requester keeps their agent.")] = 0,
    position: Annotated[int, typer.Option("--position", help="In which order queues stand.")] = 0,
) -> None:
    """Make a queue: crm queues add Billing 'category = BILLING_ISSUE' --pool Support --automatic"""
    asked: dict[str, Any] = {"name": name, "automatic": automatic, "position": position, "pool": pool or None}
    asked["filter"] = filter_body(session, session.vocabulary(TICKET), filter)
    asked["sticky_days"] = sticky or None
    made = session.api.post(_path(), asked)
    session.answer(made, lambda: Text(f"queue {made['id']}: {made['name']}"))


@command(app)
def remove(session: Session, queue: str) -> None:
    """Remove a queue, by its id."""
    session.api.delete(_path(queue))
    session.answer({"id": queue, "removed": True}, lambda: Text(f"queue {queue} removed"))


@command(app, "next")
def next_(
    session: Session,
    queue: str,
    owner: Annotated[str, typer.Option("--owner", help="The id of the owner who asks.")],
) -> None:
    """Take the most urgent ticket that is nobody's: crm queues next 3 --owner 12"""
    body = session.api.post(_path(queue, "next"), {"owner": owner})
    session.answer(body, lambda: Text(_taken(body["ticket"])))


def _taken(ticket: Mapping[str, Any] | None) -> str:
    return "nothing waits here" if ticket is None else f"ticket {ticket['id']}: {ticket['values'].get('subject') or ''}"


def _path(*parts: str) -> str:
    return path_of("service_desk", "queues", *parts)
