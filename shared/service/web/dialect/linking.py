"""Links that come with records in the wire dialect: `associations` of records to be written, and of records shown.

For the doors of records; doors of links alone are beside. Shown links cost one statement per type asked for, however
many records there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.kernel.errors import ErrorList, Forbidden, NotFound
from shared.service.links import MAX_LINK_PAGE, LinkTo
from shared.service.web.dialect import names
from shared.service.web.dialect.association_batches import next_page
from shared.service.web.dialect.association_bodies import Wanted, linked_v3, links_of
from shared.service.web.request import context, list_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

MOST_OF_EACH = 100  # links shown with each record of a list
MOST_TYPES = 50


def links_to_write(
    service: Runtime, kind: str, wanted: Sequence[Wanted], errors: ErrorList
) -> list[tuple[LinkTo, ...]]:
    """The links of each record to be written; what is wrong is noted. Asks nothing when there are none."""
    idents = {ident for one in wanted for _, types, _ in one for ident in types}
    if not idents:
        return [()] * len(wanted)
    known = service.links.known(idents)
    name = service.catalog.type(kind).name
    return [links_of(name, one, known, errors) for one in wanted]


def show_links(service: Runtime, kind: str, records: Sequence[dict[str, Any]], *, alone: bool = False) -> None:
    """Add `associations` to records, as the query parameter of that name asks.

    Types that the caller may not read, and types without links, are left out.
    """
    asked = list_param("associations")[:MOST_TYPES]
    if not asked or not records:
        return
    by_id = {int(one["id"]): one for one in records}
    for one in records:
        one["associations"] = {}
    for name in asked:
        _show(service, kind, by_id, names.entity_type(name), MAX_LINK_PAGE if alone else MOST_OF_EACH)


def _show(service: Runtime, kind: str, by_id: dict[int, dict[str, Any]], to_type: str, most: int) -> None:
    ctx = context()
    try:
        target = service.links.type(ctx, to_type)
        pages = service.links.pages(ctx, kind, list(by_id), target.name, limit=most)
        known = {one.id: one for one in service.links.relations(ctx, kind, target.name)} if pages else {}
    except (Forbidden, NotFound):
        return
    key = target.plural if target.builtin else names.qualified(target.name)
    for ident, (found, following) in pages.items():
        if found:
            shown: dict[str, Any] = {"results": linked_v3(found, known)}
            if following is not None:
                shown["paging"] = next_page(service, kind, ident, to_type, following, "v3")
            by_id[ident]["associations"][key] = shown
