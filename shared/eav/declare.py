"""Declarations: what entity types, attributes, options and groups are. Plain frozen values, no behaviour of their own.

The same classes describe what code declares (id 0) and what is in force (ids and places filled in by the catalog).
Behaviour by kind lives in `shared.eav.types`; nobody else asks what kind an attribute has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property


@dataclass(frozen=True, slots=True)
class OptionDef:
    """One choice of an enumeration. `value` is stored meaning, `label` is for people; `id` is what a slot holds.

    parent: the option of another attribute that this one belongs to (a stage's pipeline), for whoever checks that.
    detail: what the option means to its domain, at hand wherever the catalog is.
    """

    value: str
    label: str = ""
    display_order: int = -1
    hidden: bool = False
    description: str = ""
    id: int = 0
    parent: str = ""
    detail: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class GroupDef:
    """A named group of attributes, for presentation only."""

    name: str
    label: str
    display_order: int = -1
    archived: bool = False


@dataclass(frozen=True)
class AttributeDef:
    """One attribute of an entity type.

    kind: a key of `shared.eav.types.KINDS`. wire_name: its name in the wire dialect when that differs from `name`.
    column: the fixed physical column of a system attribute (`id`, `created_at`...), or the slot the catalog gave it;
    None means that no value was ever stored. bank: 1 for the entity's own table. multi-line, html and the like are
    presentation hints in `field_type`. reference: name of the entity type a reference points to.
    read_only: kept by the system, refused on input. searchable: matched by free-text queries.
    retired: options no longer offered, kept because stored values may still name them.
    """

    name: str
    label: str
    kind: str = "string"
    wire_name: str = ""
    group: str = ""
    description: str = ""
    options: tuple[OptionDef, ...] = ()
    retired: tuple[OptionDef, ...] = ()
    unique: bool = False
    searchable: bool = False
    required: bool = False
    read_only: bool = False
    hidden: bool = False
    form_field: bool = True
    default: bool = False
    builtin: bool = False
    external_options: bool = False
    field_type: str = ""
    reference: str = ""
    display_order: int = -1
    id: int = 0
    bank: int = 1
    column: str | None = None
    indexed: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    archived_at: datetime | None = None

    @property
    def wire(self) -> str:
        """The name in the wire dialect."""
        return self.wire_name or self.name

    @property
    def system(self) -> bool:
        """Whether it shows a fixed column of the entity's row (id, created_at...) rather than a stored value."""
        return self.column is not None and not self.column[1:].isdigit()

    @cached_property
    def key(self) -> str:
        """The id as text: the key in history, events and the `extra` column."""
        return str(self.id)


@dataclass(frozen=True, slots=True)
class TypeDef:
    """One entity type. `wire_id` such as 0-1; `synonyms` are further names accepted for it in paths.

    `pool` is how many slots of the families text, integer, timestamp, numeric its first bank has.
    mirror_of: the service that has the type, where this database keeps a mirror of its entities; "" for its own types.
    """

    name: str
    plural: str
    label: str
    plural_label: str
    wire_id: str = ""
    synonyms: tuple[str, ...] = ()
    groups: tuple[GroupDef, ...] = ()
    attributes: tuple[AttributeDef, ...] = ()
    primary_display: str = ""
    secondary_display: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    searchable: tuple[str, ...] = ()
    description: str = ""
    builtin: bool = False
    pool: tuple[int, int, int, int] = (24, 24, 8, 8)
    mirror_of: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    archived_at: datetime | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name the type is known by in paths."""
        return tuple(name for name in (self.name, self.plural, self.wire_id, *self.synonyms) if name)
