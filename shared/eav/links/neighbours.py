"""The types that entities of one type can be linked to, as filters ask for them; and which of them a filter names.

Whoever lets somebody filter by foreign values asks `named_types` first: they need the right to read those types.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.eav.catalog import Catalog, LiveType, keyed
from shared.eav.filters import And, Condition, Linkage, Node, Not, Or
from shared.eav.filters.check import LINKS
from shared.eav.links.relations import Relations
from shared.kernel.errors import Invalid, NotFound


class Neighbours:
    """Linkages of one type (see `filters.Linkages`), mirrors of other services' types among them."""

    def __init__(self, catalog: Catalog, relations: Relations, live: LiveType) -> None:
        self._catalog = catalog
        self._relations = relations
        self._live = live

    def linkage(self, name: str) -> Linkage | None:
        """The linkage to a type by any of its names, None for a type that cannot be linked."""
        try:
            other = self._catalog.linkable(name)
            plain = self._relations.plain(self._live.name, other.name)
        except (NotFound, Invalid):
            return None
        return Linkage(plain.id, plain.inverse, other, keyed(other))

    def names(self) -> Sequence[str]:
        """Names of the types there are, for hints."""
        kinds = (*self._catalog.known(), *self._catalog.mirrors())
        return [name for live in kinds for name in (live.name, live.plural)]


def named_types(catalog: Catalog, live: LiveType, node: Node | None) -> set[str]:
    """Internal names of the types whose entities or values a filter over `live` asks for by links."""
    return {found.name for part in _parts(live, node) if (found := _type(catalog, part)) is not None}


def linked_name(live: LiveType, name: str) -> tuple[str, str] | None:
    """(type, attribute) of a name with a dot, the attribute "" where links themselves are meant; None for others."""
    if "." not in name or live.find(name) is not None:
        return None
    if name.startswith(LINKS):
        return name.removeprefix(LINKS), ""
    kind, _, attribute = name.partition(".")
    return kind, attribute


def _parts(live: LiveType, node: Node | None) -> Iterator[str]:
    match node:
        case And(children) | Or(children):
            for child in children:
                yield from _parts(live, child)
        case Not(child):
            yield from _parts(live, child)
        case Condition(name):
            found = linked_name(live, name)
            if found is not None:
                yield found[0]


def _type(catalog: Catalog, name: str) -> LiveType | None:
    try:
        return catalog.linkable(name)
    except NotFound:
        return None
