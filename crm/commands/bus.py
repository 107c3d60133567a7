"""`crm bus`: how events travel between services, and those that a handler could not take."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from crm.api import path_of
from crm.command import command, group
from crm.commands.status import services
from crm.present import minute, rows_table
from crm.session import Session

app = group("Events between services: lag, readers, events put aside.")

_SHOWN = ("subscription", "state", "behind", "lag_seconds", "dead_letters", "skipped")
Service = Annotated[str, typer.Argument(help="The service where the letter lies.")]


@command(app)
def status(session: Session) -> None:
    """Show every log with its readers, and every subscription with its lag in events and seconds."""
    found = {name: session.api.get(path_of(name, "bus")) for name in services(session)}
    session.answer({"services": found}, lambda: _shown(found))


def _shown(found: dict[str, Any]) -> RenderableType:
    logs = rows_table(("Log", "Events", "Reader", "Behind", "Last seen"), _readers(found), title="Logs")
    titles = ("Subscription", "State", "Behind", "Lag s", "Put aside", "Given up", "Last error")
    follows = ([*(one[key] for key in _SHOWN), _why(one)] for service in found.values() for one in service["follows"])
    return Group(logs, rows_table(titles, follows, title="Subscriptions"))


def _why(one: dict[str, Any]) -> str:
    """The last error of the subscription, or why its events lie aside."""
    letter = one["dead_letter"]
    return one["error"] or (f"{letter['error']} (put aside since {minute(letter['since'])})" if letter else "")


def _readers(found: dict[str, Any]) -> list[list[object]]:
    rows: list[list[object]] = []
    for name, service in found.items():
        events = service["log"]["events"]
        readers = service["readers"] or [{"name": "", "behind": "", "seen_at": ""}]
        for place, one in enumerate(readers):
            head = [name, events] if place == 0 else ["", ""]
            rows.append([*head, one["name"], one["behind"], minute(one["seen_at"])])
    return rows


@command(app)
def letters(session: Session) -> None:
    """List events put aside, with the reason."""
    found: list[dict[str, Any]] = []
    for name in services(session):
        after: str | None = None
        while True:
            page = session.api.get(path_of(name, "dead-letters"), after=after)
            found += [{"service": name, **one} for one in page["results"]]
            after = page.get("next_after")
            if not after:
                break
    titles = ("Service", "Id", "Subscription", "Event", "About", "Reason", "Tried", "At")
    session.answer({"results": found}, lambda: rows_table(titles, map(_letter, found)))


def _letter(one: dict[str, Any]) -> list[object]:
    about = f"{one['entity_type']} {one['entity_id'] or ''}"
    head = [one["service"], one["id"], one["subscription"], one["kind"], about]
    return [*head, one["error"], one["attempts"], minute(one["at"])]


@command(app)
def replay(session: Session, service: Service, id: str) -> None:
    """Apply an event put aside, and those that wait behind it."""
    _settle(session, service, id, "replay")


@command(app)
def skip(session: Session, service: Service, id: str) -> None:
    """Give an event put aside up for good, and apply those that wait behind it.

    Where entities are kept at their versions, the entity is taken over as its source has it.
    """
    _settle(session, service, id, "skip")


def _settle(session: Session, service: str, id: str, how: str) -> None:
    body = session.api.post(path_of(service, "dead-letters", id, how), {})
    session.answer(body, lambda: Text("; ".join(_told(body))))


def _told(body: dict[str, Any]) -> list[str]:
    found = [f"{body[key]} {word}" for key, word in (("skipped", "given up"), ("applied", "applied")) if body[key]]
    found += ["the entity was taken over from its source"] if body["taken_over"] else []
    found += [f"{body['left']} left"] if body["left"] else []
    return [*found, body["error"]] if body["error"] else found
