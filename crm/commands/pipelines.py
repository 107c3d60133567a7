"""`crm pipelines`: the ways that deals, tickets and other entities go, and their stages."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from crm.api import path_of, results
from crm.command import command, group
from crm.present import minute, rows_table
from crm.session import Session

app = group("Pipelines and their stages, by id or label.")
stages = group("Stages of a pipeline.")
app.add_typer(stages, name="stage")

Type = Annotated[str, typer.Argument(help="The entity type, such as deals.")]
Pipeline = Annotated[str, typer.Argument(help="The pipeline, by id or label.")]
Stage = Annotated[str, typer.Argument(help="The stage, by id or label.")]
Label = Annotated[str, typer.Option("--label", help="Another label.")]
Position = Annotated[int | None, typer.Option("--position", min=0, help="Its place among the others.")]
MoveTo = Annotated[
    str, typer.Option("--move-to", help="The stage to which who stands in it is moved first: by id, or label here.")
]
Says = Annotated[
    list[str] | None, typer.Argument(metavar="[name=text ...]", help="Such as probability=0.4 rottingDays=14.")
]
_TITLES = ("Stage", "Id", "Closed", "Says")


@command(app, "list")
def list_(session: Session, type: Type) -> None:
    """List the pipelines of a type with their stages: crm pipelines list deals"""
    body = session.api.get(_path(type))
    rows = [(one["label"], one["id"], " > ".join(part["label"] for part in one["stages"])) for one in results(body)]
    session.answer(body, lambda: rows_table(("Pipeline", "Id", "Stages"), rows))


@command(app)
def show(session: Session, type: Type, pipeline: Pipeline) -> None:
    """Show the stages of a pipeline, and what they say of themselves."""
    found = _pipeline(session, type, pipeline)
    rows = [_line(one) for one in found["stages"]]
    title = f"{found['label']} ({found['id']})  {_said(found)}".rstrip()
    session.answer(found, lambda: rows_table(_TITLES, rows, title=title))


@command(app)
def add(
    session: Session,
    type: Type,
    label: str,
    stage: Annotated[list[str] | None, typer.Option("--stage", help='Such as "First talk probability=0.1".')] = None,
    says: Says = None,
) -> None:
    """Make a pipeline: crm pipelines add deals Partners --stage 'Talk probability=0.2' --stage 'Won probability=1'"""
    described = [_described(one) for one in stage or ()]
    made = session.api.post(_path(type), {"label": label, "stages": described, "metadata": _metadata(says)})
    session.answer(made, lambda: rows_table(_TITLES, map(_line, made["stages"]), title=f"{label} ({made['id']})"))


@command(app)
def edit(
    session: Session, type: Type, pipeline: Pipeline, label: Label = "", position: Position = None, says: Says = None
) -> None:
    """Change what a pipeline is called or demands: crm pipelines edit deals Partners enforce=all"""
    found = _pipeline(session, type, pipeline)
    made = session.api.patch(_path(type, found["id"]), _changes(label, position, says))
    session.answer(made, lambda: Text(f"pipeline {made['id']}: {made['label']}  {_said(made)}".rstrip()))


@command(app)
def archive(session: Session, type: Type, pipeline: Pipeline, move_to: MoveTo = "") -> None:
    """Put a pipeline away: crm pipelines archive deals Partners --move-to qualifiedtobuy"""
    found = _pipeline(session, type, pipeline)
    _archive(session, f"pipeline {found['label']}", _path(type, found["id"]), move_to)


@command(app)
def work(session: Session, type: Type, pipeline: Pipeline) -> None:
    """Show how far entities have followed changed stages, or been moved; of an archived pipeline by its id."""
    ident = _ident(results(session.api.get(_path(type))), pipeline)
    body = session.api.get(_path(type, ident, "work"))
    titles = ("What", "Stages", "State", "Entities", "Looked at", "Changed", "Refused", "Last", "Why")
    session.answer(body, lambda: rows_table(titles, map(_worked, results(body))))


@command(stages, "add")
def add_stage(
    session: Session, type: Type, pipeline: Pipeline, label: str, says: Says = None, position: Position = None
) -> None:
    """Make a stage: crm pipelines stage add deals Partners "Paper work" probability=0.7"""
    found = _pipeline(session, type, pipeline)
    asked = {"label": label, "metadata": _metadata(says)} | ({} if position is None else {"position": position})
    made = session.api.post(_path(type, found["id"], "stages"), asked)
    session.answer(made, lambda: rows_table(_TITLES, [_line(made)]))


@command(stages, "edit")
def edit_stage(
    session: Session,
    type: Type,
    pipeline: Pipeline,
    stage: Stage,
    says: Says = None,
    label: Label = "",
    position: Position = None,
) -> None:
    """Change a stage; who stands in it follows soon: crm pipelines stage edit deals Partners Talk probability=0.3"""
    found = _pipeline(session, type, pipeline)
    ident = _one(found["stages"], stage, "stage")["id"]
    made = session.api.patch(_path(type, found["id"], "stages", ident), _changes(label, position, says))
    session.answer(made, lambda: rows_table(_TITLES, [_line(made)]))


@command(stages, "archive")
def archive_stage(session: Session, type: Type, pipeline: Pipeline, stage: Stage, move_to: MoveTo = "") -> None:
    """Put a stage away, moving who stands in it: crm pipelines stage archive deals Partners Talk --move-to Offer"""
    found = _pipeline(session, type, pipeline)
    one = _one(found["stages"], stage, "stage")
    path = _path(type, found["id"], "stages", one["id"])
    _archive(session, f"stage {one['label']}", path, _ident(found["stages"], move_to))


def _archive(session: Session, what: str, path: str, move_to: str) -> None:
    body = session.api.delete(path + (f"?move_to={quote(move_to, safe='')}" if move_to else ""))
    told = f"{what} is archived" if body is None else f"{what} is archived once all who stand in it are in {move_to}"
    session.answer(body or {"archived": True}, lambda: Text(told))


def _pipeline(session: Session, type: str, word: str) -> Mapping[str, Any]:
    return _one(results(session.api.get(_path(type))), word, "pipeline")


def _ident(found: Iterable[Mapping[str, Any]], word: str) -> str:
    """The id of what is called so, else the word itself, which may be an id that is known elsewhere."""
    wanted = word.strip().casefold()
    return next((one["id"] for one in found if one["label"].casefold() == wanted and word), word)


def _one(found: Iterable[Mapping[str, Any]], word: str, what: str) -> Mapping[str, Any]:
    """By id, else by label. Raises BadParameter."""
    every = list(found)
    wanted = word.strip().casefold()
    for one in (*(one for one in every if one["id"] == word), *every):
        if one["id"] == word or one["label"].casefold() == wanted:
            return one
    shown = ", ".join(f"{one['id']} ({one['label']})" for one in every) or "none"
    raise typer.BadParameter(f"there is no {what} {word!r}; there are {shown}")


def _described(text: str) -> dict[str, Any]:
    """A stage as it is typed: the words of its label, and what it says of itself."""
    words = shlex.split(text)
    label = " ".join(one for one in words if "=" not in one)
    return {"label": label, "metadata": _metadata([one for one in words if "=" in one])}


def _metadata(says: list[str] | None) -> dict[str, str | None]:
    """What is behind no sign, or nothing, is cleared."""
    found: dict[str, str | None] = {}
    for one in says or ():
        name, sign, text = one.partition("=")
        if not sign:
            raise typer.BadParameter(f"{one!r} is not name=text")
        found[name.strip()] = text or None
    return found


def _changes(label: str, position: int | None, says: list[str] | None) -> dict[str, Any]:
    asked = {"label": label or None, "position": position, "metadata": _metadata(says) or None}
    return {name: value for name, value in asked.items() if value is not None}


def _said(one: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={text}" for name, text in one["metadata"].items() if name != "isClosed")


def _line(one: Mapping[str, Any]) -> tuple[object, ...]:
    return one["label"], one["id"], "yes" if one["closed"] else "", _said(one)


def _worked(one: Mapping[str, Any]) -> tuple[object, ...]:
    what = f"move to {one['move_to']}" if one["kind"] == "move" else one["kind"]
    numbers = (one[name] for name in ("entities", "looked_at", "changed", "refused"))
    return what, ", ".join(one["stages"]), one["state"], *numbers, minute(one["updated_at"]), one["reason"]


def _path(type: str, *parts: str) -> str:
    return path_of("types", type, "pipelines", *parts)
