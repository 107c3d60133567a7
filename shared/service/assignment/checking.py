"""What pools, agents and rules must be. Raises Invalid with everything wrong."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from shared.eav.catalog import LiveType
from shared.kernel.errors import ErrorList, Invalid
from shared.service.assignment.choosing import Agent
from shared.service.assignment.declare import OWNER, Rule
from shared.service.assignment.shares import Member
from shared.service.foreign import Foreign
from shared.service.questions import Asking

MOST_MEMBERS = 500
MOST_WEIGHT = 1000
MOST_NAME = 100
MOST_RULES = 200
MOST_SKILLS = 50
MOST_CAPACITY = 1_000_000
MOST_DAYS = 3650


def check_pool(name: str, members: Sequence[Member]) -> None:
    """A pool."""
    errors = ErrorList()
    if not name.strip() or len(name) > MOST_NAME:
        errors.add("pool", "INVALID_NAME", f"pool must have 1 to {MOST_NAME} characters")
    if not members or len(members) > MOST_MEMBERS:
        errors.add("members", "INVALID_LIST", f"a pool has 1 to {MOST_MEMBERS} members")
    if len({one.owner for one in members}) != len(members):
        errors.add("members", "DUPLICATE_ID", "an owner is in a pool once; a greater share is a greater weight")
    for place, one in enumerate(members):
        if not 0 <= one.weight <= MOST_WEIGHT:
            where = f"members[{place}].weight"
            errors.add(where, "INVALID_INTEGER", f"{where} must be a whole number from 0 to {MOST_WEIGHT}")
    errors.raise_if_any()


def check_owners(foreign: Foreign, live: LiveType, owners: Collection[int]) -> None:
    """Owners that there are, as far as that is known here."""
    reference = live.attributes[OWNER].reference
    if reference not in foreign.types:
        return
    unknown = sorted(foreign.unknown(reference, set(owners)))
    if unknown:
        listed = ", ".join(map(str, unknown[:10]))
        raise Invalid.one("owner", "INVALID_OPTION", f"{listed} is not the id of any {reference}")


def check_agent(agent: Agent) -> None:
    """What an owner can take."""
    errors = ErrorList()
    if agent.capacity is not None and not 0 <= agent.capacity <= MOST_CAPACITY:
        errors.add("capacity", "INVALID_INTEGER", f"capacity must be a whole number from 0 to {MOST_CAPACITY:,}")
    _check_skills(errors, "skills", agent.skills)
    if agent.away_from is not None and agent.away_until is not None and agent.away_until <= agent.away_from:
        errors.add("away_until", "INVALID_DATE", "away_until must be later than away_from")
    errors.raise_if_any()


def check_rules(live: LiveType, rules: Sequence[Rule], pools: Collection[str], asking: Asking) -> None:
    """A list of rules; pools: those that there are; asking: knows what conditions may ask through links."""
    errors = ErrorList()
    if len(rules) > MOST_RULES:
        errors.add("rules", "INVALID_LIST", f"there are at most {MOST_RULES} rules")
    names = [one.name for one in rules]
    for place, rule in enumerate(rules):
        where = f"rules[{place}]"
        if not rule.name.strip() or len(rule.name) > MOST_NAME or names.index(rule.name) != place:
            errors.add(f"{where}.name", "INVALID_NAME", f"{where}.name must be its own, of 1 to {MOST_NAME} characters")
        if rule.pool not in pools:
            errors.add(f"{where}.pool", "INVALID_OPTION", f"there is no pool {rule.pool[:80]} of {live.plural}")
        try:
            asking.check(live.name, rule.filter)
        except Invalid as problem:
            errors.errors.extend(problem.errors)
        _check_skills(errors, f"{where}.skills", rule.skills)
        sticky = rule.sticky
        for name in (*rule.skills_from, *((sticky.by,) if sticky else ())):
            if name not in live.attributes:
                errors.add(where, "PROPERTY_DOESNT_EXIST", f"{where}: {live.plural} have no attribute {name[:80]}")
        if sticky is not None and not 1 <= sticky.days <= MOST_DAYS:
            days = f"{where}.sticky.days"
            errors.add(days, "INVALID_INTEGER", f"{days} must be a whole number from 1 to {MOST_DAYS}")
        if sticky is not None and sticky.by in live.attributes and not _has_slot(live, sticky.by):
            errors.add(f"{where}.sticky.by", "INVALID_OPTION", f"{sticky.by} cannot be looked up by its value")
    errors.raise_if_any()


def _has_slot(live: LiveType, name: str) -> bool:
    attribute = live.attributes[name]
    return not attribute.system and attribute.kind not in ("long_text", "multi_enumeration")


def _check_skills(errors: ErrorList, where: str, skills: Collection[str]) -> None:
    if len(skills) > MOST_SKILLS or any(not one.strip() or ";" in one or len(one) > MOST_NAME for one in skills):
        errors.add(where, "INVALID_LIST", f"{where} are at most {MOST_SKILLS} names without semicolons")
