"""What a metric is: one named number, defined once and used by every surface. Reading its JSON; nothing is looked up.

    {"name": "leads_won", "label": "...", "entity_type": "contact", "filter": {native filter} | null,
     "measure": {"kind": "count"} | {"kind": "sum"|"average"|"min"|"max"|"distinct", "attribute": a}
              | {"kind": "ratio", "numerator": metric, "denominator": metric},
     "dimensions": [{"name": "source", "attribute": "lead_source"},
                    {"name": "month", "attribute": "created_at", "bucket": "month", "time_zone": "Europe/Berlin"},
                    {"name": "industry", "attribute": "company.industry"}],
     "time": {"attribute": "created_at", "time_zone": "UTC"}, "unit": "percent" | "days" | "EUR" | ...}

A sum may say in which currency each amount is, and be told in one of them, at the rates of a day:
{"kind": "sum", "attribute": "amount", "currency": "currency", "convert": {"to": "EUR", "at": "closes_at"}}; without
`at` the rates are those of the day of the report.

Whether attributes exist and measures fit their kinds is asked where the catalog is (services/reporting/metrics).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MOST_DIMENSIONS = 6
BUCKETS = ("day", "week", "month", "quarter", "year")
FINE = ("minute", "hour")
"""Buckets of dimensions alone. Deadlines and ages are ranges of them: no event tells that time passes."""
OVER_VALUES = ("sum", "average", "min", "max", "distinct")
KINDS = ("count", *OVER_VALUES, "ratio")
TIME = "time"
CURRENCY, RATE_DAY = "currency", "rate_day"
REPORT_DAY = "report day"
UNITS = ("percent", "seconds", "minutes", "hours", "days")
FILTER_PREFIX = "filter:"
"""What the names of metrics begin with that count saved filters."""
LINKED = "@"
"""What the names of dimensions begin with that nobody asks for: of what a filter looks at beyond the entity itself."""
_BEYOND = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_NAME = re.compile(rf"({FILTER_PREFIX})?[a-z][a-z0-9_]{{0,62}}")
_CODE = re.compile(r"[A-Z]{3}")
_GROUP_NAME = re.compile(r"[\w.-]{1,100}")
_KEYS = ("name", "label", "description", "entity_type", "filter", "measure", "dimensions", TIME, "unit")

Problem = tuple[str, str, str]
"""(field, code, message)."""


class Wrong(ValueError):
    """A definition that cannot be one; `problems` are all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(message for _, _, message in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Measure:
    """What is counted or calculated. numerator, denominator: names of metrics, for ratios. currency: the attribute that
    says in which one an amount is; to: the one that amounts are told in, at the rates of the day in `at`."""

    kind: str
    attribute: str = ""
    numerator: str = ""
    denominator: str = ""
    currency: str = ""
    to: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Dimension:
    """A group to break down by: an attribute's value, or the bucket of a date in a time zone."""

    name: str
    attribute: str
    bucket: str = ""
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric as it was asked for. `time`: the dimension that periods are about."""

    name: str
    label: str
    entity_type: str
    measure: Measure
    dimensions: tuple[Dimension, ...] = ()
    time: Dimension | None = None
    filter: Mapping[str, Any] | None = None
    description: str = ""
    unit: str = ""

    @property
    def groups(self) -> tuple[Dimension, ...]:
        """All dimensions that cells are kept by: those asked for, time by day, and what amounts are converted by."""
        found = [*self.dimensions, *([self.time] if self.time else [])]
        if self.measure.currency and CURRENCY not in self.names:
            found.append(Dimension(CURRENCY, self.measure.currency))
        if self.measure.to and self.measure.at != REPORT_DAY:
            found.append(Dimension(RATE_DAY, self.measure.at, "day", self.time_zone))
        beyond = dict.fromkeys(str(one["attribute"]) for one in self.conditions[1])
        return (*found, *(Dimension(LINKED + one, one) for one in beyond))

    @property
    def conditions(self) -> tuple[Mapping[str, Any] | None, tuple[Mapping[str, Any], ...]]:
        """What the filter asks of the entity itself, and the conditions on linked ones: `company.industry`, alone or in
        the topmost `and`."""
        if self.filter is None:
            return None, ()
        alone = _beyond(self.filter)
        given = [self.filter] if alone else self.filter.get("and")
        if not isinstance(given, list) or not any(map(_beyond, given)):
            return self.filter, ()
        own = [one for one in given if not _beyond(one)]
        return {"and": own} if own else None, tuple(one for one in given if _beyond(one))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the dimensions that were asked for."""
        return tuple(one.name for one in self.dimensions)

    @property
    def offered(self) -> tuple[str, ...]:
        """Names of the dimensions that questions may use, time aside."""
        return tuple(one.name for one in self.groups if one.name not in (TIME, RATE_DAY) and one.name[0] != LINKED)

    @property
    def time_zone(self) -> str:
        """The zone of its days."""
        return self.time.time_zone if self.time else "UTC"


def _beyond(one: Any) -> bool:
    return isinstance(one, Mapping) and _BEYOND.fullmatch(str(one.get("attribute"))) is not None


@dataclass(slots=True)
class _Reader:
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, where: str, message: str, code: str = "INVALID_METRIC") -> None:
        self.problems.append((where, code, f"{where}: {message}"))

    def text(self, raw: Mapping[str, Any], key: str, where: str, *, most: int = 200, needed: bool = True) -> str:
        value = raw.get(key, "")
        if not isinstance(value, str) or len(value) > most:
            self.wrong(where + key, f"expected text of at most {most} characters")
            return ""
        if needed and not value.strip():
            self.wrong(where + key, "is needed", "REQUIRED_FIELD")
        return value.strip()

    def known(self, raw: Mapping[str, Any], allowed: tuple[str, ...], where: str) -> None:
        for key in raw:
            if key not in allowed:
                self.wrong(f"{where}{str(key)[:60]}", f"is not known here; known are {', '.join(allowed)}")

    def measure(self, raw: Any) -> Measure:
        if not isinstance(raw, Mapping):
            self.wrong("measure", 'expected an object such as {"kind": "count"}')
            return Measure("count")
        kind = raw.get("kind")
        if kind not in KINDS:
            self.wrong("measure.kind", f"use one of {', '.join(KINDS)}")
            return Measure("count")
        wanted = {"count": (), "ratio": ("numerator", "denominator")}.get(kind, ("attribute",))
        self.known(raw, ("kind", *wanted, *(("currency", "convert") if kind == "sum" else ())), "measure.")
        return Measure(kind, **{key: self.text(raw, key, "measure.") for key in wanted}, **self.money(raw))

    def money(self, raw: Mapping[str, Any]) -> dict[str, str]:
        """What a measure says about currencies."""
        if raw.get("kind") != "sum" or "currency" not in raw:
            if "convert" in raw:
                self.wrong("measure.convert", "needs `currency`: the attribute that says which one an amount is in")
            return {}
        found = {"currency": self.text(raw, "currency", "measure.")}
        convert = raw.get("convert")
        if convert is None:
            return found
        if not isinstance(convert, Mapping):
            self.wrong("measure.convert", 'expected an object such as {"to": "EUR", "at": "closes_at"}')
            return found
        self.known(convert, ("to", "at"), "measure.convert.")
        to = self.text(convert, "to", "measure.convert.")
        if to and not _CODE.fullmatch(to):
            self.wrong("measure.convert.to", f"{to[:20]} is no currency code, such as EUR")
        at = self.text(convert, "at", "measure.convert.", needed=False) or REPORT_DAY
        return {**found, "to": to, "at": at}

    def unit(self, raw: Mapping[str, Any]) -> str:
        found = self.text(raw, "unit", "", needed=False)
        if found and found not in UNITS and not _CODE.fullmatch(found):
            self.wrong("unit", f"use one of {', '.join(UNITS)}, or a currency code such as EUR")
        return found

    def dimension(self, raw: Any, where: str, zone: str = "", *, time: bool = False) -> Dimension:
        if isinstance(raw, str):
            raw = {"attribute": raw}
        if not isinstance(raw, Mapping):
            self.wrong(where, "expected an object with an attribute")
            return Dimension(where, "")
        self.known(
            raw, ("attribute", "time_zone") if time else ("name", "attribute", "bucket", "time_zone"), f"{where}."
        )
        attribute = self.text(raw, "attribute", f"{where}.")
        bucket = "day" if time else self.text(raw, "bucket", f"{where}.", needed=False)
        if bucket and bucket not in (*FINE, *BUCKETS):
            self.wrong(f"{where}.bucket", f"use one of {', '.join((*FINE, *BUCKETS))}")
        zone = self.text(raw, "time_zone", f"{where}.", needed=False) or zone or "UTC"
        if not is_zone(zone):
            self.wrong(f"{where}.time_zone", f"{zone} is not an IANA time zone, such as Europe/Berlin")
        name = TIME if time else self.text(raw, "name", f"{where}.", needed=False) or attribute
        if name and not _GROUP_NAME.fullmatch(name):
            self.wrong(f"{where}.name", "use letters, digits, dots, dashes and underscores, 100 at most")
        return Dimension(name, attribute, bucket, zone)

    def dimensions(self, raw: Any, zone: str, measure: Measure) -> tuple[Dimension, ...]:
        """Days and months of dimensions are those of the metric's own time zone unless they say another."""
        if not isinstance(raw, list) or len(raw) > MOST_DIMENSIONS:
            self.wrong("dimensions", f"expected a list of at most {MOST_DIMENSIONS}")
            return ()
        found = tuple(self.dimension(one, f"dimensions[{place}]", zone) for place, one in enumerate(raw))
        names = [one.name for one in found]
        taken = {TIME, RATE_DAY}
        for place, name in enumerate(names):
            other = name == CURRENCY and measure.currency not in ("", found[place].attribute)
            if name in names[:place] or name in taken or other:
                self.wrong(f"dimensions[{place}].name", f"{name} is the name of another dimension")
        return found


def is_zone(name: str) -> bool:
    """Whether a name is one of an IANA time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def read_definition(raw: Mapping[str, Any]) -> Definition:
    """The definition in parsed JSON. Raises Wrong with every problem."""
    reader = _Reader()
    reader.known(raw, _KEYS, "")
    name = reader.text(raw, "name", "")
    if name and not _NAME.fullmatch(name):
        reader.wrong("name", "small letters, digits and _ only, a letter first, at most 63")
    measure = reader.measure(raw.get("measure", {"kind": "count"}))
    time = raw.get(TIME)
    condition = raw.get("filter")
    if condition is not None and not isinstance(condition, Mapping):
        reader.wrong("filter", "expected a filter in the search grammar")
    ratio = measure.kind == "ratio"
    timed = None if time is None else reader.dimension(time, TIME, time=True)
    found = Definition(
        name=name,
        label=reader.text(raw, "label", "", needed=False) or name,
        entity_type="" if ratio else reader.text(raw, "entity_type", ""),
        measure=measure,
        dimensions=reader.dimensions(raw.get("dimensions", []), timed.time_zone if timed else "", measure),
        time=timed,
        filter=condition if isinstance(condition, Mapping) else None,
        description=reader.text(raw, "description", "", most=2000, needed=False),
        unit=reader.unit(raw) or measure.to,
    )
    if ratio and (found.dimensions or found.time or found.filter):
        reader.wrong("measure", "a ratio has the dimensions its two metrics share, and no filter of its own")
    if reader.problems:
        raise Wrong(reader.problems)
    return found


def document(one: Definition) -> dict[str, Any]:
    """The JSON form, which reads back to an equal definition."""
    measure: dict[str, Any] = {"kind": one.measure.kind}
    for key in ("attribute", "numerator", "denominator", "currency"):
        if getattr(one.measure, key):
            measure[key] = getattr(one.measure, key)
    if one.measure.to:
        measure["convert"] = {"to": one.measure.to, "at": one.measure.at}
    body: dict[str, Any] = {"name": one.name, "label": one.label, "measure": measure}
    if one.measure.kind != "ratio":
        body["entity_type"] = one.entity_type
        body["dimensions"] = [_dimension(part) for part in one.dimensions]
        body["filter"] = one.filter
        if one.time is not None:
            body[TIME] = {"attribute": one.time.attribute, "time_zone": one.time.time_zone}
    for key in ("description", "unit"):
        if getattr(one, key):
            body[key] = getattr(one, key)
    return body


def _dimension(one: Dimension) -> dict[str, Any]:
    body = {"name": one.name, "attribute": one.attribute}
    return {**body, "bucket": one.bucket, "time_zone": one.time_zone} if one.bucket else body
