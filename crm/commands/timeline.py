"""`crm timeline`: everything that happened with one customer, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from crm.api import path_of
from crm.present import minute, rows_table
from crm.session import Session

Kinds = Annotated[str, typer.Option("--kinds", help="Only these, separated by commas; activity means all activities.")]
Since = Annotated[str, typer.Option("--since", help="Nothing before this instant or date.")]
Until = Annotated[str, typer.Option("--until", help="Only what was before this instant or date.")]
Actor = Annotated[str, typer.Option("--actor", help="Only what this actor did: the id of a token, or system.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many lines at most.")]
_MOST = 200


def timeline(
    session: Session, type: str, id: str,
    kinds: Kinds = "", since: Since = "", until: Until = "", actor: Actor = "", limit: Limit = 50,
) -> None:  # fmt: skip
    """Show what happened: crm timeline contacts 42 --kinds activity,stage --since 2026-01-01

    ID may be an e-mail address or the like, as in crm show.
    """
    key = session.vocabulary(type).key_of(id)
    if key is not None:
        id = session.api.get(path_of("objects", type, id), attributes="id", by=key)["id"]
    asked = {name: value or None for name, value in (("kinds", kinds), ("since", since), ("until", until))}
    lines: list[Mapping[str, Any]] = []
    page: dict[str, Any] = {}
    while len(lines) < limit:
        page = session.api.get(
            path_of("timeline", type, id), **asked, actor=actor or None,
            limit=min(limit - len(lines), _MOST), cursor=page.get("next_cursor"),
        )  # fmt: skip
        lines += page["results"]
        if not page.get("next_cursor"):
            break
    body = {**page, "results": lines}
    session.answer(body, lambda: _shown(body))


def _shown(body: Mapping[str, Any]) -> RenderableType:
    rows = [(minute(one["at"]), one["kind"], "\n".join(_told(one)), _source(one)) for one in body["results"]]
    parts: list[RenderableType] = [rows_table(("When", "What", "About", "Source"), rows)]
    left_out = body.get("left_out", ())
    if left_out:
        named = (f"{one['type']} (needs {one['scope']})" for one in left_out)
        parts.append(Text(f"Left out: {', '.join(named)}"))
    if body.get("next_cursor"):
        parts.append(Text("There is more: ask with a greater --limit."))
    return Group(*parts)


def _told(line: Mapping[str, Any]) -> Iterator[str]:
    data = line.get("data", {})
    about = line.get("entity")
    if about is not None:
        values = about.get("values") or {}
        name = data.get("title") or " ".join(str(one) for one in values.values() if one)
        yield f"{about['type']} {about['id']}{f': {name}' if name else ''}"
    states = [str(data[one]) for one in ("author", "status", "outcome", "direction", "priority") if data.get(one)]
    if states:
        yield ", ".join(states)
    if data.get("ticket"):
        yield f"about ticket {data['ticket']}"
    if data.get("ids"):
        yield f"with {', '.join(data['ids'])}"
    for change in line.get("changes", ()):
        yield f"{change.get('label') or change['attribute']}: {_move(change)}"


def _move(change: Mapping[str, Any]) -> str:
    old, new = (change.get(f"{one}_label") or change.get(one) for one in ("old", "new"))
    before = "" if old is None else f"{old} → "
    return f"{before}{'(cleared)' if new is None else new}"


def _source(line: Mapping[str, Any]) -> str:
    return f"{line.get('source') or ''} {line.get('source_id') or ''}".strip()
