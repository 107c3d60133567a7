"""Possible duplicates: of values somebody is about to write, and of entities just created.

Two statements whatever the number of entities: who shares a key, and what they are (only when somebody does). Of what
is created, the first one is part of keeping its keys. Values beforehand take one more: who has one that is unique, past
which no creation gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg

from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.engine import Engine
from shared.eav.entity import Entity
from shared.eav.patience import tries
from shared.eav.query.page import check_version
from shared.eav.query.reading import reader
from shared.eav.requests import ItemError
from shared.eav.store.keys import owners
from shared.eav.store.state import to_json
from shared.eav.types import ValueProblem, kind_of
from shared.eav.validation import coerce
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import CrmError, ErrorList, FieldError, Invalid, InvalidValues, Unavailable
from shared.kernel.telemetry import logger
from shared.service.matching import store
from shared.service.matching.keeping import Keeping, Numbered
from shared.service.permissions import allowed, require

CODE = "POSSIBLE_DUPLICATE"
MOST_SHOWN = 20
MOST_COMPARED = 400
Stored = Mapping[str, Any]
Sharing = Mapping[int, set[int]]
"""By rule number, who shares a key."""
T = TypeVar("T")
Outcome = Entity | ItemError
_log = logger("duplicates")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An entity that may be the same, by the rule that says so most strongly."""

    id: int
    rule: str
    score: float


class Duplicates:
    """Looks for possible duplicates among one service's entities."""

    def __init__(self, engine: Engine, keeping: Keeping) -> None:
        self._engine = engine
        self.keeping = keeping

    def check(self, ctx: Context, type: str, values: Mapping[str, object]) -> list[Duplicate]:
        """Who is like an entity of these raw values. Raises InvalidValues with every value that cannot be one."""
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "read")
        try:
            canonical = self._canonical(live, values, ctx)
        except InvalidValues:
            if not self._engine.catalog.moved():
                raise
            canonical = self._canonical(self._engine.catalog.type(live.name), values, ctx)
        return self._reading(live.name, lambda connection, live, rules: _check(connection, live, rules, canonical))

    def warning(self, ctx: Context, type_name: str, write: Callable[[], list[Outcome]]) -> list[Outcome]:
        """Carry out a write, and warn of possible duplicates of what it creates; those who may not read are not told.

        Who shares a key was found with the write; only if somebody does are they read, after it. It is committed by
        then: what goes wrong with that costs the warning only.
        """
        live = self._engine.catalog.type(type_name)
        if not self.keeping.rules(live) or not allowed(ctx.actor, "objects", live.defn, "read"):
            return write()
        with self.keeping.watching() as created:
            outcomes = write()
        made = [one for one in outcomes if isinstance(one, Entity) and one.id in created and created[one.id].alike]
        if made:
            asked = [(created[one.id].values, created[one.id].alike) for one in made]
            try:
                found = self._reading(live.name, lambda connection, live, rules: _alike(connection, live, rules, asked))
            except (CrmError, psycopg.Error) as error:
                _log.warning("duplicates not looked for", error=type(error).__name__)
                return outcomes
            for one, alike in zip(made, found, strict=True):
                one.warnings = _warnings(alike)
        return outcomes

    def _canonical(self, live: LiveType, values: Mapping[str, object], ctx: Context) -> dict[str, Any]:
        """Values by attribute key as they would be stored, completed by the type's rules; nothing is required here."""
        errors = ErrorList()
        typed: dict[str, Any] = {}
        for name, raw in values.items():
            try:
                attribute = live.attribute(name)
                typed[attribute.name] = coerce(self._engine.judge, live, attribute, raw)
            except Invalid as error:
                errors.errors += error.errors
            except ValueProblem as problem:
                errors.errors.append(FieldError(name, problem.code, problem.message, problem.nearest))
        errors.raise_if_any(InvalidValues)
        completed, _ = self._engine.judge.judged(live, None, typed, ctx)
        return {
            live.attributes[name].key: to_json(live.attributes[name], value)
            for name, value in completed.items()
            if value is not None
        }

    def _reading(self, type_name: str, work: Callable[[Connection, LiveType, Sequence[Numbered]], T]) -> T:
        for _ in tries():
            live = self._engine.catalog.type(type_name)
            rules = self.keeping.rules(live)
            try:
                with self._engine.database.connect() as connection:
                    return work(connection, live, rules)
            except StaleCatalog:
                self._engine.catalog.refresh()
        raise Unavailable("the catalog keeps changing: try again")


def _warnings(alike: Sequence[Duplicate]) -> tuple[dict[str, Any], ...]:
    """One warning per rule, the strongest first."""
    by_rule: dict[str, list[Duplicate]] = {}
    for one in alike:
        by_rule.setdefault(one.rule, []).append(one)
    return tuple(
        {"code": CODE, "ids": [str(one.id) for one in found], "rule": rule, "score": found[0].score}
        for rule, found in by_rule.items()
    )


def _check(connection: Connection, live: LiveType, rules: Sequence[Numbered], values: Stored) -> list[Duplicate]:
    """Who is like an entity that is not there yet, those first who have one of its unique values."""
    exact = _holders(connection, live, values)
    keys = sorted((rule.number, key) for rule in rules for key in rule.keys(values))
    sharing: dict[int, set[int]] = {}
    for number, _, ident in store.find(connection, live.table, keys):
        sharing.setdefault(number, set()).add(ident)
    alike = _alike(connection, live, rules, [(values, sharing)])[0]
    same = {one.id for one in exact}
    return [*exact, *(one for one in alike if one.id not in same)][:MOST_SHOWN]


def _holders(connection: Connection, live: LiveType, values: Stored) -> list[Duplicate]:
    """Who has a value that can be had once only, by `same_ATTRIBUTE`."""
    asked = {}
    for one in live.attributes.values():
        if one.unique and values.get(one.key) is not None:
            kind = kind_of(one)
            asked[one.id, kind.unique_key(kind.from_json(values[one.key], one), one)] = f"same_{one.name}"
    found: dict[int, Duplicate] = {}
    for key, ident in owners(connection, asked).items():
        found.setdefault(ident, Duplicate(ident, asked[key], 1.0))
    return list(found.values())


def _alike(
    connection: Connection, live: LiveType, rules: Sequence[Numbered], asked: Sequence[tuple[Stored, Sharing]]
) -> list[list[Duplicate]]:
    """Compare entities, given by their values, with those that share a key with them."""
    wanted = sorted({one for _, sharing in asked for ids in sharing.values() for one in ids}, reverse=True)
    states = _read(connection, live, rules, wanted[: MOST_COMPARED * len(asked)])
    return [_scored(rules, values, sharing, states) for values, sharing in asked]


def _read(connection: Connection, live: LiveType, rules: Sequence[Numbered], ids: Sequence[int]) -> dict[int, Stored]:
    if not ids:
        return {}
    names = tuple(dict.fromkeys(name for rule in rules for name in rule.names.values()))
    view = reader(live, names, "canonical")
    rows = view.rows(connection, sorted(ids))
    check_version(connection, live, rows)
    return {one.id: one.values for one in view.entities(rows)}


def _scored(
    rules: Sequence[Numbered], values: Stored, candidates: Sharing, states: Mapping[int, Stored]
) -> list[Duplicate]:
    best: dict[int, Duplicate] = {}
    for rule in rules:
        if rule.number not in candidates:
            continue
        mine, hashes = rule.values(values), rule.keys(values)
        for ident in candidates[rule.number]:
            theirs = states.get(ident)
            # Keys are looked at again: a hash may be shared by chance, and an entity may have changed meanwhile.
            if theirs is None or hashes.isdisjoint(rule.keys(theirs)):
                continue
            score = round(rule.rule.score(mine, rule.values(theirs)), 3)
            if score >= rule.rule.least and (ident not in best or best[ident].score < score):
                best[ident] = Duplicate(ident, rule.rule.name, score)
    return sorted(best.values(), key=lambda one: (-one.score, one.id))[:MOST_SHOWN]
