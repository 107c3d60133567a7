"""Keys of entities that were there before a match rule was: made piece by piece, going on where it stopped.

A part of maintenance. Each piece is a transaction that adds keys and moves the rule's place. It locks no entity: a
write that comes between leaves a key too many, which look-ups pass over. Only erasures are kept apart, so that no key
of an erased entity is left. Keys of rules that are no longer declared go the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from shared.eav.catalog import Catalog, LiveType, StaleCatalog
from shared.eav.query.page import check_version
from shared.eav.query.reading import reader
from shared.kernel.clock import monotonic
from shared.kernel.db import Connection, Database, compiled
from shared.service.matching import store
from shared.service.matching.keeping import Keeping, Numbered
from shared.service.matching.rules import Matching

PIECE = 2000
SECONDS = 5.0

_BEHIND = """
select id, upto from match_rule where id = any(%(ids)s::int[]) and not done order by upto, id for update skip locked
"""
_MOVE = "update match_rule set upto = %(upto)s, done = %(done)s where id = any(%(ids)s::int[])"
_GIVEN_UP = "select id from match_rule where not id = any(%(ids)s::int[]) order by id limit 1 for update skip locked"
_FORGET = """
delete from match_key where (rule, key, entity_id) in (
    select rule, key, entity_id from match_key where rule = %(rule)s order by rule, key, entity_id limit %(piece)s)
"""


def backfill(matching: Matching, database: Database, seconds: float = SECONDS, piece: int = PIECE) -> int:
    """Work on it for about so many seconds; how many entities got keys, and how many keys went."""
    keeping, catalog = Keeping(matching, database), Catalog(database)
    keeping.register()
    deadline = monotonic() + seconds
    done = 0
    while True:
        lives = [live for live in catalog.types() if live.name in matching]
        rules = [(live, rule) for live in lives for rule in keeping.rules(live)]
        try:
            step = _fill(database, rules, piece)
            if step is None:
                step = _forget(database, rules, piece)
        except StaleCatalog:
            continue
        done += step or 0
        if step is None or monotonic() > deadline:
            return done


def _fill(database: Database, rules: Sequence[tuple[LiveType, Numbered]], piece: int) -> int | None:
    """One piece, for all rules of a type that stand at the same place; None when all are complete, or in work."""
    by_number = {rule.number: (live, rule) for live, rule in rules}
    with database.transaction() as connection:
        behind = connection.rows(_BEHIND, {"ids": list(by_number)})
        if not behind:
            return None
        live, upto = by_number[behind[0][0]][0], behind[0][1]
        together = [by_number[number][1] for number, place in behind if place == upto and by_number[number][0] is live]
        store.hold(connection, live.id)
        rows = _following(connection, live, together, upto, piece)
        states = {row[0]: row[1] for row in rows}
        kept = {
            (rule.number, key, ident) for ident, one in states.items() for rule in together for key in rule.keys(one)
        }
        store.add(connection, sorted(kept))
        moved = {"upto": rows[-1][0] if rows else upto, "done": len(rows) < piece}
        connection.run(_MOVE, {**moved, "ids": [rule.number for rule in together]})
        return len(rows)


def _following(
    connection: Connection, live: LiveType, rules: Sequence[Numbered], after: int, piece: int
) -> list[tuple[int, dict[str, Any]]]:
    """The next entities by id, with what the rules read of them. Raises StaleCatalog."""
    names = tuple(dict.fromkeys(name for rule in rules for name in rule.names.values()))
    view = reader(live, names, "canonical")
    ident = view.source.main.c.id
    query = view.select().where(ident > sa.bindparam("after", type_=sa.BigInteger())).order_by(ident)
    query = query.limit(sa.bindparam("piece", type_=sa.Integer()))
    rows = connection.rows(compiled(query), {"after": after, "piece": piece})
    check_version(connection, live, rows)
    return [(one.id, one.values) for one in view.entities(rows)]


def _forget(database: Database, rules: Sequence[tuple[LiveType, Numbered]], piece: int) -> int | None:
    """Some keys of a rule that is no longer declared; None when there is no such rule."""
    with database.transaction() as connection:
        row = connection.row(_GIVEN_UP, {"ids": [rule.number for _, rule in rules]})
        if row is None:
            return None
        gone = connection.run(_FORGET, {"rule": row[0], "piece": piece})
        if not gone:
            connection.run("delete from match_rule where id = %(id)s", {"id": row[0]})
        return gone
