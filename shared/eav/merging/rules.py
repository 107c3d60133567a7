"""Whose value wins, attribute by attribute, when entities are merged. Pure.

Values travel as canonical JSON by attribute key, as entities keep them. Attributes that the system keeps are nobody's
to win; what is gathered (ids of the absorbed, further e-mail addresses) is united instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.store.state import State
from shared.eav.types import kind_of
from shared.kernel.errors import ErrorList

SURVIVOR, FILL, NEWEST, LONGEST = "survivor", "fill", "newest", "longest"
NAMED_RULES = (SURVIVOR, FILL, NEWEST, LONGEST)
SEPARATOR = ";"

Rule = str | int
"""One of NAMED_RULES, or the id of the entity whose value is taken, also when it has none."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """What is united when entities of a type are merged, by internal names of attributes.

    ids: the attribute that lists the absorbed ids, "" for none. further: attribute -> the attribute that lists the
    values which did not win. lists: attributes that are lists themselves, and have the parts of all. Lists are texts
    separated by semicolons.

    along: attribute -> those that say something of its value, and so come from whoever that comes from where they have
    any and callers say nothing else; also such as the system keeps.
    """

    ids: str = ""
    further: Mapping[str, str] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    along: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def gathered(self) -> frozenset[str]:
        """Attributes that are united rather than won."""
        return frozenset((*self.further.values(), *self.lists, *([self.ids] if self.ids else [])))


NOTHING_GATHERED = Gathering()


@dataclass(frozen=True, slots=True)
class MergeRules:
    """The rule for all attributes, and those for some, by any of their names."""

    default: Rule = FILL
    by_attribute: Mapping[str, Rule] = field(default_factory=dict)

    def attributes_by(self, live: LiveType, rule: Rule) -> list[AttributeDef]:
        """The attributes to which a rule applies."""
        named = self._named(live)
        return [one for one in mergeable(live) if named.get(one.name, self.default) == rule]

    def of(self, live: LiveType) -> Mapping[str, Rule]:
        """The rule of every attribute by internal name."""
        named = self._named(live)
        return {one.name: named.get(one.name, self.default) for one in mergeable(live)}

    def _named(self, live: LiveType) -> dict[str, Rule]:
        return {found.name: rule for name, rule in self.by_attribute.items() if (found := live.find(name))}


DEFAULT_RULES = MergeRules()


@dataclass(frozen=True, slots=True)
class Winner:
    """A value and the entity it comes from; `source` None: gathered from all, or completed by the type's rules."""

    value: Any
    source: int | None


def mergeable(live: LiveType) -> list[AttributeDef]:
    """Attributes whose values can be won: live ones that the system does not keep."""
    return [one for one in live.attributes.values() if not one.system and not one.read_only]


def check(live: LiveType, rules: MergeRules, ids: Sequence[int], gathering: Gathering) -> None:
    """Raise Invalid with everything wrong: unknown attributes and rules, ids that are not being merged."""
    errors = ErrorList()
    _check_rule("rules", rules.default, ids, errors)
    for name, rule in rules.by_attribute.items():
        where = f"rules.{name}"
        attribute = live.find(name)
        if attribute is None:
            close = live.suggestions(name)
            hint = f"; did you mean {', '.join(close)}?" if close else ""
            errors.add(where, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist{hint}', close)
        elif attribute.system or attribute.read_only:
            errors.add(where, "READ_ONLY_VALUE", f'Property "{name}" is kept by the system: no rule applies to it')
        elif attribute.name in gathering.gathered:
            errors.add(where, "INVALID_RULE", f'"{name}" gathers the values of all: no rule applies to it')
        _check_rule(where, rule, ids, errors)
    errors.raise_if_any()


def _check_rule(where: str, rule: Rule, ids: Sequence[int], errors: ErrorList) -> None:
    if isinstance(rule, int):
        if rule not in ids:
            errors.add(where, "INVALID_RULE", f"{where}: {rule} is not among the merged: {', '.join(map(str, ids))}")
    elif rule not in NAMED_RULES:
        known = ", ".join(NAMED_RULES)
        errors.add(where, "INVALID_RULE", f"{where}: a rule is one of {known}, or the id whose value is taken")


Since = Mapping[tuple[int, str], str]
"""(entity id, attribute key) -> the ISO instant since when the entity has its value; creation when it is not there."""


def winners(live: LiveType, states: Sequence[State], rules: MergeRules, since: Since) -> dict[str, Winner]:
    """{internal name: winner} of every mergeable attribute that anybody has a value of; the survivor comes first."""
    found: dict[str, Winner] = {}
    for name, rule in rules.of(live).items():
        attribute = live.attributes[name]
        if any(attribute.key in state.values for state in states):
            state = _won_by(attribute, rule, states, since)
            found[name] = Winner(state.values.get(attribute.key), state.id)
    return found


def accompanied(
    live: LiveType, states: Sequence[State], rules: MergeRules, won: Mapping[str, Winner], gathering: Gathering
) -> dict[str, Winner]:
    """{internal name: winner} of what comes along with values that were won."""
    found: dict[str, Winner] = {}
    said = {one.name for name in rules.by_attribute if (one := live.find(name)) is not None}
    for name, others in gathering.along.items():
        source = next((one for one in states if name in won and one.id == won[name].source), None)
        for other in others if source is not None else ():
            attribute = live.attributes.get(other)
            if source is not None and attribute is not None and other not in said and attribute.key in source.values:
                found[other] = Winner(source.values[attribute.key], source.id)
    return found


def _won_by(attribute: AttributeDef, rule: Rule, states: Sequence[State], since: Since) -> State:
    """Of equals the first wins."""
    key = attribute.key
    if isinstance(rule, int):
        return next(state for state in states if state.id == rule)
    if rule == SURVIVOR:
        return states[0]
    having = [state for state in states if key in state.values]
    if rule == NEWEST:
        return max(having, key=lambda state: since.get((state.id, key), state.created_at))
    if rule == LONGEST:
        return max(having, key=lambda state: len(_text(attribute, state.values[key])))
    return having[0]


def gathered(
    live: LiveType, states: Sequence[State], won: Mapping[str, Winner], gathering: Gathering
) -> dict[str, Winner]:
    """{internal name: winner} of the attributes that are united, where the type has them and there is anything."""
    found: dict[str, Winner] = {}
    if gathering.ids in live.attributes:
        key = live.attributes[gathering.ids].key
        parts = split(states[0].values.get(key))
        for state in states[1:]:
            parts += [*split(state.values.get(key)), str(state.id)]
        found[gathering.ids] = Winner(_joined(parts), None)
    for name in gathering.lists:
        if name in live.attributes:
            key = live.attributes[name].key
            found[name] = Winner(_joined([part for state in states for part in split(state.values.get(key))]), None)
    for name, kept in gathering.further.items():
        if name in live.attributes and kept in live.attributes:
            attribute, key = live.attributes[name], live.attributes[kept].key
            texts: list[str] = []
            for state in states:
                own = state.values.get(attribute.key)
                texts += ([] if own is None else [_text(attribute, own)]) + split(state.values.get(key))
            main = won[name].value if name in won else None
            shown = None if main is None else _text(attribute, main)
            found[kept] = Winner(_joined(texts, shown), None)
    return found


def split(text: str | None) -> list[str]:
    """The parts of a gathered list."""
    return [part for one in (text or "").split(SEPARATOR) if (part := one.strip())]


def taken_back(now: str | None, old: str | None, new: str | None) -> str | None:
    """A gathered list without what one merge added to it, whatever was added or removed since."""
    added = {part.casefold() for part in split(new)} - {part.casefold() for part in split(old)}
    return _joined([part for part in split(now) if part.casefold() not in added])


def _joined(parts: Sequence[str], without: str | None = None) -> str | None:
    """Each part once (whatever its case), in order; None for nothing."""
    kept: dict[str, str] = {}
    for part in parts:
        kept.setdefault(part.casefold(), part)
    kept.pop("" if without is None else without.casefold(), None)
    return SEPARATOR.join(kept.values()) or None


def _text(attribute: AttributeDef, value: Any) -> str:
    kind = kind_of(attribute)
    return kind.to_text(kind.from_json(value, attribute))
