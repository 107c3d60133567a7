"""An import as tables: what its columns hold, where they go, what a dry run foresees, what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from crm.importing.job import OUTCOMES, counts
from crm.importing.mapping import Line
from crm.present import minute, rows_table

MOST = 10
SAMPLES, CHANGES = 4, 5
_SHOWN = 24


def profile_table(profile: Mapping[str, Any]) -> RenderableType:
    """Kinds, blanks, different values and samples of the columns."""
    rows = []
    for one in profile["columns"]:
        nothing = one["blank"] + sum(one.get("nothing", {}).values())
        different = f"{one['distinct']:,}{'' if one.get('distinct_exact', True) else '~'}"
        samples = ", ".join(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…" for text in one["samples"][:3])
        rows.append((one["header"], one["type"], f"{one['filled']:,}", f"{nothing:,}", different, samples))
    return rows_table(("Column", "Looks like", "Filled", "Blank", "Different", "Samples"), rows, "What the file holds")


def mapping_table(lines: Iterable[Line], mapping: Mapping[str, Any]) -> RenderableType:
    """Where each column goes, and what holds for all rows."""
    table = rows_table(
        ("Column", "Goes to", ""), ((one.column, one.target, one.note) for one in lines), "What it will do"
    )
    said = [f"mode {mapping['mode']}", f"a blank cell {'clears' if mapping['blank'] == 'clear' else 'keeps'} the value"]
    if mapping["blanks"]:
        said.append(f"{', '.join(mapping['blanks'])} count as blank")
    said += [f"{name} is {value} in every row" for name, value in mapping["set"].items()]
    return Group(table, Text(f" {'; '.join(said)}", style="dim"))


def outcome_table(body: Mapping[str, Any], seconds: float | None = None, title: str = "") -> RenderableType:
    """The last table: rows by outcome, and how fast."""
    found = counts(body)
    total = sum(found.values())
    titles, row = ["Rows", *map(str.capitalize, OUTCOMES)], [f"{total:,}", *(f"{found[name]:,}" for name in OUTCOMES)]
    if seconds:
        titles += ["Seconds", "Rows/s"]
        row += [f"{seconds:.1f}", f"{total / seconds:,.0f}"]
    return rows_table(titles, [row], title or f"import {body['id']}: {body['state']}")


def reason(body: Mapping[str, Any]) -> list[RenderableType]:
    """Why it failed, if it did."""
    told = body.get("error") or ""
    return [Text(f"import {body['id']} is {body['state']}: {told}", style="red")] if told else []


def ended_table(body: Mapping[str, Any]) -> RenderableType:
    """What came of it, and why no more."""
    return Group(outcome_table(body), *reason(body))


def errors_table(errors: Sequence[Mapping[str, Any]], total: int) -> RenderableType:
    """The first errors, row by row."""
    rows = ((one["line"], one.get("column") or "", one["code"], one["message"]) for one in errors[:MOST])
    title = "What was wrong" if total <= MOST else f"What was wrong (the first {MOST})"
    return rows_table(("Line", "Column", "Code", "Reason"), rows, title)


def samples_table(samples: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What would change in some rows: changes before new ones, which say less."""
    chosen = sorted(samples, key=lambda one: one["outcome"] == "created")[:SAMPLES]
    rows = [(one["line"], one["outcome"], one["id"], _changed(one["changed"])) for one in chosen]
    return rows_table(("Line", "Outcome", "Id", "What would change"), rows, "Some rows")


def _changed(changed: Mapping[str, Any]) -> str:
    told = [
        f"{name}: {_value(old)} → {_value(new)}" if old is not None else f"{name}: {_value(new)}"
        for name, (old, new) in changed.items()
    ]
    more = [f"and {len(told) - CHANGES} more"] if len(told) > CHANGES else []
    return ", ".join(told[:CHANGES] + more)


def undo_table(body: Mapping[str, Any], kept: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What went back, and what stays because somebody changed it since."""
    found = counts(body)
    row = (f"{found['updated'] + found['created']:,}", f"{len(kept):,}")
    titles = ("Taken back", "Values left alone")
    parts: list[RenderableType] = [rows_table(titles, [row], f"import {body['id']}: {body['state']}")]
    if kept:
        rows = ((one["id"], one["attribute"] or "(the entity itself)") for one in kept[:MOST])
        more = f" (the first {MOST} of {len(kept):,})" if len(kept) > MOST else ""
        parts.append(rows_table(("Id", "Attribute"), rows, f"Left alone: changed since{more}"))
    return Group(*parts)


def imports_table(found: Iterable[Mapping[str, Any]]) -> RenderableType:
    """Imports as a list."""
    titles = ("Id", "File", "Type", "State", "Rows", *map(str.capitalize, OUTCOMES), "Created at")
    rows = []
    for one in found:
        outcomes = counts({**one, "phase": "run"})
        told = [f"{outcomes[name]:,}" if outcomes[name] else "" for name in OUTCOMES]
        rows.append(
            (one["id"], one["name"], one["type"], one["state"], one["file"]["rows"], *told, minute(one["created_at"]))
        )
    return rows_table(titles, rows)


def _value(value: Any) -> str:
    if value is None:
        return "(none)"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
