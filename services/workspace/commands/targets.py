"""The entity types that files can be imported into, whichever service has them, and who may do that.

Own types are in the catalog, those of other services in a copy fed by their logs; no neighbour is asked in a request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from shared.kernel.clock import monotonic
from shared.kernel.context import Actor
from shared.kernel.db import Database
from shared.kernel.errors import NotFound
from shared.service.permissions import allowed, require
from shared.service.replica.catalogs import Catalogs, KnownType
from shared.service.schema import AttributeDef, TypeDef

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

_PATIENCE = 1.5
_PAUSE = 0.1
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """A type, the service it lives in, and its attributes in force. find: one by any of its names, or None."""

    service: str
    defn: TypeDef
    attributes: tuple[AttributeDef, ...]
    find: Callable[[str], AttributeDef | None]

    @property
    def name(self) -> str:
        """The type's internal name."""
        return self.defn.name


def find_target(service: Runtime, name: str) -> ImportTarget:
    """A type by any of its names; raises NotFound with the nearest ones. What was made a moment ago is waited for."""
    return patiently(lambda: _find(service, name), lambda error: isinstance(error, NotFound))


def every_target(service: Runtime) -> list[ImportTarget]:
    """All types there are."""
    own = [
        ImportTarget(service.manifest.name, one.defn, tuple(one.attributes.values()), one.find)
        for one in service.catalog.types()
    ]
    return own + [_target(one) for one in _known(service)]


def require_write(actor: Actor, target: ImportTarget) -> None:
    """Importing is writing. Raises Forbidden."""
    require(actor, "objects", target.defn, "write")


def writable(service: Runtime, actor: Actor) -> list[str] | None:
    """The types whose imports an actor may see, None for all."""
    if actor.may("*"):
        return None
    return [one.name for one in every_target(service) if allowed(actor, "objects", one.defn, "write")]


def patiently(attempt: Callable[[], _Found], worth_waiting: Callable[[Exception], bool]) -> _Found:
    """Try until it works or a second has passed: the copy of other services' types is that far behind, at most."""
    until = monotonic() + _PATIENCE
    while True:
        try:
            return attempt()
        except Exception as error:
            if monotonic() >= until or not worth_waiting(error):
                raise
        time.sleep(_PAUSE)


def _find(service: Runtime, name: str) -> ImportTarget:
    try:
        live = service.catalog.type(name)
    except NotFound:
        with service.db.connect() as connection:
            return _target(_copy(service.db).types(connection).type(name))
    return ImportTarget(service.manifest.name, live.defn, tuple(live.attributes.values()), live.find)


def _target(known: KnownType) -> ImportTarget:
    live = known.live
    return ImportTarget(known.source, live.defn, tuple(live.attributes.values()), live.find)


@lru_cache(maxsize=4)
def _copy(database: Database) -> Catalogs:
    """A process's copy: who watches an import asks several times a second, and what it is of seldom changes."""
    return Catalogs()


def _known(service: Runtime) -> Iterable[KnownType]:
    with service.db.connect() as connection:
        types = _copy(service.db).types(connection)
    return [one for one in types if one.source != service.manifest.name]
