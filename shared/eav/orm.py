"""The model to read with the SQLAlchemy ORM: entity types, attributes, options, and entities with their tuples.

For people, reports and tools: `session.get(Entity, 42).values["email"].value`. Not for hot paths (PostgreSQL takes each
row apart) and not for writing, which would bypass validation, history and events: every write raises ReadOnlyModel.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy import ForeignKey, event
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, attribute_keyed_dict, column_property, mapped_column, relationship

from shared.eav.tables import VERSIONS


class ReadOnlyModel(TypeError):
    """Somebody tried to write through the model; the engine writes (`engine.writes`, `definitions`)."""


class Model(DeclarativeBase):
    """What all mapped classes share."""


class EntityType(Model):
    """A kind of entity, declared in code (`builtin`) or made at run time."""

    __tablename__ = "eav_type"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    plural: Mapped[str]
    label: Mapped[str]
    plural_label: Mapped[str]
    wire_id: Mapped[str]
    synonyms: Mapped[list[str]] = mapped_column(ARRAY(sa.Text()))
    description: Mapped[str]
    builtin: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]

    attributes: Mapped[list[Attribute]] = relationship(
        back_populates="entity_type", order_by="Attribute.id", viewonly=True
    )


EntityType.version = column_property(
    sa.select(VERSIONS.c.version)
    .where(VERSIONS.c.type_id == EntityType.id)
    .correlate_except(VERSIONS)
    .scalar_subquery()
)


class Attribute(Model):
    """What an entity of a type may have a value of. `column_name` is its slot, None before the first value."""

    __tablename__ = "eav_attribute"

    id: Mapped[int] = mapped_column(primary_key=True)
    type_id: Mapped[int] = mapped_column(ForeignKey("eav_type.id"))
    name: Mapped[str]
    wire_name: Mapped[str]
    label: Mapped[str]
    kind: Mapped[str]
    description: Mapped[str]
    is_unique: Mapped[bool]
    builtin: Mapped[bool]
    bank: Mapped[int] = mapped_column(sa.SmallInteger())
    column_name: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]

    entity_type: Mapped[EntityType] = relationship(back_populates="attributes", viewonly=True)
    options: Mapped[list[Option]] = relationship(
        back_populates="attribute", order_by="Option.display_order, Option.id", viewonly=True
    )


class Option(Model):
    """One choice of an enumeration; `removed` ones are kept, because stored values may name them."""

    __tablename__ = "eav_option"

    id: Mapped[int] = mapped_column(sa.BigInteger(), primary_key=True)
    attribute_id: Mapped[int] = mapped_column(ForeignKey("eav_attribute.id"))
    value: Mapped[str]
    label: Mapped[str]
    display_order: Mapped[int]
    hidden: Mapped[bool]
    removed: Mapped[bool]

    attribute: Mapped[Attribute] = relationship(back_populates="options", viewonly=True)


class Entity(Model):
    """An entity that is not archived, with its tuples by the internal name of their attribute."""

    __tablename__ = "eav_entities"

    id: Mapped[int] = mapped_column(sa.BigInteger(), primary_key=True)
    entity_type: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    values: Mapped[dict[str, Value]] = relationship(collection_class=attribute_keyed_dict("attribute"), viewonly=True)


class Value(Model):
    """One tuple (entity, attribute, value), the value in text form."""

    __tablename__ = "eav_values"

    entity_id: Mapped[int] = mapped_column(ForeignKey("eav_entities.id"), primary_key=True)
    attribute: Mapped[str] = mapped_column(primary_key=True)
    entity_type: Mapped[str]
    value: Mapped[str]
    label: Mapped[str]


def _refuse(*_anything: Any) -> NoReturn:
    raise ReadOnlyModel("the mapped model is for reading: write through the engine")


for _moment in ("before_insert", "before_update", "before_delete"):
    event.listen(Model, _moment, _refuse, propagate=True)
for _change in ("append", "remove", "set"):
    event.listen(Entity.values, _change, _refuse)
