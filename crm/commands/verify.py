"""`crm verify`: whether every number is what it should be, on both sides of every log."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from crm.api import ApiError
from crm.commands.repairs import cells_told
from crm.present import minute, rows_table
from crm.session import Session

PATH = "/reporting/v1/verify"
LOOK_EVERY = 0.5

_HELD_BACK = {True: ["left as it is: the replica is not proven"], False: []}
_ACCOUNT = ("source", "produced", "applied", "put_aside", "skipped")
Repair = Annotated[bool, typer.Option("--repair", help="Put right what is wrong in reporting.")]
Reread = Annotated[bool, typer.Option("--reread", help="Read every value again, on both sides; slow.")]
Wait = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for the outcome.")]


def verify(session: Session, repair: Repair = False, reread: Reread = False, wait: Wait = 300.0) -> None:
    """Compare metrics with the replica, the replica with its sources, and balance the logs. Exit code 1: wrong."""
    before = _last(session)
    wishes = "&".join(name for name, wished in (("repair=true", repair), ("reread=true", reread)) if wished)
    session.api.post(f"{PATH}?{wishes}" if wishes else PATH, {})
    deadline = time.monotonic() + wait
    found = before
    while found is None or (before is not None and found["at"] == before["at"]):
        if time.monotonic() >= deadline:
            session.errors.print("crm: the verification is still under way")
            raise typer.Exit(1)
        time.sleep(LOOK_EVERY)
        found = _last(session)
    outcome: Mapping[str, Any] = found
    session.answer(found, lambda: shown(outcome))
    if not found["right"]:
        raise typer.Exit(1)


def _last(session: Session) -> dict[str, Any] | None:
    try:
        return dict(session.api.get(PATH))
    except ApiError as error:
        if error.status != 404:
            raise
        return None


def shown(found: Mapping[str, Any]) -> RenderableType:
    """What a verification found: of metrics only what is wrong, with their groups."""
    sources = (
        [name, one["entities"], one["ranges"], one["in_flight"], one["repaired"], "\n".join(one["differences"])]
        for name, one in found["sources"].items()
    )
    links = found["links"]
    linked = [links["links"], links["ranges"], links["repaired"], "\n".join(links["differences"])]
    accounts = ([*(one[key] for key in _ACCOUNT), "yes" if one["balanced"] else "NO"] for one in found["accounts"])
    parts: list[RenderableType] = [
        rows_table(("Source", "Entities", "Ranges", "In flight", "Repaired", "Different"), sources, title="Replica"),
        rows_table(("Links", "Ranges", "Repaired", "Different"), [linked], title="Links"),
        rows_table(("Log", "Produced", "Applied", "Put aside", "Given up", "Balanced"), accounts, title="Accounts"),
        *_metrics(found),
    ]
    if found.get("after_repair") and found["right"]:
        parts.append(Text("repaired; a second look found everything right", style="green"))
    elif found.get("after_repair"):
        parts += [Text("a second look found what remains:", style="red"), *_remaining(found["after_repair"])]
    right = Text(f"{'all right' if found['right'] else 'something is wrong'}, {minute(found['at'])}")
    right.stylize("green" if found["right"] else "red")
    return Group(*parts, right)


def _metrics(found: Mapping[str, Any]) -> list[RenderableType]:
    """Those that are wrong, with their groups, and how many were looked at."""
    metrics, held_back = found["metrics"], set(found["held_back"])
    wrong = [
        [name, one["groups"], one["wrong"], "\n".join([*_HELD_BACK[name in held_back], *cells_told(one)])]
        for name, one in metrics.items()
        if one["wrong"]
    ]
    groups = sum(one["groups"] for one in metrics.values())
    line = Text(f"{len(metrics):,} metrics with {groups:,} groups; wrong: {len(wrong):,} metrics")
    return [rows_table(("Metric", "Groups", "Wrong", "Which"), wrong, title="Metrics"), line] if wrong else [line]


def _remaining(look: Mapping[str, Any]) -> list[RenderableType]:
    lines = [line for one in (*look["sources"].values(), look["links"]) for line in one["differences"]]
    unbalanced = [one["source"] for one in look["accounts"] if not one["balanced"]]
    lines += [f"the account of {name} does not balance" for name in unbalanced]
    return [*map(Text, lines), *_metrics(look)]
