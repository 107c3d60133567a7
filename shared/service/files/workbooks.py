"""The package of an XLSX file: which sheets it has, which cell styles are dates, its shared texts; bombs refused.

Sizes are checked as declared before anything is unpacked, and unpacking never answers more than was declared. XML with
a document type or entities is refused. Only for `sheet_reading`.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_datetime, is_timedelta_format

from shared.service.files.formats import damaged, refused

MAX_UNPACKED = 4 * 1024**3
MAX_RATIO = 200
_HARMLESS = 64 * 1024**2
_MAX_ENTRIES = 10_000
_MAX_SMALL = 32 * 1024**2
_RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_RELATED_STRICT = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"

BAD_PACKING = (zipfile.BadZipFile, EOFError, KeyError, OSError, NotImplementedError, ValueError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's name as users see it, and where in the package it stands."""

    name: str
    path: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Workbook:
    """What is needed to read a sheet. times: cell style -> date, time, datetime or span; epoch 1904: Mac's old one."""

    archive: zipfile.ZipFile
    sheets: tuple[Sheet, ...]
    times: Mapping[int, str]
    strings_path: str
    since_1904: bool


def open_workbook(stream: BinaryIO) -> Workbook:
    """Open the package. Raises Invalid for damaged ones, bombs and hostile XML."""
    try:
        archive = zipfile.ZipFile(stream)
        _check_sizes(archive)
        return _read(archive)
    except BAD_PACKING as error:
        raise damaged() from error
    except (ParseError, DefusedXmlException) as error:
        raise refused("DAMAGED_FILE", "The workbook holds XML that is damaged or refers to things outside") from error


def _check_sizes(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > _MAX_ENTRIES:
        raise refused("UNPACKED_TOO_LARGE", f"The workbook holds {len(entries)} parts; at most {_MAX_ENTRIES} are read")
    if any(one.flag_bits & 1 for one in entries):
        raise refused("UNSUPPORTED_FORMAT", "The workbook is encrypted: save it without a password")
    if sum(one.file_size for one in entries) > MAX_UNPACKED:
        text = f"Unpacked the workbook would take more than {MAX_UNPACKED // 1024**2} MB"
        raise refused("UNPACKED_TOO_LARGE", text)
    for one in entries:
        if one.file_size > _HARMLESS and one.file_size > MAX_RATIO * max(one.compress_size, 1):
            text = f"A part of the workbook unpacks to more than {MAX_RATIO} times its size, as in an attack"
            raise refused("UNPACKED_TOO_LARGE", text)


def _read(archive: zipfile.ZipFile) -> Workbook:
    names = set(archive.namelist())
    path = next((name for name in ("xl/workbook.xml", "xl/workbook2.xml") if name in names), "xl/workbook.xml")
    root = _part(archive, path)
    targets = _relations(archive, path)
    settings = next((one for one in root if _local(one) == "workbookPr"), None)
    since_1904 = settings is not None and settings.get("date1904", "0") in ("1", "true")
    sheets = tuple(
        Sheet(one.get("name", ""), targets[rel][0], one.get("state", "visible") != "visible")
        for one in root.iter()
        if _local(one) == "sheet"
        and (rel := one.get(_RELATED) or one.get(_RELATED_STRICT) or "") in targets
        and targets[rel][1].endswith("/worksheet")
        and targets[rel][0] in names
    )
    styles = next((target for target, kind in targets.values() if kind.endswith("/styles")), "")
    strings = next((target for target, kind in targets.values() if kind.endswith("/sharedStrings")), "")
    times = _times(_part(archive, styles)) if styles in names else {}
    return Workbook(archive, sheets, times, strings if strings in names else "", since_1904)


def _part(archive: zipfile.ZipFile, path: str) -> Element:
    if archive.getinfo(path).file_size > _MAX_SMALL:
        raise refused("UNPACKED_TOO_LARGE", "The workbook's list of sheets or styles is too large to be true")
    root: Element = fromstring(archive.read(path), forbid_dtd=True)
    return root


def _relations(archive: zipfile.ZipFile, path: str) -> dict[str, tuple[str, str]]:
    """Id -> (path in the package, kind). Paths are looked up in the package alone, never on a disk."""
    folder, name = posixpath.split(path)
    root = _part(archive, f"{folder}/_rels/{name}.rels")
    return {
        one.get("Id", ""): (_resolved(folder, one.get("Target", "")), one.get("Type", ""))
        for one in root
        if one.get("TargetMode") != "External"
    }


def _resolved(folder: str, target: str) -> str:
    return posixpath.normpath(target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target))


def _times(styles: Element) -> dict[int, str]:
    formats = {int(code): text for code, text in BUILTIN_FORMATS.items()}
    kinds: dict[int, str] = {}
    for part in styles:
        if _local(part) == "numFmts":
            formats |= {int(one.get("numFmtId", "0")): one.get("formatCode", "") for one in part}
    for part in styles:
        if _local(part) == "cellXfs":
            for place, style in enumerate(part):
                if kind := _time_kind(formats.get(int(style.get("numFmtId", "0")), "")):
                    kinds[place] = kind
    return kinds


def _time_kind(code: str) -> str:
    if is_timedelta_format(code):
        return "span"
    return is_datetime(code) or ""


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]
