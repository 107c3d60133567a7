"""One connection each for the engine, the native table and the naive schema, and the CPU time of what runs on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.people import NAMES
from benchmarks.server import Meter
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import Entity, View
from shared.kernel.db import Connection

SHOWN = View("text", NAMES)
COLUMNS = ", ".join(("id", "version", "created_at", "updated_at", *NAMES))
_NUMBERS = ("contract_value", "rating", "agent")


@dataclass(frozen=True)
class Rig:
    """The three designs over one server. The engine's pool has one connection, so that its backend is known."""

    engine: Engine
    native: Connection
    naive: Connection
    engine_meter: Meter
    native_meter: Meter
    naive_meter: Meter

    @property
    def live(self) -> LiveType:
        """The entity type in force."""
        return self.engine.catalog.type("contact")


def spent(meter: Meter, work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU milliseconds of the server process for some work, and its answer."""
    before = meter.read()
    answer = work()
    return meter.read() - before, answer


def seen(live: LiveType, entities: Sequence[Entity | None]) -> list[tuple[int, dict[str, str]]]:
    """Entities of the engine as (id, {name: text}), for comparison."""
    wires = {live.attributes[name].wire: name for name in NAMES}
    return [
        (one.id, {name: value for wire, name in wires.items() if (value := one.values[wire]) is not None})
        for one in entities
        if one is not None
    ]


def seen_native(rows: Sequence[tuple[Any, ...]]) -> list[tuple[int, dict[str, str]]]:
    """Rows of the native table likewise."""
    return [
        (row[0], {name: _text(name, value) for name, value in zip(NAMES, row[4:], strict=True) if value is not None})
        for row in rows
    ]


def _text(name: str, value: Any) -> str:
    if name in _NUMBERS:
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if name == "last_seen_at":
        return str(value.isoformat(timespec="milliseconds")) + "Z"
    if name == "renewal_on":
        return str(value.isoformat())
    if name == "active":
        return "true" if value else "false"
    return str(value)
