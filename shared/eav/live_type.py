"""One entity type in force, as an immutable value, and how it is used in cache keys.

Made by `shared.eav.loading`, handed out by `shared.eav.catalog`, from where everybody else imports it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from shared.eav.declare import AttributeDef, TypeDef
from shared.kernel.errors import Invalid


class UnknownAttribute(Invalid):
    """No attribute of that name; carries the nearest known names."""


class StaleCatalog(Exception):
    """A statement saw another catalog version than this process knows: reload and try again."""


def nearest(name: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """Known names that look like a mistyped one."""
    return tuple(difflib.get_close_matches(name, list(dict.fromkeys(known)), n=most, cutoff=0.6))


@dataclass(frozen=True)
class LiveType:
    """One entity type in force. `attributes` are the live ones by internal name, `archived` those put aside."""

    id: int
    version: int
    table: int
    pool: tuple[int, int, int, int]
    banks: int
    defn: TypeDef
    attributes: Mapping[str, AttributeDef]
    archived: Mapping[str, AttributeDef]
    by_wire: Mapping[str, AttributeDef]
    by_label: Mapping[str, AttributeDef]
    by_id: Mapping[int, AttributeDef]

    @property
    def name(self) -> str:
        """The internal name, singular."""
        return self.defn.name

    @property
    def mirror(self) -> bool:
        """Whether another service has the type: then its entities are copies, which only the mirror's keeper writes."""
        return bool(self.defn.mirror_of)

    @property
    def plural(self) -> str:
        """The plural name, used in paths and scopes."""
        return self.defn.plural

    @cached_property
    def keyed(self) -> Keyed:
        """The type for use in cache keys, see `keyed`."""
        return Keyed(self)

    @cached_property
    def stored(self) -> tuple[str, ...]:
        """Internal names of the live attributes that hold values (all but the system's own columns)."""
        return tuple(name for name, one in self.attributes.items() if not one.system)

    @cached_property
    def every(self) -> Mapping[str, AttributeDef]:
        """Live and archived attributes by internal name."""
        return {**self.archived, **self.attributes}

    @cached_property
    def kept(self) -> tuple[str, ...]:
        """Internal names of all attributes whose values entities keep: archived ones may come back."""
        return tuple(name for name, one in self.every.items() if not one.system)

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """Internal names of required attributes: those that say so, and those the type names."""
        named = (found.name for name in self.defn.required if (found := self.find(name)))
        return tuple(dict.fromkeys((*(one.name for one in self.attributes.values() if one.required), *named)))

    def find(self, name: str) -> AttributeDef | None:
        """A live attribute by wire name, internal name or label; names win over labels."""
        return self.by_wire.get(name) or self.attributes.get(name) or self.by_label.get(name)

    def suggestions(self, name: str) -> tuple[str, ...]:
        """Names like a mistyped one, each attribute once."""
        found: dict[int, str] = {}
        for close in nearest(name, (*self.by_wire, *self.attributes, *self.by_label), 9):
            known = self.find(close)
            if known is not None:
                found.setdefault(known.id, close)
        return tuple(found.values())[:3]

    def attribute(self, name: str) -> AttributeDef:
        """Like `find`, but raises UnknownAttribute with the nearest names."""
        found = self.find(name)
        if found is None:
            close = self.suggestions(name)
            hint = f"; did you mean {', '.join(close)}?" if close else ""
            raise UnknownAttribute.one(
                name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist on {self.plural}{hint}', close
            )
        return found


class Keyed:
    """A live type as a cache key: equal when it is the very same one of the same process."""

    __slots__ = ("_hash", "_key", "live")

    def __init__(self, live: LiveType) -> None:
        self.live = live
        # The identity of the attributes tells apart equally numbered types of two databases; `live` keeps it taken.
        self._key = (live.id, live.version, live.name, id(live.attributes))
        self._hash = hash(self._key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keyed) and self._key == other._key

    def __repr__(self) -> str:
        # Part of what cursors are made for: the same in every process, and when definitions change.
        return f"{self.live.name}({self.live.id}, {self.live.table})"


def keyed(live: LiveType) -> Keyed:
    """The live type for use in cache keys of what is derived from it."""
    return live.keyed
