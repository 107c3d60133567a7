"""What a dry run remembers, so that its predictions are exact within the file and not only against the database.

A row whose key an earlier chunk had is judged against what that chunk would have left: created becomes updated or
unchanged, a unique value given twice is refused. Attributes that are only about to be made are judged here as well,
since the engine does not know them. Inside a chunk the engine sees earlier rows itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.eav.bulk.items import BulkOutcome
from shared.eav.types import ValueProblem, kind_of
from shared.kernel.clock import iso, now
from shared.kernel.db import Connection
from shared.kernel.errors import FieldError
from shared.kernel.json import dumps
from shared.service.imports.conversion import Row
from shared.service.imports.dated import Known, as_text, judge_row
from shared.service.imports.gaining import LINKED, gained
from shared.service.imports.resolving import Resolved, waits
from shared.service.imports.spec import BY_ID
from shared.service.imports.task import Task

Claim = tuple[str, str]
"""(internal attribute name, key text)"""
Pair = tuple[Resolved, BulkOutcome]

_LOAD = """
select s.attribute, s.key, s.line, s."values" from import_seen s
join unnest(%(attributes)s::text[], %(keys)s::text[]) c(attribute, key)
    on s.job_id = %(job)s and s.attribute = c.attribute and s.key = c.key
"""
_STORE = """
insert into import_seen (job_id, attribute, key, line, "values")
select %(job)s, one->>'attribute', one->>'key', (one->>'line')::int, one->'values'
from jsonb_array_elements(%(seen)s::jsonb) as listed(one)
on conflict (job_id, attribute, key) do update set line = excluded.line, "values" = excluded."values"
"""
_OWNER = "="
"""Where claims of other values than the key keep whose they are; no attribute has this name."""
HERE = "!"
"""What tells that a row which waits for nobody made it."""
_DATED = "@"
"""Where keys keep what values their entity had and since when, in the order they came; no attribute has this name."""


@dataclass(slots=True)
class _Seen:
    line: int
    values: dict[str, Any]


def judge_planned(task: Task, rows: Iterable[Row]) -> None:
    """Add the errors of values of attributes that the engine does not know yet."""
    if not task.planned:
        return
    key = task.spec.key
    for row in rows:
        for name in task.planned.keys() & row.values.keys():
            attribute, raw = task.planned[name], row.values[name]
            try:
                if raw not in (None, ""):
                    kind_of(attribute).coerce(raw, attribute)
            except ValueProblem as problem:
                row.errors.append(FieldError(name, problem.code, problem.message))
        if key is not None and key.attribute in task.planned and task.spec.mode == "update":
            row.errors.append(FieldError(key.attribute, "OBJECT_NOT_FOUND", f"no {task.live.name} has this key"))


def claims_of(task: Task, row: Row) -> tuple[Claim | None, list[Claim]]:
    """What tells the row's entity apart, and what else nobody else may have, or others of the file may name it by."""
    text = task.key(row)
    name = BY_ID if row.id is not None or task.spec.key is None else _internal(task, task.spec.key.attribute)
    key = None if text is None else (name, text)
    others: dict[str, Claim] = {}
    for given, raw in row.values.items():
        attribute = task.find(given)
        if attribute is not None and raw is not None and (attribute.unique or attribute.name in _named_by(task)):
            found = task.keys.text(given, raw)
            if found is not None and (attribute.name, found) != key:
                others[attribute.name] = (attribute.name, found)
    return key, list(others.values())


def _internal(task: Task, name: str) -> str:
    attribute = task.find(name)
    return name if attribute is None else attribute.name


def _named_by(task: Task) -> set[str]:
    """Attributes by which rows of the file name each other."""
    places = range(len(task.spec.links))
    return {_internal(task, task.spec.links[place].attribute) for place in places if task.inward(place)}


class Foresight:
    """What one chunk of a dry run adds to what earlier ones saw. Make it before the rows are judged."""

    def __init__(self, connection: Connection, task: Task, resolved: Sequence[Resolved]) -> None:
        self._task = task
        self._claims = [claims_of(task, one.row) for one in resolved]
        wanted = {claim for key, others in self._claims for claim in (*others, *([key] if key else []))}
        self._stored = _load(connection, task.job.id, wanted)
        whose = {(name, key) for one in self._stored.values() for name, key in [_whose(one)] if name}
        self._stored |= _load(connection, task.job.id, whose - self._stored.keys())
        self._last = {key: place for place, (key, _) in enumerate(self._claims) if key}
        self._begin()
        self._hide(resolved)

    def _begin(self) -> None:
        self._seen = dict(self._stored)
        self._fresh: dict[Claim, _Seen] = {}
        self._debts: list[tuple[int, Claim]] = []

    def _hide(self, resolved: Sequence[Resolved]) -> None:
        """Under a key that the engine does not know, every row is a new entity to it: of rows about one entity only
        the first may show it the values that must be unique."""
        if not self._imagined_key:
            return
        unique = {one.name for one in self._task.live.attributes.values() if one.unique}
        met = set(self._stored)
        for one, (key, _) in zip(resolved, self._claims, strict=True):
            if key is not None and key in met:
                one.hidden |= {name for name in one.row.values if _internal(self._task, name) in unique}
            met |= {key} if key else set()

    def predictions(self, pairs: Sequence[Pair]) -> list[Pair]:
        """The outcomes as they would really be, in the order of the rows."""
        refused: dict[int, list[Claim]] = {}
        while True:
            self._begin()
            found = [self._judged(place, *pair, refused.get(place)) for place, pair in enumerate(pairs)]
            # Values may swap: one may be taken while its owner is still to let go of it, but not in vain.
            unpaid = [(place, claim) for place, claim in self._debts if self._still_held(claim)]
            if not unpaid:
                return found
            for place, claim in unpaid:
                refused.setdefault(place, []).append(claim)

    def store(self, connection: Connection) -> None:
        """Remember for the chunks that follow."""
        seen = [
            {"attribute": attribute, "key": key, "line": one.line, "values": one.values}
            for (attribute, key), one in sorted(self._fresh.items())
        ]
        if seen:
            connection.run(_STORE, {"job": self._task.job.id, "seen": dumps(seen).decode()})

    def _judged(self, place: int, one: Resolved, outcome: BulkOutcome, refused: list[Claim] | None) -> Pair:
        if outcome.outcome == "rejected":
            return one, outcome
        key, others = self._claims[place]
        if late := self._late(one.row, key):
            return one, replace(outcome, outcome="rejected", id=None, changed={}, errors=late)
        owner = "\t".join(key) if key else f"line {one.row.line}"
        taken = refused or [claim for claim in others if self._taken(claim, owner, place)]
        if taken:
            return one, replace(outcome, outcome="rejected", id=None, changed={}, errors=_duplicates(taken))
        return one, self._predicted(one, outcome, key, others, owner)

    def _predicted(
        self, one: Resolved, outcome: BulkOutcome, key: Claim | None, others: Sequence[Claim], owner: str
    ) -> BulkOutcome:
        prior = self._seen.get(key) if key else None
        before = prior.values if prior else {}
        given = {_internal(self._task, name): raw for name, raw in one.row.values.items()}
        if prior is not None and (key in self._stored or self._imagined_key):
            unknown = {_internal(self._task, name) for name in one.hidden} | self._task.planned.keys()
            changed = self._differences(given, prior.values, outcome, unknown)
            outcome = replace(outcome, outcome="updated" if changed else "unchanged", changed=changed)
        elif self._task.planned:
            outcome = self._with_planned(given, prior, outcome)
        new, linked = gained(self._task, one, outcome, before)
        if new and outcome.outcome == "unchanged":
            outcome = replace(outcome, outcome="updated")
        values = {**before, **given, **self._dated(one.row, prior), LINKED: linked}
        self._note(one.row.line, key, others, owner, values, here=not waits(self._task, one))
        return outcome

    def _late(self, row: Row, key: Claim | None) -> tuple[FieldError, ...]:
        """Why a row is older than what earlier ones of the file told of its entity."""
        prior = self._stored.get(key) if key else None
        if prior is None or row.effective_at is None:
            return ()
        told = {name: [Known(*one) for one in listed] for name, listed in prior.values.get(_DATED, {}).items()}
        before = len(row.errors)
        judge_row(self._task, row, told)
        late, row.errors[before:] = tuple(row.errors[before:]), []
        return late

    def _dated(self, row: Row, prior: _Seen | None) -> dict[str, Any]:
        """What values the row's entity had and since when, with the row's own."""
        if self._task.spec.effective_at is None:
            return {}
        told = dict(prior.values.get(_DATED, {})) if prior else {}
        at = iso(row.effective_at or now())
        for name, raw in row.values.items():
            attribute = self._task.live.find(name)
            if attribute is not None:
                told[attribute.name] = [*told.get(attribute.name, ()), (at, as_text(self._task, attribute, raw))]
        return {_DATED: told}

    @property
    def _imagined_key(self) -> bool:
        key = self._task.spec.key
        return key is not None and key.attribute in self._task.planned

    def _taken(self, claim: Claim, owner: str, place: int) -> bool:
        """Whether another entity of the file has a value that must be unique, and does not let go of it later."""
        held = self._seen.get(claim)
        attribute = self._task.find(claim[0])
        if held is None or attribute is None or not attribute.unique or held.values.get(_OWNER) == owner:
            return False
        if not self._has(claim, held):
            return False
        holder = _whose(held)
        if claim not in self._stored and holder not in self._stored:
            # Both rows are in this chunk: the engine saw them, where it knows the attribute and whose it is.
            return attribute.name in self._task.planned or self._imagined_key
        if self._last.get(holder, -1) > place:
            self._debts.append((place, claim))
            return False
        return True

    def _has(self, claim: Claim, held: _Seen) -> bool:
        """Whether the entity that a value was noted for still has it."""
        whose = self._seen.get(_whose(held))
        return whose is None or self._task.keys.text(claim[0], whose.values.get(claim[0])) == claim[1]

    def _still_held(self, claim: Claim) -> bool:
        """Whether the owner that was to let go of a value kept it."""
        held = self._stored.get(claim)
        return held is not None and self._has(claim, held)

    def _differences(
        self, given: dict[str, Any], prior: dict[str, Any], outcome: BulkOutcome, unknown: Collection[str]
    ) -> dict[str, Any]:
        """{attribute key: (old, new)} against what an earlier row of the file left. unknown: to the engine."""
        found: dict[str, Any] = {}
        for name, raw in given.items():
            attribute = self._task.find(name)
            if attribute is None:
                continue
            new = self._task.keys.json(name, raw)
            if name in prior:
                old = self._task.keys.json(name, prior[name])
            elif attribute.key in outcome.changed:
                old = outcome.changed[attribute.key][0]
            else:
                old = None if attribute.name in unknown else new
            if old != new:
                found[attribute.key] = (old, new)
        return found

    def _with_planned(self, given: dict[str, Any], prior: _Seen | None, outcome: BulkOutcome) -> BulkOutcome:
        """What the engine said, and the values it does not know."""
        held = prior.values if prior else {}
        added = {}
        for name in self._task.planned.keys() & given.keys():
            old, new = self._task.keys.json(name, held.get(name)), self._task.keys.json(name, given[name])
            if old != new:
                added[self._task.planned[name].key] = (old, new)
        if not added:
            return outcome
        result = "updated" if outcome.outcome == "unchanged" else outcome.outcome
        return replace(outcome, outcome=result, changed={**outcome.changed, **added})

    def _note(
        self, line: int, key: Claim | None, others: Sequence[Claim], owner: str, values: dict[str, Any], *, here: bool
    ) -> None:
        if key is not None:
            self._seen[key] = self._fresh[key] = _Seen(line, values | ({HERE: 1} if here else {}))
        for claim in others:
            held = self._seen.get(claim)
            there = here or (held is not None and HERE in held.values)
            self._seen[claim] = self._fresh[claim] = _Seen(line, {_OWNER: owner} | ({HERE: 1} if there else {}))


def _whose(seen: _Seen) -> Claim:
    """The key of the entity a value was noted for; ("", "") for a key itself, (line, "") without one."""
    name, _, key = str(seen.values.get(_OWNER, "")).partition("\t")
    return name, key


def _duplicates(taken: Sequence[Claim]) -> tuple[FieldError, ...]:
    message = "an earlier row of the file has the same value, which must be unique"
    return tuple(FieldError(name, "DUPLICATE_UNIQUE_PROPERTY_VALUE", message) for name, _ in taken)


def _load(connection: Connection, job: int, wanted: set[Claim]) -> dict[Claim, _Seen]:
    if not wanted:
        return {}
    ordered = sorted(wanted)
    values = {"job": job, "attributes": [name for name, _ in ordered], "keys": [key for _, key in ordered]}
    return {(name, key): _Seen(line, held) for name, key, line, held in connection.rows(_LOAD, values)}
