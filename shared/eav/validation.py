"""From what a caller sent to canonical values, or ALL errors. Pure: knows the catalog, not the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.types import ValueProblem, kind_of
from shared.kernel.context import Context
from shared.kernel.errors import FieldError, InvalidValues

Values = dict[str, Any]
DIALECT = "dialect"


class Judge(Protocol):
    """What a domain has to say about writes: pure functions, asked per entity (see the kit's rules)."""

    def normalised(self, type_name: str, name: str, raw: object) -> object:
        """A raw value as it would be stored; also asked for look-ups and equality operands."""

    def judged(
        self, live: LiveType, old: Mapping[str, Any] | None, new: Mapping[str, Any], context: Context
    ) -> tuple[Mapping[str, Any], Sequence[FieldError]]:
        """All values to write, completed, and what is wrong with them (by internal names)."""


class NoJudge:
    """A domain without rules."""

    def normalised(self, type_name: str, name: str, raw: object) -> object:
        """As given."""
        return raw

    def judged(
        self, live: LiveType, old: Mapping[str, Any] | None, new: Mapping[str, Any], context: Context
    ) -> tuple[Mapping[str, Any], Sequence[FieldError]]:
        """As given."""
        return new, ()


def complete(
    judge: Judge,
    live: LiveType,
    given: Mapping[str, object],
    old: Mapping[str, Any] | None,
    context: Context,
    known: Sequence[FieldError] = (),
) -> Values:
    """Everything to write, canonical, by internal name; raises InvalidValues with every error there is.

    `old`: stored canonical values, None when the entity is being created. Errors carry the names the caller used;
    `known` ones were found before (references to nothing) and are raised with the rest.
    """
    values, errors, names = _coerced(judge, live, given, old or {})
    return dict(settled(judge, live, values, [*errors, *known], names, old, context))


def settled(
    judge: Judge,
    live: LiveType,
    values: Values,
    errors: Sequence[FieldError],
    names: Mapping[str, str],
    old: Mapping[str, Any] | None,
    context: Context,
    warnings: list[FieldError] | None = None,
) -> Mapping[str, Any]:
    """The second half of `complete`, for values that were read already: the domain's say, and what is required.

    names: internal name -> the name the caller used. Answers `values` itself when rules added nothing to it. Raises
    InvalidValues with `errors` and all that is found here. warnings: takes what is told but does not refuse.
    """
    completed, refused = judge.judged(live, old, values, context)
    if not (errors or refused or live.needed):
        return completed
    errors = list(errors)
    for error in refused:
        attribute = live.attributes.get(error.name)
        shown = names.get(error.name, called(attribute, context) if attribute else error.name)
        told = warnings if error.warning else errors
        if told is not None:
            told.append(replace(error, name=shown))
    broken = {error.name for error in errors}
    errors += [one for one in _required(live, completed, old, context) if names.get(one.name, one.name) not in broken]
    if errors:
        raise InvalidValues(errors)
    return completed


def _coerced(
    judge: Judge, live: LiveType, given: Mapping[str, object], old: Mapping[str, Any]
) -> tuple[Values, list[FieldError], dict[str, str]]:
    values: Values = {}
    errors: list[FieldError] = []
    names: dict[str, str] = {}
    for name, raw in given.items():
        attribute = live.find(name)
        error = misnamed(live, name, attribute, names)
        if error is not None:
            errors.append(error)
        elif attribute is not None:
            names[attribute.name] = name
            try:
                values[attribute.name] = coerce(judge, live, attribute, raw, old)
            except ValueProblem as problem:
                errors.append(FieldError(name, problem.code, problem.message, problem.nearest))
    return values, errors, names


def misnamed(live: LiveType, name: str, attribute: AttributeDef | None, names: Mapping[str, str]) -> FieldError | None:
    """What is wrong with writing to what `name` means; `names`: the names used so far, by internal name."""
    if attribute is None:
        return _unknown(live, name)
    if attribute.read_only:
        return FieldError(name, "READ_ONLY_VALUE", f'Property "{name}" is read-only: the system keeps its value')
    if attribute.name in names:
        return FieldError(name, "DUPLICATE_PROPERTY", f'Property "{name}" is given twice')
    return None


def coerce(
    judge: Judge, live: LiveType, attribute: AttributeDef, raw: object, old: Mapping[str, Any] | None = None
) -> Any:
    """One canonical value (None clears); raises ValueProblem."""
    raw = judge.normalised(live.name, attribute.name, raw)
    if raw is None or raw == "":
        return None
    return kind_of(attribute).coerce(raw, attribute, (old or {}).get(attribute.name))


def _unknown(live: LiveType, name: str) -> FieldError:
    close = live.suggestions(name)
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    return FieldError(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist{hint}', close)


def called(attribute: AttributeDef, context: Context) -> str:
    """The name by which a caller knows an attribute, for errors about what the caller did not name."""
    return attribute.wire if context.door == DIALECT else attribute.name


def _required(
    live: LiveType, values: Mapping[str, Any], old: Mapping[str, Any] | None, context: Context
) -> list[FieldError]:
    """Errors for required attributes that would be without a value: when creating, or when being cleared."""
    missing = [name for name in live.needed if values.get(name) is None and (old is None or name in values)]
    shown = [called(live.attributes[name], context) for name in missing]
    return [FieldError(name, "REQUIRED_FIELD", f'Property "{name}" is required') for name in shown]
