"""What must hold and what follows when ONE entity is written: pure rules a service declares, the corridor applies.

A service's `rules.py` lists, per entity type, a `RuleSet` of two small things:

* `normalise`: attribute name -> function of the raw value, run BEFORE the value is read as its kind (trim an e-mail
  address, strip a domain). It sees one value and nothing else, so it also fits look-ups by a unique attribute and the
  operands of equality filters: what is written is found by what was typed. It leaves alone what it made: a value that
  is written again as it is stored is not asked for twice.
* `check`: functions of a `Proposal`, run AFTER coercion and before anything is stored. Each answers with values to add
  or change, with errors, or with nothing. All of them run; the caller is told every error at once.

Rules know no database, clock or network: all they may look at is in the proposal. Do not put a use case over several
entities here (that is a command) nor what happens later or elsewhere (that is a consumer of the event).

Errors name attributes by internal name; the door that answers turns them into the names its callers use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, Protocol

from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.errors import FieldError

Values = Mapping[str, object]
_NOTHING: Values = MappingProxyType({})
Detail = Mapping[str, str]
_NO_DETAIL: Detail = MappingProxyType({})


def _unknown(_name: str, _value: object) -> Detail:
    return _NO_DETAIL


@dataclass(frozen=True, slots=True)
class Proposal:
    """One entity as it is (`old`, None when it is being created) and what is about to be written (`new`).

    Both hold canonical values by internal name, `old` with the system attributes (`id`...); in `new`, None clears.
    `at` is the instant of the write; `context.effective_at`, where set, is the one it counts from. `detail` tells what
    a choice means to its domain, from the catalog that the write is guarded by: of a stage its probability.
    """

    type_name: str
    old: Values | None
    new: Values
    context: Context = field(default_factory=Context)
    at: datetime = field(default_factory=now)
    detail: Callable[[str, object], Detail] = _unknown

    def with_values(self, new: Values) -> Proposal:
        """The same with other values to write."""
        return Proposal(self.type_name, self.old, new, self.context, self.at, self.detail)

    @property
    def since(self) -> datetime:
        """The instant from which the write counts."""
        return self.context.effective_at or self.at

    @property
    def creating(self) -> bool:
        """Whether the entity does not exist yet."""
        return self.old is None

    def before(self, name: str) -> object:
        """The stored value, None when there is none."""
        return None if self.old is None else self.old.get(name)

    def after(self, name: str) -> object:
        """The value the entity will have: the written one, else the stored one."""
        if name in self.new:
            return self.new[name]
        return None if self.old is None else self.old.get(name)

    def changes(self, name: str) -> bool:
        """Whether this write gives the attribute another value than it has."""
        return name in self.new and self.new[name] != self.before(name)


class Verdict(NamedTuple):
    """Values by internal name, and what is wrong. A check answers values to add or change, `apply` all of them."""

    values: Values = _NOTHING
    errors: tuple[FieldError, ...] = ()


PASS = Verdict()


def complete(**values: object) -> Verdict:
    """A check's answer: these attributes get these values too, whatever was written for them."""
    return Verdict(values)


def refuse(name: str, code: str, message: str) -> Verdict:
    """A check's answer: this attribute may not be written so. Say in the message what the caller can do instead."""
    return Verdict(errors=(FieldError(name, code, message),))


Normalise = Callable[[object], object]
Check = Callable[[Proposal], Verdict]


class Rules(Protocol):
    """What the corridor needs of an entity type's rules; `RuleSet` is the one to write."""

    def normalised(self, name: str, raw: object) -> object:
        """One raw value as it would be stored."""

    def apply(self, proposal: Proposal) -> Verdict:
        """Everything to write, completed, or what is wrong."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one entity type. Checks run in order; each sees what the ones before it completed."""

    normalise: Mapping[str, Normalise] = field(default_factory=dict)
    check: tuple[Check, ...] = ()

    def normalised(self, name: str, raw: object) -> object:
        """One raw value as it would be stored: for look-ups by unique attribute and equality operands."""
        function = self.normalise.get(name)
        return function(raw) if function is not None else raw

    def prepare(self, values: Values) -> dict[str, object]:
        """Raw values by internal name, normalised; a value no rule knows stays as it is."""
        return {name: self.normalised(name, raw) for name, raw in values.items()}

    def apply(self, proposal: Proposal) -> Verdict:
        """All values to write and all errors; nothing may be stored when there are errors.

        Values left out because they could not be read as their kind are simply not in the proposal: call this
        anyway, so that the caller learns of everything at once.
        """
        values = proposal.new
        errors: tuple[FieldError, ...] = ()
        for check in self.check:
            verdict = check(proposal)
            errors += verdict.errors
            if verdict.values:
                values = {**values, **verdict.values}
                proposal = proposal.with_values(values)
        return Verdict(values, errors)


NO_RULES = RuleSet()


def on_text(function: Callable[[str], str]) -> Normalise:
    """A text function as a normaliser: values that are no text pass, for coercion to accept or refuse."""

    def normalise(raw: object) -> object:
        return function(raw) if isinstance(raw, str) else raw

    return normalise
