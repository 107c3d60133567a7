"""The contacts service as opportunities meets it when it asks: entities that a test put there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.eav import mirroring
from shared.eav.mirroring import Mirrored
from shared.kernel.clock import now
from shared.kernel.errors import Unavailable
from shared.service.mirrors.catalogs import apply_type

_PATH = re.compile(r"/api/v1/contacts/entities/(\w+)\?after=(\d+)&limit=1")


@dataclass
class Home:
    """What is there, by type and id: values by key of the home. away: nobody answers."""

    there: dict[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict)
    archived: set[tuple[str, int]] = field(default_factory=set)
    away: bool = False
    asked: int = 0

    def ask(self, path: str) -> Mapping[str, Any]:
        """The page that such a path answers."""
        if self.away:
            raise Unavailable("contacts cannot be asked")
        self.asked += 1
        found = _PATH.fullmatch(path)
        assert found is not None, path
        kind, after = found[1], int(found[2])
        ids = sorted(ident for name, ident in self.there if name == kind and ident > after)
        return {"results": [self._one(kind, one) for one in ids[:1]]}

    def _one(self, kind: str, ident: int) -> dict[str, Any]:
        key = kind, ident
        made = "2026-01-01T00:00:00.000Z"
        return {"id": str(ident), "version": 1, "archived": key in self.archived, "created_at": made,
                "updated_at": made, "values": dict(self.there[key])}  # fmt: skip


def tell_types(runtime: Any, **types: tuple[str, ...]) -> None:
    """Have mirrors know these attributes, all of them texts; their home's keys are their places from 1 on."""
    with runtime.db.transaction() as connection:
        for kind, names in types.items():
            told = [{"id": n, "name": one, "label": one, "kind": "string"} for n, one in enumerate(names, 1)]
            apply_type(connection, runtime.catalog.linkable(kind).id, frozenset(names), {"attributes": told})
    runtime.catalog.refresh()


def mirror(runtime: Any, kind: str, ident: int, *, archived: bool = False, **values: Any) -> None:
    """Have the mirror know one."""
    live = runtime.catalog.linkable(kind)
    by_key = {live.attributes[name].key: value for name, value in values.items()}
    with runtime.db.transaction() as connection:
        mirroring.put(connection, live, [Mirrored(ident, 1, archived, now(), now(), by_key)])
