"""Times in stages as attributes: since when, until when, how long; made for every stage, kept with every move. Pure.

They are ordinary read-only attributes, so that they filter, sort, and are counted like any other. Of a stage that an
entity came back to, entry and exit are those of the last visit. Lengths are in milliseconds, those of visits that are
over. For the visits themselves, one by one, see `visits`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.service.pipelines.declare import CLOSED, ROTTING_DAYS, Pipelined
from shared.service.pipelines.values import Pipeline, Stage
from shared.service.pipelines.visit_rows import Visit

# Names in the wire dialect begin so; the id of the stage follows.
ENTERED, LEFT = "hs_v2_date_entered_", "hs_v2_date_exited_"
LATEST, TOTAL = "hs_v2_latest_time_in_", "hs_v2_cumulative_time_in_"
_KINDS = (
    (ENTERED, "entered_", "datetime", 'Entered "{}"', "When it last came to this stage."),
    (LEFT, "left_", "datetime", 'Left "{}"', "When it left this stage; without a value while it stands in it."),
    (LATEST, "time_in_", "number", 'Time in "{}"', "How long the last visit that is over was, in milliseconds."),
    (
        TOTAL,
        "total_time_in_",
        "number",
        'Total time in "{}"',
        "How long all visits that are over were, in ms.",
    ),
)
_BEGINNINGS = tuple(beginning for beginning, *_ in _KINDS)
_NOT_NAME = re.compile(r"[^a-z0-9_]+")
_MILLISECOND = timedelta(milliseconds=1)
Values = Mapping[str, Any]


def attributes_for(live: LiveType, declared: Pipelined, pipeline: Pipeline) -> list[AttributeDef]:
    """The attributes that the stages of a pipeline have not got yet."""
    if declared.times is None:
        return []
    names, made = set(live.every), []
    known = {one.wire for one in live.every.values()}
    for stage in pipeline.live_stages:
        for one in _attributes(stage, declared.times.group, names):
            if one.wire not in known:
                made.append(one)
                names.add(one.name)
    return made


def _attributes(stage: Stage, group: str, taken: Collection[str]) -> Iterator[AttributeDef]:
    slug = _NOT_NAME.sub("_", stage.id.lower())
    for beginning, short, kind, label, description in _KINDS:
        name, further = f"{short}{slug}", 1
        while name in taken:
            further += 1
            name = f"{short}{slug}_{further}"
        yield AttributeDef(
            name,
            label.format(stage.label),
            kind,
            wire_name=f"{beginning}{stage.id}",
            group=group,
            description=description,
            field_type="date" if kind == "datetime" else "number",
            read_only=True,
            form_field=False,
            builtin=True,
        )


def moment(declared: Pipelined, old: Values | None, since: datetime) -> datetime:
    """When a move counts: nothing leaves a stage before it came there."""
    begun = old.get(declared.times.entered) if old is not None and declared.times is not None else None
    return since if begun is None else max(since, begun)


def kept(
    declared: Pipelined, live: LiveType, old: Values | None, new: Values, since: datetime, limits: Mapping[str, str]
) -> dict[str, Any]:
    """The times that a write comes to; {} when nothing moves. limits: what the stage it comes to says of itself."""
    times = declared.times
    if times is None or declared.stage not in new:
        return {}
    before, after = None if old is None else old.get(declared.stage), new[declared.stage]
    if before == after:
        return {}
    at = moment(declared, old, since)
    found: dict[str, Any] = {times.entered: None if after is None else at, times.rotting: None}
    if after is not None:
        found[times.rotting] = _rots(limits, at)
    if old is not None and before is not None:
        found |= _ended(live, old, before, old.get(times.entered), at)
    if after is not None:
        found |= {name: value for wire, value in ((ENTERED, at), (LEFT, None)) for name in _named(live, wire, after)}
    return found


def replayed(declared: Pipelined, live: LiveType, visits: Sequence[Visit], limits: Mapping[str, str]) -> dict[str, Any]:
    """All times that follow from an entity's visits in order, None where there are none: for what moves do not tell.
    limits: what the stage it stands in says of itself."""
    times = declared.times
    if times is None or not visits:
        return {}
    found: dict[str, Any] = {one.name: None for wire, one in live.by_wire.items() if wire.startswith(_BEGINNINGS)}
    for one in visits:
        told: dict[str, Any] = {ENTERED: one.entered, LEFT: one.left}
        if one.left is not None:
            told[LATEST] = spent = Decimal((one.left - one.entered) // _MILLISECOND)
            told[TOTAL] = spent + sum((found[name] or 0 for name in _named(live, TOTAL, one.stage)), Decimal(0))
        found |= {name: value for wire, value in told.items() for name in _named(live, wire, one.stage)}
    last = visits[-1]
    there = last.entered if last.left is None else None
    return {**found, times.entered: there, times.rotting: None if there is None else _rots(limits, there)}


def rots_anew(declared: Pipelined, limits: Mapping[str, str], since: datetime | None) -> dict[str, Any]:
    """When what has stood in its stage since an instant will have been there for too long, by the limits in force."""
    if declared.times is None:
        return {}
    return {declared.times.rotting: None if since is None else _rots(limits, since)}


def _rots(limits: Mapping[str, str], since: datetime) -> datetime | None:
    if ROTTING_DAYS not in limits or limits.get(CLOSED) == "true":
        return None
    try:
        return since + timedelta(days=float(limits[ROTTING_DAYS]))
    except OverflowError:  # after the last day there is: never
        return None


def _ended(live: LiveType, old: Values, stage: str, begun: datetime | None, at: datetime) -> dict[str, Any]:
    spent = Decimal((at - begun) // _MILLISECOND) if begun is not None else Decimal(0)
    found: dict[str, Any] = {}
    for beginning, value in ((LEFT, at), (LATEST, spent)):
        found |= dict.fromkeys(_named(live, beginning, stage), value)
    for name in _named(live, TOTAL, stage):
        found[name] = (old.get(name) or Decimal(0)) + spent
    return found


def _named(live: LiveType, beginning: str, stage: str) -> tuple[str, ...]:
    found = live.by_wire.get(f"{beginning}{stage}")
    return () if found is None else (found.name,)
