"""Enumerations: one option, or several. Slots and filters know options by id, values and events by their value.

Retired options stay readable and can be filtered by; they cannot be chosen anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from shared.eav.declare import AttributeDef, OptionDef
from shared.eav.folding import fold, nearest, words
from shared.eav.types.kind import AttributeType, Present
from shared.eav.types.operators import CHOICE
from shared.eav.types.problem import INVALID_OPTION, ValueProblem, shown
from shared.eav.types.scalar import scalar_text

_MAX_SHOWN = 10
_MAX_CHOSEN = 10_000
_CACHED = 4096


class _Index(NamedTuple):
    """Look-ups over an attribute's options; `sources` keeps the tuples alive that the cache knows by identity."""

    sources: tuple[tuple[OptionDef, ...], tuple[OptionDef, ...]]
    ids: dict[str, int]
    values: dict[int, str]
    live: frozenset[str]
    loose: dict[str, str | None]


_indexes: dict[tuple[int, int], _Index] = {}


def _index(attribute: AttributeDef) -> _Index:
    """The index of these very option tuples. By identity: hashing hundreds of options costs more than all the rest."""
    key = (id(attribute.options), id(attribute.retired))
    found = _indexes.get(key)
    if found is None:
        if len(_indexes) >= _CACHED:
            _indexes.clear()
        found = _indexes[key] = _made(attribute.options, attribute.retired)
    return found


def _made(options: tuple[OptionDef, ...], retired: tuple[OptionDef, ...]) -> _Index:
    every = (*retired, *options)
    loose: dict[str, str | None] = {}
    for option in options:
        for spelling in {fold(option.value.strip()), fold(option.label.strip())} - {""}:
            # Two options spelled alike: neither is meant for sure.
            loose[spelling] = option.value if loose.get(spelling, option.value) == option.value else None
    return _Index(
        (options, retired),
        {option.value: option.id for option in every},
        {option.id: option.value for option in every},
        frozenset(option.value for option in options),
        loose,
    )


def _chosen(raw: object, attribute: AttributeDef, also: Sequence[str] = ()) -> str:
    """The option value meant: exact, else by a spelling that only one option has. `also`: retired ones still held."""
    index = _index(attribute)
    text = scalar_text(raw, INVALID_OPTION)
    if text in index.live or text in also:
        return text
    stripped = text.strip()
    if stripped in index.live:
        return stripped
    value = index.loose.get(fold(stripped)) if len(stripped) <= 1000 else None
    if value is None:
        raise _unknown(stripped, attribute)
    return value


def _unknown(text: str, attribute: AttributeDef) -> ValueProblem:
    known = [option.value for option in attribute.options]
    by_label = {option.label: option.value for option in attribute.options}
    close = nearest(text, known) or tuple(by_label[label] for label in nearest(text, by_label))
    if close:
        hint = f"; did you mean {' or '.join(close)}?"
    elif known:
        hint = f"; the allowed options are: {', '.join(known[:_MAX_SHOWN])}{', ...' * (len(known) > _MAX_SHOWN)}"
    else:
        hint = "; it has no options"
    return ValueProblem(INVALID_OPTION, f"{shown(text)} was not one of the allowed options{hint}", close)


def _option_id(value: str, attribute: AttributeDef) -> int:
    found = _index(attribute).ids.get(value)
    if found is None:
        raise _unknown(value, attribute)
    return found


class EnumerationType(AttributeType):
    """One option."""

    name = "enumeration"
    family = "i"
    plain = True
    heeds_old = True
    operators = CHOICE

    def coerce(self, raw: object, attribute: AttributeDef, old: Any = None) -> str:
        """Takes an option's value, or its value or label in any case when only one option has it."""
        return _chosen(raw, attribute, () if old is None else (old,))

    def to_slot(self, value: str, attribute: AttributeDef) -> int:
        """The option's id."""
        return _option_id(value, attribute)

    def unique_key(self, value: str, attribute: AttributeDef) -> str:
        """What the slot holds."""
        return str(self.to_slot(value, attribute))

    def words(self, value: str) -> str:
        """The words of the option's value; labels may change without a write."""
        return words(value)

    def operand(self, raw: object, attribute: AttributeDef) -> int:
        """The id of an option, retired ones included."""
        return _option_id(_chosen(raw, attribute, tuple(option.value for option in attribute.retired)), attribute)

    def text_of(self, attribute: AttributeDef) -> Present:
        """The option value of a stored id."""
        return _index(attribute).values.get

    def json_of(self, attribute: AttributeDef) -> Present:
        """The option value of a stored id."""
        return _index(attribute).values.get


class MultiEnumerationType(AttributeType):
    """Several options, each once, in the order given. No slot: their ids live aside."""

    name = "multi_enumeration"
    multiple = True
    heeds_old = True
    family = None
    operators = CHOICE
    sortable = False
    can_be_unique = False

    def coerce(self, raw: object, attribute: AttributeDef, old: Any = None) -> tuple[str, ...] | None:
        """Takes a list, or text joined by `;` where a leading `;` appends to `old`. None when nothing is chosen."""
        held: tuple[str, ...] = old or ()
        if isinstance(raw, list | tuple):
            given: Sequence[object] = raw
            kept: tuple[str, ...] = ()
        else:
            text = scalar_text(raw, INVALID_OPTION)
            given = text.split(";")
            kept = held if text.lstrip().startswith(";") else ()
        if len(given) > _MAX_CHOSEN:
            raise ValueProblem(INVALID_OPTION, f"at most {_MAX_CHOSEN} options can be named")
        named = [_chosen(one, attribute, held) for one in given if not (isinstance(one, str) and not one.strip())]
        return tuple(dict.fromkeys((*kept, *named))) or None

    def to_json(self, value: tuple[str, ...]) -> list[str]:
        """The option values."""
        return list(value)

    def from_json(self, json: list[str], attribute: AttributeDef) -> tuple[str, ...]:
        """The option values."""
        return tuple(json)

    def to_text(self, value: tuple[str, ...]) -> str:
        """The option values joined by `;`."""
        return ";".join(value)

    def to_slot(self, value: tuple[str, ...], attribute: AttributeDef) -> list[int]:
        """The options' ids, as `extra` and the table of choices hold them."""
        return [_option_id(one, attribute) for one in value]

    def unique_key(self, value: tuple[str, ...], attribute: AttributeDef) -> str:
        """Several options have none."""
        raise TypeError("a choice of several options cannot be unique")

    def words(self, value: tuple[str, ...]) -> str:
        """The words of all option values."""
        return words(" ; ".join(value))

    def operand(self, raw: object, attribute: AttributeDef) -> int:
        """The id of one option."""
        return _option_id(_chosen(raw, attribute, tuple(option.value for option in attribute.retired)), attribute)

    def comparable(self, value: tuple[str, ...], attribute: AttributeDef) -> tuple[int, ...]:
        """The ids of all chosen options."""
        return tuple(self.to_slot(value, attribute))

    def select(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """There is no slot to select."""
        raise TypeError("a choice of several options has no slot")

    def text_of(self, attribute: AttributeDef) -> Present:
        """The values of stored option ids, joined by `;`."""
        values = _index(attribute).values

        def text(ids: Sequence[int] | None) -> str | None:
            return None if ids is None else ";".join(values[one] for one in ids if one in values)

        return text

    def json_of(self, attribute: AttributeDef) -> Present:
        """The list of values of stored option ids."""
        values = _index(attribute).values

        def listed(ids: Sequence[int] | None) -> list[str] | None:
            return None if ids is None else [values[one] for one in ids if one in values]

        return listed
