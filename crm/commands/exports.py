"""`crm export`: entities as a file, streamed from the system in one piece."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from rich.text import Text

from crm.api import path_of
from crm.bars import bars
from crm.question import columns, filter_body, sort_body
from crm.session import Session
from shared.kernel.clock import monotonic


class Kind(StrEnum):
    """Formats of files."""

    csv = "csv"
    xlsx = "xlsx"
    ndjson = "ndjson"


Filter = Annotated[str, typer.Option("--filter", help="As in crm find: score > 50 and company.industry = MEDIA")]
Words = Annotated[str, typer.Option("--text", help="Words that must occur in the searchable attributes.")]
Names = Annotated[
    str, typer.Option("--attributes", help="Columns, parted by commas: names or labels. All if left out.")
]
Links = Annotated[list[str], typer.Option("--links", help="Also the ids of linked entities of this type. May repeat.")]
Sort = Annotated[list[str], typer.Option("--sort", help="Attribute to sort by; a leading - is descending. May repeat.")]
Format = Annotated[Kind | None, typer.Option("--format", help="By the file's name, else csv; ndjson with --json.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="The file; else standard output.", dir_okay=False)]
Labels = Annotated[bool, typer.Option("--labels", help="Labels instead of names as header.")]
Archived = Annotated[bool, typer.Option("--archived", help="Archived entities instead.")]


def export(
    session: Session,
    type: str,
    output: Output = None,
    format: Format = None,
    filter: Filter = "",
    text: Words = "",
    attributes: Names = "",
    links: Links = [],  # noqa: B006 (typer copies it)
    sort: Sort = [],  # noqa: B006
    labels: Labels = False,
    archived: Archived = False,
) -> None:
    """Export entities as CSV, XLSX or NDJSON: crm export contacts -o contacts.csv --filter 'score > 50'

    All of it is of one instant. Without --attributes the file holds everything an import needs to find all unchanged.
    """
    vocabulary, kind = session.vocabulary(type), _kind(session, format, output)
    question = {"filter": filter_body(session, vocabulary, filter), "text": text}
    body = {
        **question,
        "format": kind.value,
        "attributes": columns(vocabulary, attributes) if attributes else None,
        "sorts": [sort_body(vocabulary, one) for one in sort],
        "links": links,
        "labels": labels,
        "archived": archived,
    }
    shown = not session.as_json and (output is not None or not sys.stdout.isatty())
    total = None if archived or not (shown or kind is Kind.xlsx) else _total(session, type, question)
    began, rows = monotonic(), Rows(kind)
    with _target(session, output) as target, bars(session, shown=shown) as progress:
        task = progress.add_task(type, total=total)
        for piece in session.api.download(path_of("objects", type, "export"), body):
            target.write(piece)
            progress.update(task, completed=rows.counted(piece))
        if rows.count is None and total is not None:
            progress.update(task, completed=total)
    if output is not None:
        _told(session, type, output, rows.count if rows.count is not None else total, monotonic() - began)


class Rows:
    """Counts the entities in the pieces of a file as they pass; of XLSX, which hides them, it knows none."""

    def __init__(self, kind: Kind) -> None:
        self.count = {Kind.csv: -1, Kind.ndjson: 0}.get(kind)  # the first line of CSV is the header
        self._quoted = False
        self._quotes = kind is Kind.csv

    def counted(self, piece: bytes) -> int:
        """The number so far, this piece included."""
        if self.count is None:
            return 0
        for place, part in enumerate(piece.split(b'"') if self._quotes else [piece]):
            if place:
                self._quoted = not self._quoted
            if not self._quoted:
                self.count += part.count(b"\n")
        return max(self.count, 0)


class _Writable(Protocol):
    def write(self, piece: bytes) -> object: ...


class _Screen:
    """Standard output, which takes bytes only where it is a real one."""

    def __init__(self, session: Session) -> None:
        self._file = session.console.file
        self._decode = codecs.getincrementaldecoder("utf-8")().decode

    def write(self, piece: bytes) -> object:
        """Write what arrived."""
        raw = getattr(self._file, "buffer", None)
        return raw.write(piece) if raw is not None else self._file.write(self._decode(piece))


@contextmanager
def _target(session: Session, output: Path | None) -> Iterator[_Writable]:
    """Where the bytes go. A file has its name only once it is whole."""
    if output is None:
        yield _Screen(session)
        session.console.file.flush()
        return
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def _kind(session: Session, given: Kind | None, output: Path | None) -> Kind:
    named = output.suffix.lower().lstrip(".") if output is not None else ""
    kind = given or Kind.__members__.get(named)
    if kind is None:
        kind = Kind.ndjson if session.as_json and output is None else Kind.csv
    if kind is Kind.xlsx and output is None and session.console.is_terminal:
        raise typer.BadParameter("a workbook is nothing to look at here: give --output FILE")
    return kind


def _total(session: Session, type_name: str, question: dict[str, Any]) -> int | None:
    """How many there will be: for the bar, and for the end of a workbook, whose rows cannot be seen as they pass."""
    asked = {"attributes": [], "limit": 1, "total": "exact", **{key: one for key, one in question.items() if one}}
    found = session.api.post(path_of("objects", type_name, "query"), asked)
    return int(found["total"])


def _told(session: Session, type_name: str, output: Path, rows: int | None, seconds: float) -> None:
    size = output.stat().st_size
    speed = round(rows / seconds) if rows and seconds else None
    body = {"file": str(output), "rows": rows, "bytes": size, "seconds": round(seconds, 2), "rows_per_second": speed}
    count = "" if rows is None else f"{rows:,} "
    pace = "" if speed is None else f", {speed:,} rows/s"
    session.answer(body, lambda: Text(f"{count}{type_name} in {output}: {size:,} bytes, {seconds:.1f} s{pace}"))
