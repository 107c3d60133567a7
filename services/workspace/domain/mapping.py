"""Which column fills which attribute: proposed by names, synonyms, likeness and by what the cells look like.

A proposal is only that; why each column goes where it goes is told with it. Likeness of words is handed in as a
function (0 to 1), so that this stays pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.workspace.domain.profile import ColumnSummary
from services.workspace.domain.synonyms import plain, things

Like = Callable[[str, str], float]
LEAST = 0.5
_ALIKE = 0.86
_COVERED = 0.9

# Cells of these kinds say by themselves what they are.
_TELLING = {"email": "email", "phone": "phone", "url": "website"}
_FITTING: Mapping[str, frozenset[str]] = {
    "number": frozenset({"number"}),
    "boolean": frozenset({"boolean"}),
    "date": frozenset({"date", "datetime"}),
    "datetime": frozenset({"date", "datetime"}),
    "email": frozenset({"email"}),
    "reference": frozenset({"number", "email"}),
}
"""Kinds of attributes that take only cells of certain kinds; all others take any text."""


@dataclass(frozen=True, slots=True)
class Target:
    """An attribute that may be filled. choices: spelling -> option value, for enumerations."""

    name: str
    label: str
    wire_name: str
    kind: str
    unique: bool = False
    writable: bool = True
    choices: Mapping[str, str] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it goes by."""
        return tuple(dict.fromkeys(one for one in (self.name, self.label, self.wire_name) if one))


@dataclass(frozen=True, slots=True)
class Match:
    """A column's attribute, how sure that is (0 to 1), and why."""

    column: ColumnSummary
    target: Target
    confidence: float
    why: str


def match(
    columns: Sequence[ColumnSummary], targets: Sequence[Target], like: Like
) -> tuple[dict[int, Match], list[str]]:
    """At most one attribute per column and one column per attribute, the surest first; and what did not fit."""
    offers: list[Match] = []
    misfits: list[str] = []
    for column in columns:
        for target in targets:
            confidence, why = _named_alike(column.header, target, like)
            if confidence < LEAST or not target.writable:
                continue
            misfit = _misfit(column, target)
            if misfit and confidence < 1:
                misfits.append(f"{column.header} could be {target.label}, but {misfit}")
                continue
            note = f"; but {misfit}" if misfit else ""
            offers.append(Match(column, target, confidence * (0.6 if misfit else 1), why + note))
    offers.extend(_by_cells(columns, targets))
    return _surest(offers), misfits


def _surest(offers: Iterable[Match]) -> dict[int, Match]:
    chosen: dict[int, Match] = {}
    taken: set[str] = set()
    for offer in sorted(offers, key=lambda one: (-one.confidence, one.column.index)):
        if offer.column.index not in chosen and offer.target.name not in taken:
            chosen[offer.column.index] = offer
            taken.add(offer.target.name)
    return chosen


def _named_alike(header: str, target: Target, like: Like) -> tuple[float, str]:
    spelling = plain(header)
    if not spelling:
        return 0.0, ""
    for name, confidence, why in (
        (target.name, 1.0, "the same name"),
        (target.label, 1.0, "the same label"),
        (target.wire_name, 1.0, "the same wire name"),
    ):
        if name and plain(name) == spelling:
            return confidence, why
    if things((header,)) & {target.name, *things((target.name,))}:
        return 0.9, "another word for it"
    likeness = max(like(spelling, plain(name)) for name in target.names)
    # Short words are alike by chance: `state` and `status`.
    return (likeness * 0.85, "a similar name") if likeness >= _ALIKE and len(spelling) > 4 else (0.0, "")


def _misfit(column: ColumnSummary, target: Target) -> str:
    """Why the cells cannot go there, "" when they can."""
    if not column.filled:
        return ""
    wanted = _FITTING.get(target.kind)
    if wanted is not None and column.kind not in wanted:
        return f"not every cell is of the kind {target.kind}"
    if target.choices is not None and column.values is not None:
        told = [text for text, _ in column.values if text.strip() not in column.perhaps]
        known = sum(spelling(part) in target.choices for text in told for part in _parts(text, target))
        parts = sum(len(_parts(text, target)) for text in told)
        if known < _COVERED * parts:
            return f"{parts - known} of {parts} different texts are none of its options"
    return ""


def spelling(text: str) -> str:
    """How options are compared."""
    return text.strip().casefold()


def _parts(text: str, target: Target) -> list[str]:
    return text.split(";") if target.kind == "multi_enumeration" else [text]


def _by_cells(columns: Sequence[ColumnSummary], targets: Sequence[Target]) -> Iterable[Match]:
    """What the cells are speaks for an attribute whose name no header has: a column of addresses is the address."""
    by_name = {target.name: target for target in targets if target.writable}
    for column in columns:
        target = by_name.get(_TELLING.get(column.kind, ""))
        if target is not None:
            yield Match(column, target, LEAST, f"its cells look like it ({column.kind})")
