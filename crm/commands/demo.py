"""`crm demo`: an invented company to look at, in the running system or as CSV files."""

from __future__ import annotations

import shlex
import sys
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from crm.bars import bars
from crm.demo import SIZES, Company, Story
from crm.demo.activities import activities_of
from crm.demo.files import write_files
from crm.demo.fill import Fill, Outcome, score_attribute
from crm.session import Session
from shared.kernel.clock import monotonic

SizeName = Enum("SizeName", {name: name for name in SIZES}, type=str)  # type: ignore[misc]
SMALL = SizeName("small")
_LOOKED_AT = 2_000
"""So many contacts, deals and tickets are looked at for one to show."""


def demo(
    session: Session,
    size: Annotated[SizeName, typer.Option("--size", help="How much: small is 2,000 contacts.")] = SMALL,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same company.")] = 1,
    files: Annotated[
        Path | None, typer.Option("--files", help="Write CSV files there instead.", file_okay=False)
    ] = None,
) -> None:
    """Fill the system with an invented company: its customers, deals and tickets over two years. Safe to repeat."""
    company = Company(seed, size.value)
    began = monotonic()
    if files is not None:
        with _Bars(session, company) as advance:
            paths = write_files(company, files, lambda kind: advance(kind, 1))
        listed = [str(path) for path in paths]
        session.answer({"files": listed}, lambda: Text("\n".join(listed)))
        return
    score_attribute(session.api)  # a system that does not answer, or refuses, says so before there are bars
    with _Bars(session, company, activities=company.size.contacts) as advance:
        outcome = Fill(session.api, company, advance).run()
    commands = to_try(session, company)
    body = {"seconds": round(monotonic() - began, 1), "try": commands, **vars(outcome)}
    session.answer(body, lambda: _told(outcome, commands))


def to_try(session: Session, company: Company) -> list[str]:
    """Commands that show something, for this system and this company."""
    known = next((story for story in company.contacts() if len(story.steps) > 1), None) or next(company.contacts())
    crm = shlex.quote(sys.argv[0]) if Path(sys.argv[0]).name == "crm" else "crm"
    where = f" --url {shlex.quote(session.url)}" if session.url else ""
    bearer = f'"Authorization: Bearer {session.token_shell}"'
    return [
        f"curl -s -H {bearer} '{session.address}/crm/v3/objects/contacts?limit=3'",
        f"{crm} find contact 'score > 50 and city = 北京' --sort -score{where}",
        f"{crm} show contact {known.key} --history{where}",
        f"{crm} timeline contact {_busiest(company)} --limit 100{where}",
    ]


def _busiest(company: Company) -> str:
    """A contact with something to tell of from every service: the most activities among those with deals and tickets,
    where there are some."""
    told = [{one.contact for one in islice(several, _LOOKED_AT)} for several in (company.deals(), company.tickets())]
    with_both = told[0] & told[1]
    first = islice(company.contacts(), _LOOKED_AT)
    count = company.size.contacts

    def much(one: Story) -> tuple[bool, int]:
        done = len(activities_of(one, company.seed, company.now, count))
        return one.key in with_both and done > 0, done

    return max(first, key=much).key


class _Bars:
    """A bar per kind on the error console; `advance(kind, rows)` moves them."""

    def __init__(self, session: Session, company: Company, **more: int) -> None:
        self._bars = bars(session)
        sizes = {**company.size._asdict(), **more}
        self._tasks = {kind: self._bars.add_task(kind, total=count, start=False) for kind, count in sizes.items()}

    def __enter__(self) -> Any:
        self._bars.start()
        return self._move

    def __exit__(self, *_error: object) -> None:
        self._bars.stop()

    def _move(self, kind: str, rows: int) -> None:
        task = self._tasks[kind]
        if self._bars.tasks[task].start_time is None:
            self._bars.start_task(task)
        self._bars.advance(task, rows)


def _told(outcome: Outcome, commands: list[str]) -> Text:
    lines = [f"{outcome.created:,} created, {outcome.changed:,} changes written, {outcome.kept:,} were there already"]
    lines += [f"{outcome.linked:,} links between contacts, companies and deals"] * bool(outcome.linked)
    lines += [f"{outcome.activities:,} notes, calls, e-mails, meetings and tasks"] * bool(outcome.activities)
    lines += [f"{outcome.said:,} replies and internal notes about tickets"] * bool(outcome.said)
    if outcome.promised:
        lines.append(f"business hours and promises to customers since {outcome.promised[:10]}: crm sla policies list")
    if outcome.refused:
        lines.append(f"{outcome.refused:,} were refused: {'; '.join(outcome.problems)}")
    if not outcome.dated:
        lines.append("the system did not take dates of the past (scope crm.effective.write): history is dated now")
    tried = [(f"  {one}\n", "bold") for one in commands]
    return Text.assemble("\n".join(lines), "\n\nTry:\n", *tried)
