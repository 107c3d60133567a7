"""What a file's columns hold, gathered in one pass and bounded memory: the basis of every proposal.

Rows are added in batches; `state` and `restored` carry a profile over to another process, so that a pass may be broken
off anywhere. `summary` is what users see and proposals rest on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from services.workspace.domain.column import Column
from services.workspace.domain.kinds import kind_of, range_of

_HASHES = 600_000
_LEAST_HASHES, _MOST_HASHES = 64, 16_384
_SHOWN_VALUES = 100


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """One column. kind: the narrowest kind of attribute all cells fit. values: the most frequent texts with their
    number, when there are few different ones; perhaps: words among them that may mean nothing."""

    index: int
    header: str
    kind: str
    filled: int
    blank: int
    distinct: int
    distinct_exact: bool
    longest: int
    samples: tuple[str, ...] = ()
    nothing: Mapping[str, int] = field(default_factory=dict)
    perhaps: Mapping[str, int] = field(default_factory=dict)
    values: tuple[tuple[str, int], ...] | None = None
    options: tuple[str, ...] = ()
    least: str | None = None
    greatest: str | None = None
    date_format: str | None = None
    decimal: str | None = None
    notes: tuple[str, ...] = ()
    open: bool = False

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own here, as far as can be told."""
        return self.filled > 1 and not self.blank and not self.nothing and self.distinct >= 0.98 * self.filled

    def document(self) -> dict[str, Any]:
        """JSON; `from_document` is the way back."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ColumnSummary:
        """The summary of a document."""
        listed = {name: tuple(document[name]) for name in ("samples", "options", "notes")}
        values = document["values"]
        told = None if values is None else tuple((text, n) for text, n in values)
        return cls(**{**document, **listed, "values": told})


class Profile:
    """Rows in, summaries out."""

    def __init__(self, header: Sequence[str]) -> None:
        self._header = tuple(header)
        self._hashes = max(_LEAST_HASHES, min(_MOST_HASHES, _HASHES // max(1, len(header))))
        self._columns = [Column(self._hashes) for _ in header]

    def add(self, rows: Sequence[Sequence[str]]) -> None:
        """Take in rows as wide as the header."""
        for column, cells in zip(self._columns, zip(*rows, strict=True), strict=False):
            column.add(cells)

    def state(self) -> list[dict[str, Any]]:
        """JSON from which `restored` makes an equal profile."""
        return [column.state() for column in self._columns]

    @classmethod
    def restored(cls, header: Sequence[str], state: Sequence[Mapping[str, Any]]) -> Profile:
        """The profile that gave this state."""
        made = cls(header)
        made._columns = [Column.restored(made._hashes, one) for one in state]
        return made

    def summary(self) -> tuple[ColumnSummary, ...]:
        """What is known of every column now."""
        pairs = zip(self._header, self._columns, strict=True)
        return tuple(_summary(index, header, column) for index, (header, column) in enumerate(pairs))


def _summary(index: int, header: str, column: Column) -> ColumnSummary:
    kind = kind_of(header, column)
    extent = range_of(kind, column)
    values = None
    if column.values is not None:
        values = tuple(sorted(column.values.items(), key=lambda pair: -pair[1])[:_SHOWN_VALUES])
    return ColumnSummary(
        index=index,
        header=header,
        kind=kind.name,
        filled=column.filled,
        blank=column.blank,
        distinct=column.distinct.count,
        distinct_exact=column.distinct.exact,
        longest=column.longest,
        samples=tuple(column.samples),
        nothing=dict(column.nothing),
        perhaps=dict(column.perhaps),
        values=values,
        options=kind.options,
        least=extent[0] if extent else None,
        greatest=extent[1] if extent else None,
        date_format=kind.date_format,
        decimal=kind.decimal,
        notes=kind.notes,
        open=kind.ambiguous,
    )
