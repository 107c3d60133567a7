"""Whether what a replica remembers of the past is whole: every version is there and is what was written, and the moves
of single choices are those that the versions tell. Explanations, waterfalls and days gone by are made of these.

Versions are proven by checksums, written with them in the same statement, and by following each other up to the fact.
What is not whole is fetched from the source's history; what that no longer has (entities erased since) stays as it is,
and is said to be beyond repair. Everything is seen in one snapshot, so that nothing has to be waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.kernel.db import Connection, Database
from shared.kernel.json import dumps
from shared.service.replica.catalogs import Catalogs, KnownType
from shared.service.replica.copying import Ask
from shared.service.replica.facts import COPIED, COPIED_ARCHIVED, VERSION_SUM, VERSIONS, naive

SPAN = 50_000
PAGE = 200
_SUM = VERSION_SUM.format(changed="changed")
_BARE = "without a checksum"
_BETWEEN = "type_no = %(no)s and id > %(low)s and id <= %(high)s"
_ENDS = "select coalesce(min(id), 1), coalesce(max(id), 0) from fact where type_no = %(no)s"
_ADOPT = f"update fact_version set checksum = {_SUM} where {_BETWEEN} and checksum is null"
# A version that was taken over whole may follow none, or an older one.
_VERSIONS = f"""with told as (
    select id, version, kind, checksum is null as bare, coalesce(checksum = {_SUM}, true) as sound,
        coalesce(lag(version) over (partition by id order by version), 0) as before
    from fact_version where {_BETWEEN}),
tops as (select f.id, f.version, coalesce(t.top, 0) as top
    from fact f left join (select id, max(version) as top from told group by id) t on t.id = f.id
    where f.type_no = %(no)s and f.id > %(low)s and f.id <= %(high)s)
select id, version, version, 'altered' from told where not sound
union all select id, before + 1, version - 1, 'missing' from told
    where before + 1 < version and kind <> all(%(copied)s)
union all select id, top + 1, version, 'missing' from tops where top < version
union all select id, version + 1, top, 'made up' from tops where top > version
union all select 0, 0, 0, '{_BARE}' where exists (select from told where bare)
order by 1, 2"""
_EXPECTED = """select v.id, c.attribute_id, v.version, v.at, v.effective_at,
    v.changed -> c.key ->> 0 as old, v.changed -> c.key ->> 1 as new
from fact_version v join unnest(%(keys)s::text[], %(attributes)s::int[]) c(key, attribute_id) on v.changed ? c.key
where v.type_no = %(no)s and {which} and v.kind <> all(%(copied)s)"""
_MOVES = f"""with told as ({_EXPECTED.format(which="v.id > %(low)s and v.id <= %(high)s")}),
kept as (select * from fact_transition where {_BETWEEN} and attribute_id = any(%(attributes)s))
select id, version, attribute_id, case when k.at is null then 'missing' when t.at is null then 'made up'
    else 'altered' end
from told t full join kept k using (id, attribute_id, version)
where (t.at, t.effective_at, t.old, t.new) is distinct from (k.at, k.effective_at, k.old, k.new)
    -- What was taken out by an erasure leaves an empty move behind.
    and not (t.at is null and k.old is null and k.new is null)
order by 1, 2, 3"""
_HOLD = "select 1 from watermark where source = %(source)s for update"
_DROP = "delete from fact_version where type_no = %(no)s and id = %(id)s and version = any(%(versions)s)"
_NO_MOVES = """delete from fact_transition where type_no = %(no)s and id = any(%(ids)s)
and attribute_id = any(%(attributes)s) and (old is not null or new is not null)"""
_MOVE = f"""insert into fact_transition (type_no, id, attribute_id, version, at, effective_at, old, new)
select %(no)s, t.* from ({_EXPECTED.format(which="v.id = any(%(ids)s)")}) t
on conflict (type_no, id, attribute_id, version) do update
set at = excluded.at, effective_at = excluded.effective_at, old = excluded.old, new = excluded.new"""
_RECORDED_WITHIN = timedelta(minutes=1)
"""History is written within so long after the instant that events tell."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Versions first to last of an entity, or moves at them (of an attribute), that are not what they were. why:
    missing, altered, made up. beyond_repair: the source does not have them."""

    entity_type: str
    id: int
    first: int
    last: int
    why: str
    attribute: str = ""
    beyond_repair: bool = False

    @property
    def told(self) -> str:
        """What to say of it; never values."""
        which = f"version {self.first}" if self.first == self.last else f"versions {self.first} to {self.last}"
        what = f"the move of {self.attribute} at {which}" if self.attribute else which
        whose = f"{what} of {self.entity_type} {self.id} {'is' if self.first == self.last else 'are'} {self.why} here"
        return f"{whose}; its source does not have that" if self.beyond_repair else whose


@dataclass(slots=True)
class Traces:
    """What a check of one source's past came to."""

    flaws: list[Flaw] = field(default_factory=list)
    repaired: int = 0


def check_past(database: Database, catalogs: Catalogs, source: str, ask: Ask, *, mend: bool = False) -> Traces:
    """Look through all versions and moves kept of a source; on demand, fetch what is wrong from its history."""
    found = Traces()
    with database.connect() as connection:
        mine = [one for one in catalogs.types(connection) if one.source == source]
    for known in mine:
        with database.connect() as connection:
            [(first, last)] = connection.rows(_ENDS, {"no": known.no})
        for low in range((first - 1) // SPAN * SPAN, last, SPAN):
            with database.connect() as connection:
                flaws = _flaws(connection, known, low, low + SPAN)
            if mend and flaws:
                left = _mend(database, known, ask, flaws, (low, low + SPAN))
                found.repaired += sum(one not in left for one in flaws)
                flaws = [replace(one, beyond_repair=one in left) for one in flaws]
            found.flaws += flaws
    return found


def _flaws(connection: Connection, known: KnownType, low: int, high: int) -> list[Flaw]:
    params = {"low": low, "high": high, **_params(known)}
    versions = [Flaw(known.name, *row) for row in connection.rows(_VERSIONS, params)]
    if any(one.why == _BARE for one in versions):
        connection.run(_ADOPT, params)
        versions = [one for one in versions if one.why != _BARE]
    moves = [
        Flaw(known.name, ident, version, version, why, known.live.by_id[attribute].name)
        for ident, version, attribute, why in connection.rows(_MOVES, params)
    ]
    lost = {(one.id, version) for one in versions for version in range(one.first, one.last + 1)}
    # Moves at versions that are not what they were are judged when those are right again.
    return versions + [one for one in moves if (one.id, one.first) not in lost]


def _params(known: KnownType) -> dict[str, Any]:
    choices = [one for one in known.live.by_id.values() if one.kind == "enumeration"]
    return {
        "no": known.no,
        "copied": [COPIED, COPIED_ARCHIVED],
        "keys": [one.key for one in choices],
        "attributes": [one.id for one in choices],
    }


def _mend(database: Database, known: KnownType, ask: Ask, flaws: Sequence[Flaw], place: tuple[int, int]) -> set[Flaw]:
    """Put versions back as the source has them, with the log kept out, and make moves anew of versions; what is still
    not whole."""
    versions: dict[int, list[Flaw]] = {}
    for one in flaws:
        if not one.attribute:
            versions.setdefault(one.id, []).append(one)
    past = dict(_past(known, ask, sorted(versions)))
    with database.transaction() as connection:
        connection.rows(_HOLD, {"source": known.source})
        for ident, some in versions.items():
            _put_back(connection, known, ident, some, past.get(ident, {}))
        ids = sorted({one.id for one in flaws})
        connection.run(_NO_MOVES, {"ids": ids, **_params(known)})
        connection.run(_MOVE, {"ids": ids, **_params(known)})
        return set(_flaws(connection, known, *place))


def _put_back(
    connection: Connection, known: KnownType, ident: int, flaws: Sequence[Flaw], past: Mapping[int, Mapping[str, Any]]
) -> None:
    """Write the versions that the source has; those beyond the fact go."""
    rows, gone = [], []
    for one in flaws:
        for version in range(one.first, one.last + 1):
            if one.why == "made up":
                gone.append(version)
            elif version in past:
                gone.append(version)
                rows.append({"type_no": known.no, "id": ident, **past[version]})
    connection.run(_DROP, {"no": known.no, "id": ident, "versions": gone})
    if rows:
        connection.run(VERSIONS, {"rows": dumps(rows).decode()})


def _past(known: KnownType, ask: Ask, ids: Sequence[int]) -> Iterator[tuple[int, dict[int, dict[str, Any]]]]:
    """Of those of these entities that the source still has: their versions by number, as rows."""
    wanted, left = set(ids), list(ids)
    while left:
        path = f"/api/v1/{known.source}/entities/{known.name}?versions=true&limit={PAGE}&after={left[0] - 1}"
        page = ask(path)
        for one in page["results"]:
            if int(one["id"]) in wanted:
                yield int(one["id"]), {row["version"]: row for row in map(_row, one["versions"])}
        upto = int(page["next_after"]) if page.get("next_after") else left[-1]
        left = [ident for ident in left if ident > upto]


def _row(told: Mapping[str, Any]) -> dict[str, Any]:
    at, since = (datetime.fromisoformat(told[name]).astimezone(UTC) for name in ("at", "effective_at"))
    # History notes when it was written; the event told the instant of the write, from which it counts if nothing else
    # was said.
    if timedelta(0) <= at - since < _RECORDED_WITHIN:
        at = since
    return {**told, "at": naive(at), "effective_at": naive(since)}
