"""One column's findings, gathered batch by batch in bounded memory. For `profile`."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.workspace.domain.distinct import Distinct
from services.workspace.domain.readings import (
    COMMA,
    DAY,
    DMY,
    EVERY,
    ISO,
    MDY,
    NOTHING,
    NUMBER,
    PERHAPS_NOTHING,
    POINT,
    YMD,
    days_of,
    has_time,
    number_of,
    readings,
)

MAX_VALUES = 300
MAX_VALUE_LENGTH = 120
MAX_SAMPLES = 5
_SAMPLE_LENGTH = 120
_LONGEST_WORD = 15
_NOTHING, _PERHAPS = "nothing", "perhaps"
_WORDS = dict.fromkeys(NOTHING, _NOTHING) | dict.fromkeys(PERHAPS_NOTHING, _PERHAPS)
_PLAIN = ("filled", "blank", "longest", "possible", "timed", "lines", "separated")
_SINGLE = tuple(1 << place for place in range(EVERY.bit_length()))
_MEASURED = (POINT, COMMA, ISO, DMY, MDY, YMD)
_ENOUGH = 5000
_NEARLY = 0.9


class Column:
    """What is known of a column so far.

    filled, blank, nothing: cells with something, with nothing, and with words that mean nothing, per word. perhaps:
    words that mean nothing in some columns; they count as filled. possible: readings that all others allow; fits: by
    such mask, how many cells have it. values: cells per text, None when there were more than MAX_VALUES. odd: by mask,
    an example of what narrowed `possible`. extremes: by reading, (least, its text, greatest, its text). timed: a date
    has a time of day; separated: a number has a mark; lines: a cell has line ends.
    """

    def __init__(self, hashes: int) -> None:
        self.distinct = Distinct(hashes)
        self.filled = self.blank = self.longest = 0
        self.possible = EVERY
        self.timed = self.lines = self.separated = False
        self.nothing: Counter[str] = Counter()
        self.perhaps: Counter[str] = Counter()
        self.fits: Counter[int] = Counter()
        self.values: dict[str, int] | None = {}
        self.samples: list[str] = []
        self.odd: dict[int, str] = {}
        self.extremes: dict[int, tuple[Any, str, Any, str]] = {}
        self._masks: dict[str, int] = {}

    def add(self, cells: Iterable[str]) -> None:
        """Take in one cell of every row of a batch."""
        counted = Counter(cells)
        self.blank += counted.pop("", 0)
        values, masks = self.values, self._masks
        wanted = self._wanted()
        fresh: list[str] = []
        for text, n in counted.items():
            if values is not None and text in values:
                values[text] += n
                self.filled += n
                if text in masks:
                    self.fits[masks[text]] += n
                continue
            told = text.strip()
            word = _WORDS.get(told.casefold()) if len(told) <= _LONGEST_WORD else None
            if not told:
                self.blank += n
            elif word is _NOTHING:
                self.nothing[told] += n
            else:
                self.filled += n
                fresh.append(told)
                if word is _PERHAPS:
                    self.perhaps[told] += n
                elif wanted:
                    self._read(text, told, n, wanted)
                if self.values is not None or len(self.samples) < MAX_SAMPLES:
                    self._remember(text, told, n)
        if fresh:
            self._measure(fresh)

    def fitting(self, reading: int) -> int:
        """Cells that can be read so, `perhaps` left out."""
        return sum(n for mask, n in self.fits.items() if mask & reading)

    def _wanted(self) -> int:
        """The readings worth trying: the possible ones, and those that nearly all cells allowed so far."""
        if self.filled < _ENOUGH:
            return EVERY
        return self.possible | sum(one for one in _SINGLE if self.fitting(one) > _NEARLY * self.filled)

    def _read(self, text: str, told: str, n: int, wanted: int) -> None:
        mask = readings(told, wanted)
        if self.values is not None:
            self._masks[text] = mask
        self.fits[mask] += n
        if mask & DAY and not self.timed:
            self.timed = has_time(told)
        if mask & NUMBER and not self.separated:
            self.separated = "." in told or "," in told
        if self.possible & ~mask:
            self.possible &= mask
            if len(self.odd) < MAX_SAMPLES:
                self.odd[mask] = told[:_SAMPLE_LENGTH]

    def _remember(self, text: str, told: str, n: int) -> None:
        if len(self.samples) < MAX_SAMPLES and (sample := told[:_SAMPLE_LENGTH]) not in self.samples:
            self.samples.append(sample)
        if self.values is not None:
            self.values[text] = n
            if len(self.values) > MAX_VALUES or len(text) > MAX_VALUE_LENGTH:
                self.values = None
                self._masks.clear()

    def _measure(self, fresh: Sequence[str]) -> None:
        self.distinct.add(fresh)
        self.longest = max(self.longest, len(max(fresh, key=len)))
        if not self.lines:
            self.lines = any("\n" in one for one in fresh)
        if self.possible & (NUMBER | DAY):
            for reading in _MEASURED:
                if self.possible & reading:
                    self._widen(reading, fresh)

    def _widen(self, reading: int, texts: Sequence[str]) -> None:
        made = [(key, text) for text in texts if (key := _key(reading, text)) is not None]
        if made:
            low, high = min(made), max(made)
            if reading in self.extremes:
                known = self.extremes[reading]
                low, high = min(low, known[:2]), max(high, known[2:])
            self.extremes[reading] = (*low, *high)

    def state(self) -> dict[str, Any]:
        """JSON from which `restored` makes an equal column."""
        return {
            "distinct": base64.b64encode(self.distinct.state()).decode(),
            "plain": [getattr(self, name) for name in _PLAIN],
            "nothing": dict(self.nothing),
            "perhaps": dict(self.perhaps),
            "fits": list(self.fits.items()),
            "values": self.values,
            "samples": self.samples,
            "odd": list(self.odd.items()),
            "extremes": list(self.extremes.items()),
        }

    @classmethod
    def restored(cls, hashes: int, state: Mapping[str, Any]) -> Column:
        """The column that gave this state."""
        made = cls(hashes)
        made.distinct = Distinct(hashes, base64.b64decode(state["distinct"]))
        for name, value in zip(_PLAIN, state["plain"], strict=True):
            setattr(made, name, value)
        made.nothing, made.perhaps = Counter(state["nothing"]), Counter(state["perhaps"])
        made.fits = Counter(dict(state["fits"]))
        made.values, made.samples = state["values"], list(state["samples"])
        made.odd = dict(state["odd"])
        made.extremes = {reading: tuple(four) for reading, four in state["extremes"]}
        told = {text: text.strip() for text in made.values or () if text.strip() not in made.perhaps}
        made._masks = {text: readings(stripped) for text, stripped in told.items()}
        return made


def _key(reading: int, text: str) -> Any:
    if reading & DAY:
        day = (days_of(text) or {}).get(reading)
        return None if day is None else day.isoformat()
    try:
        return number_of(text, comma=reading == COMMA)
    except ValueError:
        return None
