"""The options of `crm import` as one frozen value: read from words, and from and to a mapping file.

Columns are named as in the file's header, so that a mapping can be used again for a file whose columns stand elsewhere.
A mapping file is JSON with these fields; options on the command line go first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

MODES = ("upsert", "create", "update")
MISSING = ("reject", "create", "left")
DATE_FORMATS = ("DMY", "MDY", "YMD", "ISO", "SERIAL")


class BadOption(ValueError):
    """A word on the command line, or in a mapping file, that means nothing."""


@dataclass(frozen=True, slots=True)
class LinkOption:
    """A column whose cells name linked entities: of this type, by this attribute, under this label."""

    column: str
    type: str
    attribute: str = "id"
    label: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for. map: column -> attribute; values: column -> old -> new; date_formats, decimals: column ->
    form, "" for all columns."""

    type: str = ""
    key: str = ""
    mode: str = ""
    map: Mapping[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    set: Mapping[str, str] = field(default_factory=dict)
    links: tuple[LinkOption, ...] = ()
    missing: str = ""
    blanks: tuple[str, ...] = ()
    clear_blanks: bool = False
    effective_at: str = ""
    date_formats: Mapping[str, str] = field(default_factory=dict)
    decimals: Mapping[str, str] = field(default_factory=dict)
    create_attributes: bool = False

    def over(self, kept: Options) -> Options:
        """These options, and what they leave open as it was kept; no links of columns that are ignored now, or of ids
        that go elsewhere. Tables are united, column by column."""
        found: dict[str, Any] = {}
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(kept, one.name)
            both = {**theirs, **mine} if isinstance(mine, Mapping) else mine or theirs
            found[one.name] = both
        found["links"] = tuple(one for one in found["links"] if one in self.links or not self._ignores(one))
        return replace(self, **found)

    def _ignores(self, link: LinkOption) -> bool:
        elsewhere = (*self.ignore, *(self.map if link.attribute == "id" else ()))
        return link.column.casefold() in (one.casefold() for one in elsewhere)


_OPTIONS = TypeAdapter(Options)


def pairs(words: Iterable[str], name: str, between: str = "=") -> dict[str, str]:
    """`left=right` words; the last sign parts them, so that a column may hold one. Raises BadOption."""
    found = {}
    for word in words:
        left, sign, right = word.rpartition(between)
        if not sign or not left.strip():
            raise BadOption(f"--{name} {word!r} is not of the form LEFT{between}RIGHT")
        found[left.strip()] = right.strip()
    return found


def value_pairs(words: Iterable[str]) -> dict[str, dict[str, str]]:
    """`COLUMN:OLD=NEW` words. Raises BadOption."""
    found: dict[str, dict[str, str]] = {}
    for word in words:
        column, colon, rest = word.partition(":")
        old, sign, new = rest.partition("=")
        if not colon or not sign:
            raise BadOption(f"--value {word!r} is not of the form COLUMN:OLD=NEW")
        found.setdefault(column.strip(), {})[old] = new
    return found


def link_options(words: Iterable[str]) -> tuple[LinkOption, ...]:
    """`COLUMN=type.attribute[:label]` words. Raises BadOption."""
    found = []
    for word in words:
        column, sign, target = word.rpartition("=")
        target, _colon, label = target.partition(":")
        kind, _dot, attribute = target.partition(".")
        if not sign or not column.strip() or not kind.strip():
            raise BadOption(f"--link {word!r} is not of the form COLUMN=type.attribute or COLUMN=type.attribute:label")
        found.append(LinkOption(column.strip(), kind.strip(), attribute.strip() or "id", label.strip()))
    return tuple(found)


def by_column(words: Iterable[str], name: str, known: Iterable[str]) -> dict[str, str]:
    """`FORM` for all columns or `COLUMN:FORM` for one. Raises BadOption."""
    found = {}
    for word in words:
        column, _colon, form = word.rpartition(":")
        if form.upper() not in known:
            raise BadOption(f"--{name} {word!r}: {form or 'nothing'} is none of {', '.join(known)}")
        found[column.strip()] = form.upper()
    return found


def load(path: Path) -> Options:
    """The options of a mapping file. Raises BadOption for what is none."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        known = {one.name for one in fields(Options)}
        strange = sorted(set(raw) - known)
        if strange:
            raise BadOption(f"{path} has {', '.join(strange)}; a mapping knows {', '.join(sorted(known))}")
        return _OPTIONS.validate_python(raw)
    except OSError as error:
        raise BadOption(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise BadOption(f"{path} is no mapping file: {wrong}") from None
    except (TypeError, ValueError) as error:
        raise BadOption(f"{path} is no mapping file: {error}") from None


def save(options: Options, path: Path) -> None:
    """Write a mapping file; what says nothing is left out."""
    told = {name: value for name, value in asdict(options).items() if value}
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
