"""Idempotency keys: a write repeated under the same key is carried out once and answered the same.

The web door claims a key, runs the handler and stores its answer (`shared.service.web.idempotency`). Every unit of
work calls `stamp(conn, entity_ids)` just before it commits; it does nothing unless the request carries a key. That
makes the key atomic with the write: the stamp commits with it, and it refuses (so that the write rolls back) when
another request has taken the key over meanwhile. Only the ANSWER is stored after the commit: when the process dies in
between, a repetition is told that the write was carried out and which entities it touched, and nothing is written.

States of a key: running -> written (stamped) -> done (answer kept). A repetition waits while the first request may
still be at work: running or written, its lease not ended. A running key whose lease has ended was left by a crash
before its commit: nothing was written, and the next request with the key takes it over. A written one whose lease has
ended was left by a crash after it: its answer will never come. Kept for KEEP.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.kernel import json
from shared.kernel.clock import monotonic
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Conflict

KEEP = timedelta(hours=24)
LEASE = timedelta(seconds=60)
WAIT_SECONDS = 10.0

_NOW = "timezone('UTC', clock_timestamp())"
_CLAIM = f"""
INSERT INTO idempotency_key AS k (actor, key, body_hash, claim, state, created_at, leased_until)
VALUES (%(actor)s, %(key)s, %(hash)s, %(claim)s, 'running', {_NOW}, {_NOW} + %(lease)s)
ON CONFLICT (actor, key) DO UPDATE SET body_hash = excluded.body_hash, claim = excluded.claim, state = 'running',
    status = NULL, headers = NULL, answer = NULL, entities = '{{}}', created_at = excluded.created_at,
    leased_until = excluded.leased_until
WHERE (k.state = 'running' AND k.leased_until < {_NOW} AND k.body_hash = excluded.body_hash)
    OR k.created_at < {_NOW} - %(keep)s
RETURNING claim
"""
_LOOK = f"""
SELECT body_hash, state, status, headers, answer, entities, leased_until < {_NOW}
FROM idempotency_key WHERE actor = %(actor)s AND key = %(key)s
"""
_STAMP = """
UPDATE idempotency_key SET state = 'written', entities = entities || %(entities)s::text[]
WHERE actor = %(actor)s AND key = %(key)s AND claim = %(claim)s
"""
_DONE = """
UPDATE idempotency_key SET state = 'done', status = %(status)s, headers = %(headers)s, answer = %(answer)s
WHERE actor = %(actor)s AND key = %(key)s AND claim = %(claim)s
"""
_RELEASE = """
DELETE FROM idempotency_key WHERE actor = %(actor)s AND key = %(key)s AND claim = %(claim)s AND state = 'running'
"""
_END_LEASE = f"""
UPDATE idempotency_key SET leased_until = {_NOW}
WHERE actor = %(actor)s AND key = %(key)s AND claim = %(claim)s AND state = 'written'
"""
_PURGE = f"""
DELETE FROM idempotency_key WHERE (actor, key) IN (
    SELECT actor, key FROM idempotency_key WHERE created_at < {_NOW} - %(keep)s LIMIT 5000)
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """This request's hold on a key."""

    actor: str
    key: str
    claim: str

    @property
    def params(self) -> dict[str, Any]:
        """The columns that identify the hold."""
        return {"actor": self.actor, "key": self.key, "claim": self.claim}


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of an earlier request under the key. `answer` is None when only the write is known."""

    same_body: bool
    state: str
    status: int
    headers: dict[str, str]
    answer: bytes | None
    entities: tuple[str, ...]
    abandoned: bool

    @property
    def at_work(self) -> bool:
        """Whether the earlier request may still settle the key."""
        return self.state != "done" and not self.abandoned


active: ContextVar[Claim | None] = ContextVar("idempotency_claim", default=None)


def create_statements() -> list[str]:
    """DDL of the key table; safe to run again."""
    return [
        """CREATE TABLE IF NOT EXISTS idempotency_key (
            actor text NOT NULL,
            key text NOT NULL,
            body_hash bytea NOT NULL,
            claim text NOT NULL,
            state text NOT NULL CHECK (state IN ('running', 'written', 'done')),
            status integer,
            headers jsonb,
            answer bytea,
            entities text[] NOT NULL DEFAULT '{}',
            created_at timestamp NOT NULL,
            leased_until timestamp NOT NULL,
            PRIMARY KEY (actor, key))""",
        "CREATE INDEX IF NOT EXISTS idempotency_key_created_at ON idempotency_key (created_at)",
    ]


def stamp(conn: Connection, entities: Iterable[object] = ()) -> None:
    """Mark the active key as carried out, inside the write's transaction, just before it commits.

    Does nothing without a key. Raises Conflict when another request has taken the key over: the write must not commit.
    """
    claim = active.get()
    if claim is not None and not conn.run(_STAMP, claim.params | {"entities": [str(one) for one in entities]}):
        raise Conflict("Another request with the same Idempotency-Key has taken over; this one wrote nothing")


def acquire(
    db: Database, actor: str, key: str, body_hash: bytes, sleep: Callable[[float], None] = time.sleep
) -> Claim | Kept:
    """Take the key, or find out what an earlier request under it did, waiting while that one still runs."""
    claim = Claim(actor, key, secrets.token_hex(8))
    params = claim.params | {"hash": body_hash, "lease": LEASE, "keep": KEEP}
    until = monotonic() + WAIT_SECONDS
    pause = 0.01
    while True:
        with db.connect() as conn:
            row = conn.row(_CLAIM, params)
            kept = None if row is not None else _read(conn, params)
        if row is not None:
            return claim
        if kept is not None and (not kept.same_body or _settled(kept) or monotonic() > until):
            return kept
        sleep(pause)
        pause = min(pause * 1.5, 0.2)


def complete(db: Database, claim: Claim, status: int, headers: dict[str, str], answer: bytes | None) -> None:
    """Keep the answer for repetitions; None keeps only the fact (answers that hold secrets)."""
    kept = {"status": status, "headers": json.dumps(headers).decode(), "answer": answer}
    with db.connect() as conn:
        conn.run(_DONE, claim.params | kept)


def release(db: Database, claim: Claim) -> None:
    """Give the key back after a refusal; a key whose write was committed stays, and nobody waits for its answer."""
    with db.connect() as conn:
        if not conn.run(_RELEASE, claim.params):
            conn.run(_END_LEASE, claim.params)


def purge(conn: Connection) -> int:
    """Delete some keys that are older than KEEP; call it again while it answers more than nothing."""
    return conn.run(_PURGE, {"keep": KEEP})


def _settled(kept: Kept) -> bool:
    """Nothing more to wait for. An abandoned running key is not settled: the next claim takes it."""
    return kept.state == "done" or (kept.state == "written" and kept.abandoned)


def _read(conn: Connection, params: dict[str, Any]) -> Kept | None:
    row = conn.row(_LOOK, params)
    if row is None:
        return None
    same = bytes(row[0]) == params["hash"]
    answer = bytes(row[4]) if row[4] is not None else None
    return Kept(same, row[1], row[2] or 0, row[3] or {}, answer, tuple(row[5]), row[6])
