"""Parameters of the write statements: arrays per column, from values to slots. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.store.statements import Columns
from shared.eav.types import kind_of
from shared.kernel import json
from shared.kernel.clock import iso

# What stands in eav_multi for "has a value" of a kind without slot and options.
PRESENT = 1
Slots = dict[tuple[int, str], Any]


@dataclass(slots=True)
class Side:
    """Rows for the side tables of one entity: (attribute id, unique key) and (attribute id, option id)."""

    unique: list[tuple[int, str]] = field(default_factory=list)
    options: list[tuple[int, int]] = field(default_factory=list)


def naive(instant: datetime) -> datetime:
    """UTC without a zone, as stored."""
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant


def columns_of(live: LiveType, names: Iterable[str]) -> Columns:
    """The slot columns of these attributes by bank, always naming bank 1; the shape of a write statement."""
    banks: dict[int, set[str]] = {1: set()}
    for name in names:
        attribute = live.attributes[name]
        if attribute.column is not None and kind_of(attribute).family is not None:
            banks.setdefault(attribute.bank, set()).add(attribute.column)
    return tuple((bank, tuple(sorted(columns))) for bank, columns in sorted(banks.items()))


def place(
    attribute: AttributeDef, value: Any, slots: Slots, extra: dict[str, Any], long: dict[str, Any], side: Side
) -> None:
    """Put one canonical value (None: no value) where it belongs: slot, `extra` or `long`, side tables."""
    slot, told, text, key, options = _EMPTY if value is None else placed(attribute, value)
    if kind_of(attribute).family is not None:
        assert attribute.column is not None
        slots[attribute.bank, attribute.column] = slot
    extra.pop(attribute.key, None)
    long.pop(attribute.key, None)
    if told is not None:
        extra[attribute.key] = told
    if text is not None:
        long[attribute.key] = text
    if key is not None:
        side.unique.append((attribute.id, key))
    side.options += [(attribute.id, option) for option in options]


_EMPTY: tuple[Any, Any, Any, str | None, Sequence[int]] = (None, None, None, None, ())


def placed(attribute: AttributeDef, value: Any) -> tuple[Any, Any, Any, str | None, Sequence[int]]:
    """Where one canonical value belongs: slot, what `extra` and `long` hold of it, unique key, chosen options."""
    kind = kind_of(attribute)
    key = kind.unique_key(value, attribute) if attribute.unique else None
    if kind.family is not None:
        slot = kind.to_slot(value, attribute)
        return slot, value if kind.family == "t" and value != slot else None, None, key, ()
    if kind.multiple:
        chosen = kind.comparable(value, attribute)
        return None, list(chosen), None, key, chosen
    return None, None, value, key, (PRESENT,)


def slot_fields(columns: Columns, row: Slots) -> dict[str, Any]:
    """The slots of one row as fields `b<bank>_<column>` of its record."""
    return {name: row.get(slot) for slot, name in _field_names(columns)}


@lru_cache(maxsize=1024)
def _field_names(columns: Columns) -> tuple[tuple[tuple[int, str], str], ...]:
    return tuple(((bank, column), f"b{bank}_{column}") for bank, names in columns for column in names)


def records(rows: Sequence[Mapping[str, Any]]) -> str:
    """Records as the JSON parameter of a write statement."""
    return json.dumps(rows).decode()


def side_records(sides: Sequence[Side]) -> dict[str, str]:
    """Parameters `u` and `m`, where there is any; `at` is the 1-based place of the entity in the batch."""
    unique = [{"attribute_id": a, "key": key, "at": n} for n, side in enumerate(sides, 1) for a, key in side.unique]
    options = [{"attribute_id": a, "value": one, "at": n} for n, side in enumerate(sides, 1) for a, one in side.options]
    return {name: records(rows) for name, rows in (("u", unique), ("m", options)) if rows}


def shown_at(instant: datetime) -> str:
    """An instant as entities show it."""
    return iso(instant)
