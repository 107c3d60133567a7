"""Keys of entities that were there before a match rule was: made piece by piece, going on where it stopped.

A part of maintenance. Each piece is a transaction that holds the entities it reads, so that no write of theirs comes
between, and moves the rule's place. Keys of rules that are no longer declared go the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from shared.eav.catalog import Catalog, LiveType, StaleCatalog
from shared.eav.query.page import check_version
from shared.eav.query.reading import ID, Reader, reader
from shared.kernel.clock import monotonic
from shared.kernel.db import Connection, Database, compiled
from shared.service.matching import store
from shared.service.matching.keeping import Keeping, Numbered
from shared.service.matching.rules import Matching

PIECE = 2000
SECONDS = 5.0

_BEHIND = """
select id, upto from match_rule where id = any(%(ids)s::int[]) and not done order by upto, id limit 1
for update skip locked
"""
_MOVE = "update match_rule set upto = %(upto)s, done = %(done)s where id = %(id)s"
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
    """One piece of one rule; None when all rules are complete (or being worked on elsewhere)."""
    by_number = {rule.number: (live, rule) for live, rule in rules}
    with database.transaction() as connection:
        row = connection.row(_BEHIND, {"ids": list(by_number)})
        if row is None:
            return None
        number, upto = row
        live, rule = by_number[number]
        view = reader(live, tuple(rule.names.values()), "canonical")
        rows = _held(connection, view, upto, piece)
        check_version(connection, live, rows)
        states = {one.id: one.values for one in map(view.entity, rows)}
        store.add(connection, [(number, key, ident) for ident, values in states.items() for key in rule.keys(values)])
        upto = rows[-1][ID] if rows else upto
        connection.run(_MOVE, {"upto": upto, "done": len(rows) < piece, "id": number})
        return len(rows)


def _held(connection: Connection, view: Reader, after: int, piece: int) -> list[tuple[Any, ...]]:
    """The next entities by id, which nobody can change before the transaction ends."""
    main = view.source.main
    query = view.select().where(main.c.id > sa.bindparam("after", type_=sa.BigInteger())).order_by(main.c.id)
    query = query.limit(sa.bindparam("piece", type_=sa.Integer())).with_for_update(read=True, of=main)
    return connection.rows(compiled(query), {"after": after, "piece": piece})


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
