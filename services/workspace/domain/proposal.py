"""A whole mapping proposed from a profile: columns, key, words that mean nothing, and attributes to be made.

Pure. What comes out can be used as it is; what a user should decide is among the questions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.workspace.domain.mapping import Like, Match, Target, match
from services.workspace.domain.profile import ColumnSummary
from services.workspace.domain.synonyms import plain, things

_IDENTIFYING = re.compile(
    r"(?:^|[\W_])(?:id|uuid|guid|key|code|no|nr|number|nummer|num)(?:$|[\W_])|编号", re.IGNORECASE
)
_NATURAL = ("email", "domain", "name")
_NAME_LENGTH = 60
_NOT_A_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class NewAttribute:
    """An attribute to be made for a column."""

    column: int
    name: str
    label: str
    kind: str
    options: tuple[str, ...] = ()
    unique: bool = False

    def document(self) -> dict[str, Any]:
        """As definitions are asked for."""
        document: dict[str, Any] = {"name": self.name, "label": self.label, "type": self.kind}
        if self.options:
            document["options"] = list(self.options)
        if self.unique:
            document["unique"] = True
        return document


@dataclass(frozen=True, slots=True)
class Key:
    """The column by which rows find their entity, and the attribute it is."""

    column: int
    attribute: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """matches and new: by column. id_column: its cells are ids of entities."""

    matches: Mapping[int, Match]
    new: Mapping[int, NewAttribute]
    key: Key | None
    id_column: int | None
    blanks: tuple[str, ...]
    questions: tuple[str, ...] = ()
    columns: tuple[ColumnSummary, ...] = field(default=(), repr=False)


def propose(columns: Sequence[ColumnSummary], targets: Sequence[Target], like: Like) -> Proposal:
    """Where everything goes. `targets`: the attributes in force."""
    id_column = _id_column(columns)
    open_columns = [one for one in columns if one.index != id_column]
    matches, misfits = match(open_columns, targets, like)
    rest = [one for one in open_columns if one.index not in matches and one.filled]
    new = _new_attributes(rest, targets)
    key = None if id_column is not None else _key(columns, matches, new)
    if key is not None and key.column in new:
        made = new[key.column]
        new[key.column] = NewAttribute(made.column, made.name, made.label, "string", unique=True)
    questions = [f"{one.header}: {note}" for one in columns for note in one.notes if one.open]
    if key is None and id_column is None:
        questions.append("No column tells the rows apart: every row will be created anew. Name a key to update instead")
    told = [misfit for misfit in misfits if not _settled(misfit, matches)]
    return Proposal(matches, new, key, id_column, _blanks(columns), (*questions, *told), tuple(columns))


def _settled(misfit: str, matches: Mapping[int, Match]) -> bool:
    """Whether the column that did not fit one attribute went to another."""
    return any(misfit.startswith(f"{one.column.header} could be ") for one in matches.values())


def _id_column(columns: Sequence[ColumnSummary]) -> int | None:
    """A column of this system's own ids, as exports have it."""
    for one in columns:
        if plain(one.header) in ("id", "hsobjectid", "recordid", "entityid") and one.kind == "number" and one.unique:
            return one.index
    return None


def _blanks(columns: Iterable[ColumnSummary]) -> tuple[str, ...]:
    """Words that mean nothing, those of many cells first; each once, whatever its case."""
    found: dict[str, tuple[str, int]] = {}
    for column in columns:
        for word, n in column.nothing.items():
            known = found.get(word.casefold(), (word, 0))
            found[word.casefold()] = (known[0], known[1] + n)
    return tuple(word for word, _ in sorted(found.values(), key=lambda one: -one[1]))


def _new_attributes(columns: Iterable[ColumnSummary], targets: Sequence[Target]) -> dict[int, NewAttribute]:
    """A typed attribute for every column that fills none, under a name that nobody has."""
    taken = {name.casefold() for target in targets for name in target.names}
    made: dict[int, NewAttribute] = {}
    for column in columns:
        name = _free(_as_name(column.header), taken)
        taken.add(name)
        made[column.index] = NewAttribute(column.index, name, column.header, column.kind, column.options)
    return made


def _as_name(header: str) -> str:
    """An internal name from a header; a header of other letters than Latin ones gives none, only a number."""
    marked = unicodedata.normalize("NFKD", header.casefold())
    letters = "".join(letter for letter in marked if not unicodedata.combining(letter))
    name = _NOT_A_NAME.sub("_", letters).strip("_")[:_NAME_LENGTH].strip("_")
    if not name or not any(letter.isalpha() for letter in name):
        return f"imported_{name}".strip("_")
    return name if name[0].isalpha() else f"c_{name}"


def _free(name: str, taken: set[str]) -> str:
    chosen, number = name, 2
    while chosen in taken:
        chosen, number = f"{name}_{number}", number + 1
    return chosen


def _key(columns: Sequence[ColumnSummary], matches: Mapping[int, Match], new: Mapping[int, NewAttribute]) -> Key | None:
    """A unique attribute that is filled; else a column that tells rows apart by its name or by being the first."""
    unique = [one for one in matches.values() if one.target.unique and one.column.filled]
    if unique:
        best = max(unique, key=lambda one: (one.column.unique, one.column.filled))
        return Key(best.column.index, best.target.name)
    apart = [one for one in columns if one.unique]
    natural = {one.target.name: one for one in matches.values() if one.column.unique}
    for name in _NATURAL:
        if name in natural and name in things((name,)):
            return Key(natural[name].column.index, name)
    named = [one for one in apart if one.index in new and _IDENTIFYING.search(one.header)]
    texts = [one for one in named if one.kind == "string"]
    for one in (*texts, *named):
        return Key(one.index, new[one.index].name)
    first = [one for one in apart if one.index in new and one.index == columns[0].index]
    return Key(first[0].index, new[first[0].index].name) if first else None
