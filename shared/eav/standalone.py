"""The engine on its own, for scripts, notebooks and programs without services: open, define, write, find.

Not for a service: nothing is published, nobody is asked for permission, no domain has a say. The kit's corridor is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef, TypeDef
from shared.eav.definition_rules import completed_attributes
from shared.eav.definitions import put_attributes
from shared.eav.engine import Engine
from shared.eav.entity import Entity, View
from shared.eav.filters import parse
from shared.eav.install import declare_types, install
from shared.eav.requests import Draft, ItemError, Query, Ref, Sort, Update
from shared.eav.slots import provision
from shared.eav.types import kind_of
from shared.kernel.context import Context
from shared.kernel.db import Database
from shared.kernel.errors import NotFound

_TUPLES = "select * from eav_values where entity_id = %(id)s order by attribute"


class Standalone:
    """One database of entities. Values come and go as Python ones: str, Decimal, bool, date, datetime, tuple, int."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str) -> Standalone:
        """Connect and prepare the database; raises RuntimeError unless it is UTF-8 with character type C.UTF-8."""
        database = Database(url)
        install(database)
        provision(database)
        return cls(Engine(database))

    def close(self) -> None:
        """Close its connections."""
        self.engine.database.dispose()

    def define(self, defn: TypeDef) -> None:
        """Make an entity type; for one that exists, add the attributes it lacks."""
        declare_types(self.engine.database, [replace(defn, attributes=())])
        live = self._live(defn.name)
        self._add(live, [one for one in defn.attributes if one.name not in live.attributes])
        provision(self.engine.database)

    def add_attribute(self, type_name: str, label: str, kind: str = "string", **more: Any) -> AttributeDef:
        """Add one attribute; `more` are fields of AttributeDef. A name is made from the label unless given.

        Raises Invalid with everything wrong, AlreadyExists.
        """
        (added,) = self._add(self._live(type_name), [AttributeDef(more.pop("name", ""), label, kind, **more)])
        return added

    def create(self, type_name: str, values: Mapping[str, object] | None = None) -> int:
        """Make an entity and answer its id. Values are keyed by name or label. Raises InvalidValues, Conflict."""
        drafts = [Draft(values or {})]
        (made,) = self.engine.writes.create(type_name, drafts, Context(source="CODE"), View(attributes=()))
        assert not isinstance(made, ItemError)
        return made.id

    def set(self, type_name: str, ident: int, values: Mapping[str, object]) -> None:
        """Write values of an entity; None clears one. Raises InvalidValues, Conflict, NotFound."""
        updates = [Update(Ref(ident), values)]
        self.engine.writes.update(type_name, updates, Context(source="CODE"), View(attributes=()))

    def get(self, type_name: str, ident: int) -> Entity:
        """One entity with all its values, by internal name; raises NotFound."""
        live = self._live(type_name)
        (found,) = self.engine.reads.read(type_name, [Ref(ident)], View("canonical", live.stored))
        if found is None:
            raise NotFound(live.name, [str(ident)])
        return _typed(live, found)

    def find(
        self, type_name: str, where: Mapping[str, Any] | None = None, *, sorts: Sequence[str] = (), limit: int = 100
    ) -> list[Entity]:
        """The first entities that match, see `filters.parse` for `where`; "-name" sorts downwards. Raises Invalid."""
        live = self._live(type_name)
        orders = tuple(Sort(one.removeprefix("-"), one.startswith("-")) for one in sorts)
        query = Query(parse(where) if where else None, sorts=orders, limit=limit, total="none")
        page = self.engine.reads.query(type_name, query, View("canonical", live.stored))
        return [_typed(live, one) for one in page.entities]

    def tuples(self, ident: int) -> list[tuple[Any, ...]]:
        """The entity's rows of the view `eav_values`, by internal name of the attribute."""
        with self.engine.database.connect() as connection:
            return connection.rows(_TUPLES, {"id": ident})

    def _live(self, type_name: str) -> LiveType:
        self.engine.catalog.refresh()
        return self.engine.catalog.type(type_name)

    def _add(self, live: LiveType, drafts: Sequence[AttributeDef]) -> list[AttributeDef]:
        checked = [one for one in completed_attributes(live, drafts) if isinstance(one, AttributeDef)]
        with self.engine.database.transaction() as connection:
            put_attributes(connection, live, checked)
        live = self._live(live.name)
        return [live.attributes[one.name] for one in checked]


def _typed(live: LiveType, entity: Entity) -> Entity:
    """The entity with canonical Python values by internal name; attributes without a value are left out."""
    typed: dict[str, Any] = {}
    for key, value in entity.values.items():
        attribute = live.by_id[int(key)]
        if value is not None and not attribute.system:
            typed[attribute.name] = kind_of(attribute).from_json(value, attribute)
    entity.values = typed
    return entity
