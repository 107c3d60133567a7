"""The stored state of entities as canonical JSON, and what a write makes of it. Pure, except for reading the rows.

Canonical JSON (decimals as strings, enumerations as option values) is the one form that history, events and
checksums share, so that equality means the same everywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from shared.eav.catalog import Keyed, LiveType, keyed
from shared.eav.declare import AttributeDef
from shared.eav.types import Operator, kind_of
from shared.kernel import json

Change = tuple[Any, Any]


@dataclass(slots=True)
class State:
    """One stored entity: canonical JSON by attribute key (archived attributes too), and its row's raw side columns."""

    id: int
    version: int
    created_at: str
    updated_at: str
    values: dict[str, Any]
    extra: dict[str, Any] = field(default_factory=dict)
    long: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Written:
    """The outcome of one write: the state after it, what it changed ({} when nothing did), and since when it counts.

    detail: what else there is to tell of it, as JSON.
    """

    state: State
    changed: dict[str, Change]
    kind: str = "updated"
    effective_at: datetime | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


class Typed(Mapping[str, Any]):
    """Canonical Python values by internal name over a state; an attribute without a value is absent."""

    def __init__(self, live: LiveType, values: Mapping[str, Any]) -> None:
        self._live = live
        self._values = values

    def __getitem__(self, name: str) -> Any:
        attribute = self._live.attributes[name]
        return kind_of(attribute).from_json(self._values[attribute.key], attribute)

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or `default`; rules ask so, of much that is not there."""
        attribute = self._live.attributes.get(name)
        raw = None if attribute is None else self._values.get(attribute.key)
        return default if raw is None or attribute is None else kind_of(attribute).from_json(raw, attribute)

    def __iter__(self) -> Iterator[str]:
        for name in self._live.stored:
            if self._live.attributes[name].key in self._values:
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        # Asked in every write; counting would look at every attribute there is.
        return True


class Before(Typed):
    """The same of a stored entity, with its `id`. Read when asked: a write of two values looks at few of the others."""

    def __init__(self, live: LiveType, state: State) -> None:
        super().__init__(live, state.values)
        self._id = state.id

    def __getitem__(self, name: str) -> Any:
        return self._id if name == "id" else super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or `default`."""
        return self._id if name == "id" else super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        yield "id"


def to_json(attribute: AttributeDef, value: Any) -> Any:
    """Canonical JSON of a canonical value, None for none."""
    return None if value is None else kind_of(attribute).to_json(value)


def changes(live: LiveType, state: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Change]:
    """{attribute key: (old, new)} of the values that really differ."""
    found: dict[str, Change] = {}
    for name, value in values.items():
        attribute = live.attributes[name]
        key = attribute.key
        old, new = state.get(key), None if value is None else kind_of(attribute).to_json(value)
        if old != new:
            found[key] = (old, new)
    return found


def applied(values: Mapping[str, Any], changed: Mapping[str, Change]) -> dict[str, Any]:
    """The values after the changes."""
    after = dict(values)
    for key, (_, new) in changed.items():
        if new is None:
            after.pop(key, None)
        else:
            after[key] = new
    return after


def checksum(values: Mapping[str, Any], version: int) -> int:
    """A signed 64-bit hash of canonical values and version: kept with the row, summed for verification."""
    digest = hashlib.blake2b(json.canonical([version, values]), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def document(live: LiveType, values: Mapping[str, Any]) -> str | None:
    """The search document: one segment of normalised words per attribute that has any, None when there is no text."""
    kept = documented(live)
    segments = "".join(
        segment(attribute, kind_of(attribute).from_json(value, attribute))
        for key, value in values.items()
        if (attribute := kept.get(key)) is not None
    )
    return f"{segments}\n" if segments else None


def segment(attribute: AttributeDef, value: Any) -> str:
    """What a search document holds of one canonical value, "" when it has no words."""
    text = kind_of(attribute).words(value)
    return f"\n{attribute.key}\t{text}" if text else ""


def documented(live: LiveType) -> Mapping[str, AttributeDef]:
    """Attributes (by key) whose words are in search documents: those that are asked by token. Free text looks at no
    others, so that making an attribute searchable needs no rewriting of documents."""
    return _documented(keyed(live))


@lru_cache(maxsize=256)
def _documented(key: Keyed) -> dict[str, AttributeDef]:
    live = key.live
    kept = (live.every[name] for name in live.kept)
    return {one.key: one for one in kept if Operator.CONTAINS_TOKEN in kind_of(one).operators}
