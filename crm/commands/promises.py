"""`crm sla policies`, `calendars`, `due` and `breaches`: what is promised, tried and activated, what ends next and what
was missed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from crm.api import path_of, results
from crm.command import command, group
from crm.declaring import File, read_file
from crm.present import minute, rows_table
from crm.session import Session
from shared.kernel.clock import iso, now

policies = group("Policies: what is promised to customers, in versions.")
calendars = group("Calendars: when business is, in versions.")

Filter = dict[str, Any]
TARGETS = ("first_response", "next_response", "resolution")
_SHOWN = ("subject", "status", "priority", "owner_id")
_TITLES = ("Ticket", "Subject", "Target", "Clock", "Due", "Status", "Priority", "Owner")
Name = Annotated[str, typer.Argument(help="Its name.")]
Since = Annotated[str, typer.Option("--from", help="From when on the version counts; now when absent.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="How many.")]


@command(policies, "list")
def list_policies(session: Session) -> None:
    """List policies as they are by now, or will be."""
    body = session.api.get(path_of("sla", "policies"))
    titles = ("Name", "Version", "From", "Calendar", "For", "Promises", "Warns")
    session.answer(body, lambda: rows_table(titles, map(_policy, _last(results(body)))))


@command(policies)
def show(session: Session, name: Name) -> None:
    """Show a policy with all its versions."""
    _show(session, "policies", name)


@command(policies)
def preview(
    session: Session,
    files: Annotated[list[Path], typer.Argument(help="Files of JSON: drafts of policies, and of calendars.")],
    since: Annotated[str, typer.Option("--since", help="Only tickets that changed since this instant.")] = "",
) -> None:
    """What drafts would have meant for the tickets there are. Nothing is written."""
    drafts = [read_file(one) for one in files]
    asked: dict[str, Any] = {
        "policies": [one for one in drafts if "hours" not in one],
        "calendars": [one for one in drafts if "hours" in one],
        **({"since": since} if since else {}),
    }
    body = session.api.post(path_of("sla", "preview"), asked)
    session.answer(body, lambda: _previewed(body))


@command(policies)
def activate(session: Session, file: File, since: Since = "") -> None:
    """Declare a policy, or its next version: crm sla policies activate standard.json --from 2027-01-01T00:00:00Z"""
    _declare(session, "policies", "policy", file, since)


@command(calendars, "list")
def list_calendars(session: Session) -> None:
    """List calendars as they are by now, or will be."""
    body = session.api.get(path_of("sla", "calendars"))
    titles = ("Name", "Version", "From", "Time zone", "Hours", "Holidays", "Exceptions")
    session.answer(body, lambda: rows_table(titles, map(_calendar, _last(results(body)))))


@command(calendars, "show")
def show_calendar(session: Session, name: Name) -> None:
    """Show a calendar with all its versions."""
    _show(session, "calendars", name)


@command(calendars, "declare")
def declare_calendar(session: Session, file: File, since: Since = "") -> None:
    """Declare a calendar, or its next version, from a file of JSON."""
    _declare(session, "calendars", "calendar", file, since)


def due(
    session: Session,
    within: Annotated[int, typer.Option("--within", min=1, help="In so many minutes from now.")] = 480,
    limit: Limit = 30,
) -> None:
    """Which promises end next: crm sla due --within 60"""
    ends = [iso(now()), iso(now() + timedelta(minutes=within))]

    def wanted(target: str) -> Filter:
        return {"and": [_is(target, "running"), _due(target, "BETWEEN", value=ends[0], high_value=ends[1])]}

    found = sorted(_clocks(session, limit, "asc", wanted), key=lambda one: str(one["due_at"]))[:limit]
    session.answer({"results": found}, lambda: rows_table(_TITLES, map(_line, found)))


def breaches(
    session: Session,
    closed: Annotated[bool, typer.Option("--closed", help="Of closed tickets too.")] = False,
    limit: Limit = 30,
) -> None:
    """Which promises are late or were missed, of open tickets in their present cycle, the latest first."""
    still: list[Filter] = [] if closed else [{"attribute": "status", "operator": "NEQ", "value": "closed"}]
    moment = iso(now())

    def wanted(target: str) -> Filter:
        late: Filter = {"and": [_is(target, "running"), _due(target, "LT", value=moment)]}
        return {"and": [{"or": [_is(target, "breached"), late]}, *still]}

    found = sorted(_clocks(session, limit, "desc", wanted), key=lambda one: str(one["due_at"]), reverse=True)[:limit]
    session.answer({"results": found}, lambda: rows_table(_TITLES, map(_line, found)))


def _is(target: str, status: str) -> Filter:
    return {"attribute": f"{target}_status", "operator": "EQ", "value": status}


def _due(target: str, operator: str, **operands: str) -> Filter:
    return {"attribute": f"{target}_due_at", "operator": operator, **operands}


def _clocks(session: Session, limit: int, direction: str, wanted: Callable[[str], Filter]) -> list[dict[str, Any]]:
    """Clocks of tickets that fit, by target: as tickets themselves tell of them."""
    found = []
    for target in TARGETS:
        name = f"{target}_due_at"
        body = {
            "filter": wanted(target),
            "sorts": [{"attribute": name, "direction": direction}],
            "attributes": [*_SHOWN, f"{target}_status", name],
            "limit": limit,
        }
        for one in results(session.api.post(path_of("objects", "tickets", "query"), body)):
            values = one["values"]
            shown = {key: values.get(key) for key in _SHOWN}
            clock = {"clock": values.get(f"{target}_status"), "due_at": values.get(name)}
            found.append({"ticket": one["id"], "target": target, **clock, **shown})
    return found


def _line(one: Mapping[str, Any]) -> list[object]:
    words = (one["subject"], one["target"].replace("_", " "), one["clock"], minute(one["due_at"]))
    return [one["ticket"], *words, *(one[key] for key in _SHOWN[1:])]


def _show(session: Session, kind: str, name: str) -> None:
    body = session.api.get(path_of("sla", kind))
    versions = [one for one in results(body) if one["name"] == name]
    if not versions:
        known = ", ".join(dict.fromkeys(one["name"] for one in results(body))) or "none"
        raise typer.BadParameter(f"there is no {name}; there are: {known}")
    session.answer({"results": versions}, lambda: _versions(versions))


def _versions(versions: Iterable[Mapping[str, Any]]) -> RenderableType:
    tables = []
    for one in versions:
        head = f"{one['name']}, version {one['version']}, from {minute(one['valid_from'])}"
        tables.append(rows_table(("What", "Value"), [[key, value] for key, value in one["body"].items()], title=head))
    return Group(*tables)


def _declare(session: Session, kind: str, word: str, file: Path, since: str) -> None:
    draft = {**read_file(file), **({"valid_from": since} if since else {})}
    made = session.api.post(path_of("sla", kind), draft)
    told = f"{word} {made['name']}, version {made['version']}, from {minute(made['valid_from'])}"
    session.answer(made, lambda: Text(told))


def _last(versions: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The last version of each name."""
    return list({one["name"]: one for one in sorted(versions, key=lambda one: int(one["version"]))}.values())


def _policy(one: Mapping[str, Any]) -> list[object]:
    body = one["body"]
    promises = "; ".join(
        f"{name.replace('_', ' ')} {_goal(goal)}" for name, goal in (body.get("targets") or {}).items()
    )
    what = "withdrawn" if body.get("withdrawn") else promises
    tickets = "all tickets" if not body.get("filter") else "a filter"
    warns = ", ".join(threshold["name"] for threshold in body.get("thresholds") or ())
    return [one["name"], one["version"], minute(one["valid_from"]), body.get("calendar"), tickets, what, warns]


def _goal(goal: Mapping[str, Any] | None) -> str:
    lengths = {**((goal or {}).get("by_priority") or {}), "otherwise": (goal or {}).get("otherwise")}
    return ", ".join(f"{name} {_hours(seconds)}" for name, seconds in lengths.items() if seconds is not None)


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:g} h"


def _calendar(one: Mapping[str, Any]) -> list[object]:
    body = one["body"]
    hours = "; ".join(
        f"{day[:2]} {', '.join('-'.join(part) for part in parts)}" for day, parts in (body.get("hours") or {}).items()
    )
    counts = [len(body.get(name) or ()) for name in ("holidays", "exceptions")]
    return [one["name"], one["version"], minute(one["valid_from"]), body.get("time_zone"), hours, *counts]


def _previewed(body: Mapping[str, Any]) -> RenderableType:
    rows = [(name.replace("_", " "), both["today"], both["draft"]) for name, both in body["breaches"].items()]
    whole = "" if body["whole"] else "; more than are looked at or listed"
    head = f"{body['tickets']:,} tickets looked at{whole}"
    parts: list[RenderableType] = [Text(head), rows_table(("Late", "Today", "Under the drafts"), rows)]
    for name, told in (("more", "Late under the drafts only"), ("fewer", "Late today only")):
        if body[name]:
            lines = [(one["ticket"], ", ".join(one["targets"]).replace("_", " ")) for one in body[name][:50]]
            parts += [Text(f"{told}: {len(body[name]):,}"), rows_table(("Ticket", "Targets"), lines)]
    return Group(*parts)
