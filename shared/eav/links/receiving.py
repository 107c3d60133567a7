"""Taking in what another service says about links between its entities and ours, in the transaction that hears it.

Any word, any number of times, in any order: see `joining` for what counts. What only we can know follows from it and is
told in turn: registers (a deal's primary company) belong to the service of who carries them, which takes them from
those who held them before, or gives one to the first company linked. Not for what callers of this service ask for: see
`links`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.links import across
from shared.eav.links.asked import LinkChange
from shared.eav.links.clock import Clock
from shared.eav.links.holding import End, hold
from shared.eav.links.joining import Heard, News, Pair, Stamp, settle
from shared.eav.links.plan import Row, named
from shared.eav.links.relations import KnownRelations, RelationDef
from shared.eav.store.rows import naive
from shared.eav.tables import table_name
from shared.kernel.clock import now
from shared.kernel.db import Connection

_MADE = """
select l.relation, l.from_id, l.to_id, l.clock, l.origin, l.since
from unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[]) g(r, f, t)
join eav_link l on l.relation = g.r and l.from_id = g.f and l.to_id = g.t
"""
_UNDONE = """
select u.relation, u.from_id, u.to_id, u.clock, u.origin
from unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[]) g(r, f, t)
join eav_unlinked u on u.relation = g.r and u.from_id = g.f and u.to_id = g.t
"""
_HOLDERS = """
select l.relation, l.from_id, l.to_id, l.clock, l.origin, l.since
from unnest(%(r)s::int[], %(f)s::bigint[]) g(r, f) join eav_link l on l.relation = g.r and l.from_id = g.f
"""
_LEADING = """
select relation, from_id, to_id, clock from eav_link where relation = any(%(r)s) and from_id = any(%(ids)s::bigint[])
"""
_WRITE = """
with gone as (delete from eav_link l
    using unnest(%(gr)s::int[], %(gf)s::bigint[], %(gt)s::bigint[]) g(r, f, t)
    where l.relation = g.r and l.from_id = g.f and l.to_id = g.t)
insert into eav_link(relation, from_id, to_id, since, clock, origin)
select r, f, t, s, c, o from unnest(%(r)s::int[], %(f)s::bigint[], %(t)s::bigint[], %(s)s::timestamp[],
    %(c)s::bigint[], %(o)s::text[]) n(r, f, t, s, c, o) order by 1, 2, 3
on conflict (relation, from_id, to_id) do update set clock = excluded.clock, origin = excluded.origin
"""
Key = tuple[int, int, int]


@dataclass(slots=True)
class _Standing:
    """The pairs that words are about, as they are stored, by (plain relation, our id, their id)."""

    pairs: dict[Key, Pair] = field(default_factory=dict)
    before: dict[Key, tuple[dict[int, Any], dict[int, Stamp]]] = field(default_factory=dict)

    def add(self, key: Key) -> Pair:
        """The pair of a key."""
        if key not in self.pairs:
            self.pairs[key] = Pair(*key)
            self.before[key] = {}, {}
        return self.pairs[key]

    def note(self) -> None:
        """Remember what is stored."""
        self.before = {key: (dict(one.made), dict(one.undone)) for key, one in self.pairs.items()}


class Receiving:
    """Takes in words for one service, under the types and relations in force in its transaction."""

    def __init__(
        self,
        connection: Connection,
        service: str,
        lives: Mapping[str, LiveType],
        relations: KnownRelations,
        clock: Clock,
    ) -> None:
        self._connection = connection
        self._service = service
        self._lives = lives
        self._relations = relations
        self._clock = clock

    def receive(self, heard: Sequence[Heard]) -> list[LinkChange]:
        """Take in these words; what follows from them, for the others. A constant number of statements."""
        words = sorted(heard, key=lambda one: one.stamp)
        if not words:
            return []
        missing = hold(self._connection, self._lives, self._relations, {self._ends(one) for one in words})
        standing = _Standing()
        abouts = [(standing.add(self._key(one)), one) for one in words]
        self._read(standing)
        self._holders(standing, words)
        standing.note()
        seen = [stamp[0] for one in standing.pairs.values() for stamp in self._stamps(one)]
        ours = self._clock.tick(max([*seen, *(one.stamp[0] for one in words)])), self._service
        linked = {key: one.held() for key, one in standing.pairs.items()}
        news = settle(abouts, ours)
        news += self._registers(standing, linked, missing, ours)
        self._write(standing)
        return [self._change(one, ours) for one in news]

    def leading_to(self, mirror: LiveType, ids: Iterable[int]) -> list[tuple[RelationDef, int, int, int]]:
        """All links from ours to these entities of a mirror: (relation, our id, their id, clock)."""
        back = {one.id: one for one in self._relations.leaving(mirror.name) if not one.to_mirror}
        rows = self._connection.rows(_LEADING, {"r": list(back), "ids": list(ids)})
        return [(self._known(back[relation].inverse), to, start, clock) for relation, start, to, clock in rows]

    def stamp(self, seen: int = 0) -> Stamp:
        """A stamp of ours, above what was seen."""
        return self._clock.tick(seen), self._service

    def _known(self, ident: int) -> RelationDef:
        found = self._relations.get(ident)
        assert found is not None, f"relation {ident} is not known"
        return found

    def _ends(self, one: Heard) -> tuple[End, End]:
        return (one.relation.from_type, one.own_id), (one.relation.to_type, one.other_id)

    def _key(self, one: Heard) -> Key:
        return self._plain(one.relation).id, one.own_id, one.other_id

    def _plain(self, relation: RelationDef) -> RelationDef:
        return self._relations.between(relation.from_type, relation.to_type)[0]

    def _beside(self, plain: int) -> Sequence[RelationDef]:
        """All relations between the types of a plain one."""
        found = self._known(plain)
        return self._relations.between(found.from_type, found.to_type)

    def _stamps(self, pair: Pair) -> Iterable[Stamp]:
        yield from (stamp for stamp, _ in pair.made.values())
        yield from pair.undone.values()

    def _read(self, standing: _Standing) -> None:
        names: dict[Row, tuple[Pair, int]] = {}
        for pair in standing.pairs.values():
            for one in self._beside(pair.plain):
                names[named(one, pair.own_id, pair.other_id)] = pair, one.id
        params = across.triples(sorted(names))
        for *name, clock, origin, since in self._connection.rows(_MADE, params, prepare=True):
            pair, relation = names[name[0], name[1], name[2]]
            pair.made[relation] = (clock, origin or self._service), since.replace(tzinfo=UTC)
        for *name, clock, origin in self._connection.rows(_UNDONE, params, prepare=True):
            pair, relation = names[name[0], name[1], name[2]]
            pair.undone[relation] = clock, origin or self._service

    def _holders(self, standing: _Standing, words: Sequence[Heard]) -> None:
        """Pairs beside those that words are about, which hold registers of the same carriers."""
        asked = {
            (register.id, one.own_id)
            for one in words
            for register in self._relations.between(one.relation.from_type, one.relation.to_type)
            if register.single
        }
        if not asked:
            return
        params = {"r": [one for one, _ in asked], "f": [one for _, one in asked]}
        for relation, own, other, clock, origin, since in self._connection.rows(_HOLDERS, params, prepare=True):
            pair = standing.add((self._plain(self._known(relation)).id, own, other))
            pair.made.setdefault(relation, ((clock, origin or self._service), since.replace(tzinfo=UTC)))

    def _registers(
        self, standing: _Standing, linked: Mapping[Key, frozenset[int]], missing: set[End], ours: Stamp
    ) -> list[News]:
        """A register has one holder: the last one; and where nobody who is there holds it, the first one linked."""
        news: list[News] = []
        carried: dict[tuple[int, int], list[Pair]] = {}
        for (plain, own, _), pair in standing.pairs.items():
            for register in self._beside(plain):
                if register.single:
                    carried.setdefault((register.id, own), []).append(pair)
        visible = self._visible(standing) if carried else set()
        for (ident, own), pairs in carried.items():
            register = self._known(ident)
            holders = sorted(
                (one for one in pairs if one.holds(ident)), key=lambda one: (one.made[ident][0], one.other_id)
            )
            there = [one for one in holders if (register.to_type, one.other_id) in visible]
            if not there and register.first and (register.from_type, own) not in missing:
                fresh = [
                    one
                    for one in pairs
                    if one.holds(one.plain) and one.plain not in linked[one.plain, own, one.other_id]
                    and (register.to_type, one.other_id) in visible
                ]  # fmt: skip
                for one in sorted(fresh, key=lambda one: one.made[one.plain][0])[:1]:
                    one.make(ident, ours, now())
                    holders.append(one)
                    news.append(News(one, ident, True))
            for one in holders[:-1]:
                one.undo(ident, ours)
                news.append(News(one, ident, False))
        return news

    def _visible(self, standing: _Standing) -> set[End]:
        """Their entities that are there, of the pairs at hand."""
        by_type: dict[str, set[int]] = {}
        for plain, _, other in standing.pairs:
            by_type.setdefault(self._beside(plain)[0].to_type, set()).add(other)
        found: set[End] = set()
        for name, ids in by_type.items():
            sql = f"select id from {table_name(self._lives[name].table)} where id = any(%(ids)s::bigint[])"
            found |= {(name, row[0]) for row in self._connection.rows(sql, {"ids": sorted(ids)}, prepare=True)}
        return found

    def _write(self, standing: _Standing) -> None:
        made: dict[Row, tuple[Stamp, datetime]] = {}
        gone: set[Row] = set()
        undone: list[tuple[Row, int, str | None]] = []
        for key, pair in standing.pairs.items():
            stored, buried = standing.before[key]
            for relation in self._beside(pair.plain):
                both = (
                    (relation.id, pair.own_id, pair.other_id),
                    (relation.inverse, pair.other_id, pair.own_id),
                )  # fmt: skip
                if pair.undone.get(relation.id) != buried.get(relation.id):
                    stamp = pair.undone[relation.id]
                    undone.append((named(relation, pair.own_id, pair.other_id), stamp[0], self._origin(stamp)))
                if pair.holds(relation.id):
                    if pair.made[relation.id] != stored.get(relation.id):
                        stamp, since = pair.made[relation.id]
                        made |= dict.fromkeys(both, (stamp, naive(since or now())))
                elif relation.id in stored:
                    gone.update(both)
        across.bury(self._connection, undone)
        if made or gone:
            removed = {f"g{name}": values for name, values in across.triples(sorted(gone)).items()}
            params = {
                "s": [since for _, since in made.values()],
                "c": [stamp[0] for stamp, _ in made.values()],
                "o": [self._origin(stamp) for stamp, _ in made.values()],
            }
            self._connection.run(_WRITE, {**across.triples(made), **params, **removed}, prepare=True)
            linked = [one for one in standing.pairs.values() if one.held()]
            ends = [(self._lives[self._beside(one.plain)[0].to_type], one.other_id) for one in linked]
            across.found_by_words(self._connection, ends)

    def _origin(self, stamp: Stamp) -> str | None:
        return None if stamp[1] == self._service else stamp[1]

    def _change(self, news: News, ours: Stamp) -> LinkChange:
        relation, pair = self._known(news.relation), news.pair
        return LinkChange(
            relation.id, relation.inverse, relation.from_type, pair.own_id, relation.to_type, pair.other_id,
            news.live, ours[0], pair.made[relation.id][1] if news.live else None, news.reason,
        )  # fmt: skip
