"""Parameters of the write statements: arrays per column, from values to slots. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
    kind = kind_of(attribute)
    slot: Any = None
    if kind.family is not None:
        assert attribute.column is not None
        slot = None if value is None else kind.to_slot(value, attribute)
        slots[attribute.bank, attribute.column] = slot
    extra.pop(attribute.key, None)
    long.pop(attribute.key, None)
    if value is None:
        return
    if attribute.unique:
        side.unique.append((attribute.id, kind.unique_key(value, attribute)))
    if kind.family == "t":
        if value != slot:
            extra[attribute.key] = value
    elif kind.family is None:
        if kind.multiple:
            chosen = kind.comparable(value, attribute)
            extra[attribute.key] = list(chosen)
            side.options += [(attribute.id, option) for option in chosen]
        else:
            long[attribute.key] = value
            side.options.append((attribute.id, PRESENT))


def slot_arrays(columns: Columns, rows: Sequence[Slots]) -> dict[str, list[Any]]:
    """Array parameters `i_b<bank>_<column>` over the rows."""
    return {
        f"i_b{bank}_{column}": [row.get((bank, column)) for row in rows] for bank, names in columns for column in names
    }


def side_arrays(sides: Sequence[Side]) -> dict[str, list[Any]]:
    """Array parameters `u_*` and `m_*`; `at` is the 1-based place of the entity in the batch."""
    unique = [(a, key, n) for n, side in enumerate(sides, 1) for a, key in side.unique]
    options = [(a, value, n) for n, side in enumerate(sides, 1) for a, value in side.options]
    found: dict[str, list[Any]] = {}
    for prefix, name, rows in (("u", "key", unique), ("m", "value", options)):
        if rows:
            found[f"{prefix}_attribute_id"] = [row[0] for row in rows]
            found[f"{prefix}_{name}"] = [row[1] for row in rows]
            found[f"{prefix}_at"] = [row[2] for row in rows]
    return found


def text_or_none(values: Mapping[str, Any]) -> str | None:
    """JSON text for a jsonb column, None for nothing."""
    return json.dumps(values).decode() if values else None


def shown_at(instant: datetime) -> str:
    """An instant as entities show it."""
    return iso(instant)
