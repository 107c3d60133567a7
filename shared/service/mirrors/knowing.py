"""Whether entities of other services are there, for commands that must not begin with ids that mean nobody.

The mirror is looked at first; an id that it does not know is asked for at its home. While that is away, ids are taken
on trust, as links to them are: a write here must not depend on a neighbour being up. Not for links alone, which take
any id and are undone when its home knows none (`links`), nor for attributes that refer to others (`references`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.eav import mirroring
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.links.across import absorbed_into, heirs
from shared.eav.references import MAX_BIGINT
from shared.kernel.errors import Unavailable
from shared.kernel.telemetry import logger
from shared.service.mirrors import schema
from shared.service.mirrors.entities import translated

Ask = Callable[[str], Mapping[str, Any]]
"""Answers GET paths of one service with its JSON; raises Unavailable."""
_log = logger("mirrors")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entity of another service that is there. id: whom the asked one means, its survivor where it was absorbed;
    values: what is known of it here, canonical JSON by internal name; nothing where it was taken on trust."""

    id: int
    values: Mapping[str, Any]


class Neighbours:
    """The mirrored entities of one service. ask: how the home of a mirror is asked."""

    def __init__(self, engine: Engine, ask: Callable[[str], Ask]) -> None:
        self._engine = engine
        self.ask = ask

    def find(self, type_name: str, ident: int) -> Neighbour | None:
        """Whom an id means; None for who is archived, erased or was never there. Raises NotFound for a type that is
        not mirrored here."""
        live = self._engine.catalog.linkable(type_name)
        if not 0 < ident <= MAX_BIGINT:
            return None
        with self._engine.database.connect() as connection:
            meant = heirs(connection, live, [ident]).get(ident, ident)
            known = mirroring.standing(connection, live, [meant]).get(meant)
            keys = schema.keys(connection, live.id)
        if known is None or known.version == 0:
            return self._at_home(live, meant, keys)
        return None if known.archived else Neighbour(meant, _named(live, known.values))

    def namesakes(self, type_name: str, ident: int) -> list[int]:
        """All ids that mean whom this one means, as far as its home has told of merges: the survivor's first. For what
        names one by its id and may have been written before a merge. Raises NotFound for a type not mirrored here."""
        live = self._engine.catalog.linkable(type_name)
        if not 0 < ident <= MAX_BIGINT:
            return [ident]
        with self._engine.database.connect() as connection:
            meant = heirs(connection, live, [ident]).get(ident, ident)
            return [meant, *absorbed_into(connection, live, meant)]

    def _at_home(self, live: LiveType, ident: int, keys: Mapping[str, int]) -> Neighbour | None:
        """The same by what its home says now."""
        home = live.defn.mirror_of or ""
        try:
            page = self.ask(home)(f"/api/v1/{home}/entities/{live.name}?after={ident - 1}&limit=1")
        except Unavailable as away:
            _log.warning("an id was taken on trust", type=live.name, home=home, why=away.message)
            return Neighbour(ident, {})
        found = next((one for one in page["results"] if int(one["id"]) == ident), None)
        if found is None or found["archived"]:
            return None
        attributes = {key: live.by_id[one] for key, one in keys.items() if one in live.by_id}
        return Neighbour(ident, _named(live, translated(live, attributes, found["values"])))


def _named(live: LiveType, values: Mapping[str, Any]) -> dict[str, Any]:
    return {live.by_id[int(key)].name: one for key, one in values.items()}
