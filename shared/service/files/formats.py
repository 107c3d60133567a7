"""What a file really is, told by its first bytes; its name and its declared type are never believed.

Only delimited text, XLSX and NDJSON can be read as tables; everything else is refused by its real name.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from typing import BinaryIO, Literal

from shared.kernel.errors import Invalid

Format = Literal["csv", "xlsx", "ndjson"]
NDJSON: Format = "ndjson"
FILE = "file"
HEAD_BYTES = 4096
LONGEST_LINE = 8 * 1024 * 1024

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls), or an encrypted one"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"BZh", "a bzip2 archive: unpack it first"),
    (b"\xfd7zXZ\x00", "an xz archive: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive: unpack it first"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a sound, film or WebP picture"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"{\\rtf", "an RTF document"),
    (b"PAR1", "a Parquet file"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
)
_MARKUP = re.compile(rb"\s*(?:<!doctype html|<html|<head|<body|<table|<meta)", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml|\s*<[a-z][\w:]*[ >]", re.IGNORECASE)
_JSON = re.compile(rb'\s*(?:\{\s*"|\[\s*[\[{"])')
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_IN_ZIP: tuple[tuple[str, str], ...] = (
    ("xl/workbook.bin", "a binary Excel workbook (.xlsb): save it as .xlsx"),
    ("word/document.xml", "a Word document"),
    ("ppt/presentation.xml", "a PowerPoint presentation"),
    ("content.xml", "an OpenDocument file (.ods, .odt): save it as .xlsx or .csv"),
    ("Index/Document.iwa", "an Apple Numbers or Pages document: export it as .xlsx or .csv"),
)


def real_format(stream: BinaryIO, is_row: Callable[[bytes], bool] = lambda line: False) -> Format:
    """The format of a file by its content. Raises Invalid naming what it is when it is no table, or empty.

    is_row: whether a first line of JSON is the first row of a table.
    """
    head = stream.read(HEAD_BYTES)
    if not head:
        raise refused("EMPTY_FILE", "The file is empty")
    if head.startswith(b"PK"):
        return _packed(stream)
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            raise _no_table(name)
    if not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head.removeprefix(b"\xef\xbb\xbf")
        if _JSON.match(text) and is_row(_first_line(text, stream)):
            return NDJSON
        _refuse_documents(text)
    return "csv"


def _first_line(text: bytes, stream: BinaryIO) -> bytes:
    begun = text.lstrip()
    if b"\n" in begun or len(text) + 3 < HEAD_BYTES:
        return begun
    return begun + stream.readline(LONGEST_LINE)


def refused(code: str, message: str) -> Invalid:
    """The error of a file that cannot be read at all."""
    return Invalid.one(FILE, code, message)


def _no_table(name: str) -> Invalid:
    return refused(
        "UNSUPPORTED_FORMAT", f"The file is {name}, whatever its name says; CSV, XLSX and NDJSON can be imported"
    )


def _refuse_documents(head: bytes) -> None:
    if _MARKUP.match(head):
        raise _no_table("an HTML page (some programs call such a page .xls): save it as .xlsx or .csv")
    if _XML.match(head):
        raise _no_table("an XML document: save it as .xlsx or .csv")
    if _JSON.match(head):
        raise _no_table("a JSON document that is no table: write one object per line, with values and lists of them")
    if len(_CONTROL.findall(head)) > len(head) // 20 + 8:
        raise _no_table("no text but a binary file of an unknown kind")


def _packed(stream: BinaryIO) -> Format:
    try:
        with zipfile.ZipFile(stream) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise damaged() from error
    for name, meant in _IN_ZIP:
        if name in names:
            raise _no_table(meant)
    if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        return "xlsx"
    raise _no_table("a ZIP archive: unpack it first")


def damaged() -> Invalid:
    """The error of a workbook whose packing does not hold."""
    return refused("DAMAGED_FILE", "The workbook is truncated or damaged: it cannot be unpacked. Save it anew")
