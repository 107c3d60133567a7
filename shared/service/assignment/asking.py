"""What a rule asks of an entity, and what the ledger is told of a choice. Reads what it is given, writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.query.picking import slot_of
from shared.kernel.errors import Invalid
from shared.kernel.telemetry import logger
from shared.service.assignment.choosing import Choice, Room
from shared.service.assignment.declare import Rule
from shared.service.assignment.shares import Member
from shared.service.questions import Question, compiled_conditions, questions

Values = Mapping[str, Any]
_log = logger("assignment")


def compiled(live: LiveType, rules: Sequence[Rule]) -> list[tuple[Rule, Callable[[Values], bool]]]:
    """Rules with their tests. One that cannot be read any more (an attribute was archived) is passed over."""
    found: list[tuple[Rule, Callable[[Values], bool]]] = []
    for rule in rules:
        try:
            test = compiled_conditions(live, rule.filter)
        except Invalid as error:
            _log.warning("a rule cannot be read", type=live.name, rule=rule.name, error=error.message)
            continue
        found.append((rule, test or (lambda _values: True)))
    return found


def asked_of(live: LiveType, rules: Sequence[Rule]) -> tuple[Question, ...]:
    """What rules ask of linked entities; answers belong among the values that their tests are given."""
    return tuple(dict.fromkeys(one for rule in rules for one in questions(live, rule.filter)))


def likeness(live: LiveType, rule: Rule | None, values: Values) -> Any:
    """By what an entity is like others, None when its rule does not ask or there is nothing to go by."""
    sticky = rule.sticky if rule is not None else None
    attribute = live.attributes.get(sticky.by) if sticky is not None else None
    value = values.get(attribute.key) if attribute is not None else None
    return None if value is None or sticky is None else slot_of(live, sticky.by, value)


def skills_of(live: LiveType, rule: Rule | None, values: Values) -> tuple[str, ...]:
    """What it takes: what the rule says, and the values of the attributes that it names."""
    if rule is None:
        return ()
    found = list(rule.skills)
    for name in rule.skills_from:
        attribute = live.attributes.get(name)
        value = values.get(attribute.key) if attribute is not None else None
        parts = value if isinstance(value, list) else str(value or "").split(";")
        found += [part.strip() for part in parts if part.strip()]
    return tuple(dict.fromkeys(found))


def told_of(
    choice: Choice, room: Room, opened: Mapping[int, int], after: Sequence[Member], skills: Sequence[str]
) -> dict[str, Any]:
    """What explains a choice, besides its reason."""
    told: dict[str, Any] = {"of": sum(1 for one in after if one.weight > 0), "out": dict(choice.out)}
    if skills:
        told["skills"] = list(skills)
    mine = next((one for one in after if one.owner == choice.owner), None)
    if mine is not None:
        told |= {"weight": mine.weight, "given": mine.given}
        agent = room.agents.get(mine.owner)
        if agent is not None and agent.capacity is not None:
            told |= {"open_before": opened.get(mine.owner, 0), "capacity": agent.capacity}
    return told
