"""Whom an id of a request means: a live entity, an archived one, or the survivor of an absorbed one.

For doors that tell of an entity from tables beside it, where nothing told looks like nothing there.
"""

from __future__ import annotations

from shared.eav.absorbed import heirs
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.requests import Ref
from shared.kernel.errors import NotFound

__all__ = ["heirs", "meant"]


def meant(engine: Engine, live: LiveType, ident: int) -> int:
    """The id of the entity that an id means. Raises NotFound."""
    for archived in (False, True):
        found = engine.reads.read(live.name, [Ref(ident)], View(attributes=()), archived=archived)[0]
        if found is not None:
            return found.id
    raise NotFound(live.name, [str(ident)])
