"""One file's way through `crm import`: looked at, mapped, and foreseen or carried out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from crm.api import ApiError
from crm.importing.job import Imports, counts, kept, proposals
from crm.importing.mapping import make_plan
from crm.importing.options import Options
from crm.importing.tables import MOST, errors_table, mapping_table, outcome_table, profile_table, samples_table
from crm.importing.watching import watch
from crm.session import Session
from shared.kernel.clock import monotonic

LEFT = 130
EARLIER = "columns as in an earlier import of such a file"


class Journey:
    """One file's way: looked at, mapped, foreseen or carried out."""

    def __init__(self, session: Session, file: Path, options: Options, errors: Path | None) -> None:
        self._session = session
        self._imports = Imports(session.api)
        self._file = file
        self._options = options
        self._errors = errors or file.with_name(f"{file.stem}.errors.csv")
        self._ident = ""
        self._told: dict[str, Any] = {}

    def prepare(self) -> None:
        """Upload, look, plan; show both tables. Raises BadOption with everything wrong; nothing is left behind then."""
        self._session.vocabulary(self._options.type)  # an unknown type is refused before anything is sent
        self._ident = str(self._imports.upload(self._file, self._options.type)["id"])
        try:
            body = rest(self._session, self._ident)
            if body["state"] == "failed":
                raise ApiError(409, {"message": f"{self._file}: {body['error']}"})
            profile = self._imports.profile(self._ident)
            plan = make_plan(
                self._options.over(kept(profile)),
                proposals(profile),
                self._session.vocabulary,
                self._imports.relation,
            )
            self._imports.map(self._ident, plan)
        except BaseException:
            self.drop()
            raise
        self._told = {name: profile[name] for name in ("columns", "questions", "remembered")}
        said = [Text(f"? {one}", style="yellow") for one in profile["questions"]]
        said += [Text(f" {EARLIER}", style="dim")] if profile["remembered"] else []
        self._show(Group(profile_table(profile), mapping_table(plan.lines, plan.mapping), *said))

    def foresee(self) -> None:
        """The dry run."""
        self._imports.act(self._ident, "dry-run")
        body = rest(self._session, self._ident)
        found = self._imports.errors(self._ident, limit=MOST)
        samples = self._imports.samples(self._ident)
        parts: list[RenderableType] = [outcome_table(body, title="What would come of it")]
        parts += [samples_table(samples)] if samples else []
        parts += [errors_table(found, counts(body)["rejected"])] if found else []
        parts.append(Text(f"nothing was changed: this was a dry run; crm imports start {self._ident} carries it out"))
        self._answer({**body, "errors": found, "samples": samples}, Group(*parts))

    def carry_out(self) -> None:
        """The import itself; the error file when rows were rejected."""
        began = monotonic()
        self._imports.act(self._ident, "start")
        body = rest(self._session, self._ident)
        seconds = monotonic() - began
        parts: list[RenderableType] = [outcome_table(body, seconds)]
        told = {**body, "seconds": round(seconds, 2)}
        if counts(body)["rejected"]:
            found = self._imports.errors(self._ident, limit=MOST)
            write(self._errors, self._imports.error_file(self._ident))
            told["error_file"] = str(self._errors)
            parts += [errors_table(found, counts(body)["rejected"]), Text(f"rejected rows: {self._errors}")]
        self._answer(told, Group(*parts))
        if body["state"] != "done":
            self._session.say(f"import {self._ident} is {body['state']}. {body['error']}".rstrip())
            raise typer.Exit(1)

    def drop(self) -> None:
        """Nobody wants it."""
        if self._ident:
            with suppress(ApiError):  # it has failed already
                self._imports.act(self._ident, "cancel")

    def _show(self, shown: RenderableType) -> None:
        if not self._session.as_json:
            self._session.console.print(shown, highlight=False)

    def _answer(self, body: Mapping[str, Any], shown: RenderableType) -> None:
        self._session.answer({**self._told, **body}, lambda: shown)


def rest(session: Session, ident: str) -> dict[str, Any]:
    """Watch until it rests; who leaves is told how to come back."""
    try:
        return watch(session, ident)
    except KeyboardInterrupt:
        session.errors.print(
            f"import {ident} goes on by itself: crm imports show {ident} --watch; crm imports cancel {ident} ends it",
            highlight=False,
        )
        raise typer.Exit(LEFT) from None


def write(path: Path, pieces: Iterable[bytes]) -> None:
    """A file from its pieces."""
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
