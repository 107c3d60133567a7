"""An engine with people and firms that can be linked and merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.eav.declare import TypeDef
from shared.eav.engine import Engine
from shared.eav.entity import Entity, View
from shared.eav.links.asked import LinkItem, LinkTo
from shared.eav.merging.merging import Merged
from shared.eav.merging.rules import Gathering, MergeRules
from shared.eav.requests import Draft, ItemError, Ref
from shared.kernel.db import Database
from shared.service.relations import BUILTIN
from tests.factories.asking import CONTEXT
from tests.factories.kinds import attribute, entity_type
from tests.factories.schema import Schema

PERSON, FIRM = "contact", "company"
GATHERINGS = {PERSON: Gathering("merged_ids", {"email": "other_emails"}), FIRM: Gathering("merged_ids")}
TYPES: tuple[TypeDef, ...] = (
    entity_type(
        PERSON,
        attribute("email", "email", unique=True, searchable=True),
        attribute("number", "string", unique=True),
        attribute("first", "string", searchable=True),
        attribute("last", "string", searchable=True),
        attribute("age", "number"),
        attribute("tags", "multi_enumeration"),
        attribute("note", "long_text"),
        attribute("met", "date"),
        attribute("other_emails", "string", searchable=True),
        attribute("merged_ids", "string", read_only=True),
        attribute("score", "number", read_only=True),
        pool=(3, 2, 1, 1),
    ),
    entity_type(FIRM, attribute("name", "string"), attribute("merged_ids", "string", read_only=True)),
)
ALL = View("json", tuple(one.name for one in TYPES[0].attributes))


class People:
    """A database of them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.engine = Engine(database, relations=BUILTIN, gatherings=GATHERINGS)
        schema = Schema(self.engine)
        for defn in TYPES:
            schema.add_type(defn)

    def person(self, **values: object) -> int:
        """A new person."""
        return self.people(values)[0]

    def people(self, *values: Mapping[str, object]) -> list[int]:
        """New people."""
        return [one.id for one in self._made(PERSON, values)]

    def firm(self, name: str = "Firm") -> int:
        """A new firm."""
        return self._made(FIRM, [{"name": name}])[0].id

    def _made(self, name: str, values: Sequence[Mapping[str, object]]) -> list[Entity]:
        made = self.engine.writes.create(name, [Draft(one) for one in values], CONTEXT, ALL)
        assert not any(isinstance(one, ItemError) for one in made)
        return made  # type: ignore[return-value]

    def link(self, ident: int, to_type: str, to_id: int, *relations: int, from_type: str = PERSON) -> None:
        """A link with these labels."""
        self.engine.links.put(from_type, [LinkItem(ident, LinkTo(to_type, to_id, relations))], CONTEXT)

    def merge(self, survivor: int, *absorbed: int, rules: MergeRules | None = None, name: str = PERSON) -> Merged:
        """Merge."""
        return self.engine.merges.merge(name, survivor, absorbed, CONTEXT, ALL, rules=rules or MergeRules())

    def unmerge(self, survivor: int, name: str = PERSON, merge_id: int | None = None) -> Any:
        """Undo the latest merge."""
        return self.engine.unmerges.unmerge(name, survivor, CONTEXT, ALL, merge_id=merge_id)

    def read(self, *ids: int, name: str = PERSON) -> list[Entity | None]:
        """By id."""
        return self.engine.reads.read(name, [Ref(one) for one in ids], ALL)

    def find(self, attribute_name: str, *values: str) -> list[int | None]:
        """Ids by unique values."""
        refs = [Ref(attribute=attribute_name, value=one) for one in values]
        return [None if one is None else one.id for one in self.engine.reads.read(PERSON, refs, View("json", ()))]

    def linked(self, ident: int, to_type: str, name: str = PERSON) -> dict[int, tuple[int, ...]]:
        """Links of an entity: other end -> relations."""
        return {one.to_id: one.relations for one in self.engine.links.page(name, ident, to_type)[0]}
