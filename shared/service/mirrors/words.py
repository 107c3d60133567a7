"""What another service's events say of links between its entities and ours, as words the engine can take in. Pure.

Links inside that service, and to third ones, are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from shared.contracts.event import LINK, MERGED, UNMERGED, Event
from shared.eav.catalog import LiveType
from shared.eav.links.joining import Heard, Stamp
from shared.eav.links.relations import KnownRelations, RelationDef
from shared.kernel.errors import Unavailable


class NotYet(Unavailable):
    """A label is not known here yet, which workspace tells: the page is tried again."""


def words(
    source: str,
    lives: Mapping[str, LiveType],
    relations: KnownRelations,
    events: Sequence[Event],
    known_until: datetime | None,
) -> list[Heard]:
    """All words of a page. known_until: up to when labels are known here (None: nobody can say); an unknown one that
    was used after that raises NotYet, an older one was removed since."""
    found: list[Heard] = []
    for event in events:
        if event.kind == LINK:
            found += _link(source, lives, relations, event, known_until)
        elif event.kind in (MERGED, UNMERGED) and event.entity_type in lives:
            found += _merged(source, lives, relations, event)
    return found


def _link(
    source: str, lives: Mapping[str, LiveType], relations: KnownRelations, event: Event, known_until: datetime | None
) -> Iterator[Heard]:
    detail = event.detail
    start, end = detail["from"], detail["to"]
    ident = int(detail["relation"])
    if _is(lives, end, "") and _is(lives, start, source):
        start, end, ident = end, start, int(detail["inverse"])
    if not (_is(lives, start, "") and _is(lives, end, source)):
        return
    relation = relations.get(ident)
    if relation is None or (relation.from_type, relation.to_type) != (start["type"], end["type"]):
        if known_until is None or known_until <= event.at:
            raise NotYet(f"relation {ident} is not known yet")
        return
    stamp = int(detail["clock"]), str(detail.get("origin") or source)
    since = event.effective_at or event.at
    yield Heard(relation, int(start["id"]), int(end["id"]), bool(detail["live"]), stamp, since)


def _is(lives: Mapping[str, LiveType], end: Mapping[str, str], home: str) -> bool:
    live = lives.get(end["type"])
    return live is not None and live.defn.mirror_of == home


def _merged(source: str, lives: Mapping[str, LiveType], relations: KnownRelations, event: Event) -> Iterator[Heard]:
    """The absorbed lose their links, the survivor has those that moved; undoing it is the same backwards."""
    undone = event.kind == UNMERGED
    stamp: Stamp = int(event.detail.get("clock") or 0), source
    for _, inverse, absorbed, other, moved in event.detail.get("links", ()):
        relation = relations.get(int(inverse))
        if relation is None or not leads_across(lives, relation, event.entity_type):
            continue
        theirs = Heard(relation, int(other), int(absorbed), undone, stamp, event.at)
        yield theirs
        if moved:
            yield replace(theirs, other_id=event.entity_id or 0, live=not undone)


def leads_across(lives: Mapping[str, LiveType], relation: RelationDef, mirrored: str) -> bool:
    """Whether a relation leads from our entities to those of the mirror. The home tells of all that its entities are
    linked to: types that we mirror as well, and types that nobody here has."""
    own = lives.get(relation.from_type)
    return own is not None and not own.mirror and relation.to_mirror and relation.to_type == mirrored


def redirected(
    heard: Sequence[Heard], heirs: Mapping[tuple[str, int], int], relations: KnownRelations, stamp: Stamp
) -> list[Heard]:
    """Words about entities of ours that were absorbed: the link is the survivor's, and the absorbed one has none. Both
    are news to who did not know of the merge."""
    found = []
    for one in heard:
        survivor = heirs.get((one.relation.from_type, one.own_id))
        if survivor is None:
            found.append(one)
            continue
        found.append(replace(one, own_id=survivor, tell=True))
        found.append(one)
        if one.live:
            plain = relations.between(one.relation.from_type, one.relation.to_type)[0]
            found.append(replace(one, relation=plain, live=False, stamp=stamp, tell=True))
    return found
