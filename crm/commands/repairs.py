"""`crm repairs`: what verifications found wrong, which groups, and whether it was put right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from crm.present import minute, rows_table
from crm.session import Session

PATH = "/reporting/v1/repairs"

Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="The latest so many.")]
After = Annotated[str, typer.Option("--after", help="Those before this one, by its id.")]


def repairs(session: Session, limit: Limit = 20, after: After = "") -> None:
    """List what verifications found wrong, newest first, with the groups."""
    body = session.api.get(PATH, limit=str(limit), after=after or None)
    titles = ("Id", "At", "What", "How much", "Repaired", "Which")
    session.answer(body, lambda: rows_table(titles, map(_line, body["results"])))


def _line(one: Mapping[str, Any]) -> list[object]:
    told = "\n".join(cells_told(one.get("found") or {}))
    return [one["id"], minute(one["at"]), one["what"], one["detail"], "yes" if one["repaired"] else "NO", told]


def cells_told(found: Mapping[str, Any]) -> list[str]:
    """Wrong groups as lines: where, what is stored, what is right."""
    lines = [_cell(one) for one in found.get("cells") or ()]
    return [*lines, f"and {found['more']:,} more"] if found.get("more") else lines


def _cell(one: Mapping[str, Any]) -> str:
    group = ", ".join(f"{name}={'' if value is None else value}" for name, value in one["group"].items()) or "all"
    place = " ".join(part for part in (one["in"], one.get("day"), one.get("value")) if part)
    return f"{group} ({place}): {_number(one['stored'])}, right: {_number(one['right'])}"


def _number(told: Any) -> str:
    """`n 3, sum 12.5`: what is nothing besides is left out."""
    if not isinstance(told, Mapping):
        return "nothing" if told is None else str(told)
    some = {name: one for name, one in told.items() if name == "n" or str(one) not in ("0", "None")}
    return ", ".join(f"{name.replace('_', ' ')} {one}" for name, one in some.items())
