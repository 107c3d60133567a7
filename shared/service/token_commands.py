"""Making, listing and revoking tokens: use cases of workspace alone, where the original of `service_token` lives.

Each change writes the row and its event in one transaction, so that every replica hears of it. The event carries the
token's hash, never its text, and is of the kind `token`, which readers of the feed see only with `crm.tokens.read`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, TypeVar

import psycopg

from shared.bus.outbox import append
from shared.bus.schema import ensure_partitions
from shared.contracts.event import TOKEN, Event
from shared.kernel.clock import iso, now
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Conflict, ErrorList, Forbidden, NotFound
from shared.kernel.partitions import is_missing_partition
from shared.service.idempotency import stamp
from shared.service.permissions import (
    SERVICE_SCOPES,
    SHORT_NAMES,
    TOKENS_READ,
    TOKENS_WRITE,
    require_scope,
)
from shared.service.tokens import PREFIX, token_hash

Done = TypeVar("Done")

_TYPE_SCOPE = re.compile(r"crm\.(objects|schemas)\.[a-z0-9_]+\.(read|write)")  # also for types yet to be made
_OTHER_SCOPES = (
    "*",
    *(f"{name}.{mode}" for name in SHORT_NAMES.values() for mode in ("read", "write")),
    *SERVICE_SCOPES,
)
_COLUMNS = "id, name, encode(hash, 'hex'), scopes, created_at, expires_at, revoked_at, version"
_INSERT = f"""
INSERT INTO service_token (name, hash, scopes, created_at, expires_at)
VALUES (%(name)s, %(hash)s, %(scopes)s, %(at)s, %(expires_at)s) RETURNING {_COLUMNS}
"""
_REVOKE = f"""
UPDATE service_token SET revoked_at = %(at)s, version = version + 1
WHERE id = %(id)s AND revoked_at IS NULL RETURNING {_COLUMNS}
"""
_LIST = f"SELECT {_COLUMNS} FROM service_token WHERE id > %(after)s ORDER BY id LIMIT %(limit)s"
_ALL = f"SELECT {_COLUMNS} FROM service_token ORDER BY id"
_LIVE_ADMINISTRATORS = """
SELECT id FROM service_token
WHERE '*' = ANY(scopes) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(at)s) ORDER BY id FOR UPDATE
"""
_EXISTS = "SELECT 1 FROM service_token WHERE id = %(id)s"


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token as stored, without its text."""

    id: int
    name: str
    hash: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    version: int

    @classmethod
    def read(cls, row: Sequence[Any]) -> TokenRow:
        """From the columns of `_COLUMNS`."""
        return cls(row[0], row[1], row[2], tuple(row[3]), *row[4:])

    def payload(self) -> dict[str, Any]:
        """What the event of a change carries; `tokens.apply_token_events` reads it."""
        return {
            "id": self.id,
            "name": self.name,
            "hash": self.hash,
            "scopes": list(self.scopes),
            "created_at": iso(self.created_at),
            "expires_at": iso(self.expires_at) if self.expires_at else None,
            "revoked_at": iso(self.revoked_at) if self.revoked_at else None,
            "version": self.version,
        }


def check_new_token(name: object, scopes: object, expires_at: datetime | None) -> tuple[str, tuple[str, ...]]:
    """Name and scopes of a token to be, or Invalid with every error."""
    errors = ErrorList()
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 200:
        errors.add("name", "REQUIRED_FIELD", "name is required: 1 to 200 characters that tell what the token is for")
    if not isinstance(scopes, list | tuple) or not scopes:
        errors.add("scopes", "REQUIRED_FIELD", "scopes is required: a list such as ['crm.objects.contacts.read']")
        scopes = ()
    for scope in scopes:
        if not isinstance(scope, str) or not (scope in _OTHER_SCOPES or _TYPE_SCOPE.fullmatch(scope)):
            _refuse_scope(str(scope)[:80], errors)
    if expires_at is not None and expires_at <= now():
        errors.add("expires_at", "INVALID_DATE", "expires_at must be in the future")
    errors.raise_if_any()
    return str(name).strip(), tuple(dict.fromkeys(scopes))


def _refuse_scope(scope: str, errors: ErrorList) -> None:
    """Name the scopes that look most like it; those of entity types are as many as the types, so made from it."""
    parts = scope.split(".")
    plural = parts[-2] if len(parts) > 2 else parts[-1]
    possible = [f"crm.{kind}.{plural}.{mode}" for kind in ("objects", "schemas") for mode in ("read", "write")]
    sound = [one for one in possible if _TYPE_SCOPE.fullmatch(one)]
    nearest = get_close_matches(scope, [*_OTHER_SCOPES[1:], *sound], 2)
    hint = f"; did you mean {' or '.join(nearest)}?" if nearest else "; a scope is such as crm.objects.contacts.read"
    errors.add("scopes", "INVALID_SCOPE", f"no operation asks for the scope {scope!r}{hint}", nearest)


def create_token(
    db: Database,
    ctx: Context,
    name: object,
    scopes: object,
    expires_at: datetime | None = None,
) -> tuple[TokenRow, str]:
    """A new token and its text, which exists only in this answer.

    Raises Invalid, and Forbidden when the actor asks for a scope it does not hold itself.
    """
    require_scope(ctx.actor, TOKENS_WRITE)
    checked_name, checked_scopes = check_new_token(name, scopes, expires_at)
    lacking = [scope for scope in checked_scopes if not ctx.actor.may(scope)]
    if lacking:
        raise Forbidden(lacking)
    text = PREFIX + secrets.token_urlsafe(32)
    params = {
        "name": checked_name,
        "hash": token_hash(text),
        "scopes": list(checked_scopes),
        "at": _naive(now()),
        "expires_at": _naive(expires_at),
    }

    def insert(conn: Connection) -> TokenRow:
        row = conn.row(_INSERT, params)
        assert row is not None
        token = TokenRow.read(row)
        append(conn, [token_event(token, ctx)])
        stamp(conn, [token.id])
        return token

    return _transaction(db, insert), text


def revoke_token(db: Database, ctx: Context, id_: int) -> None:
    """Make a token useless everywhere; nothing happens when it already is.

    Raises NotFound, and Conflict for the last live token that may do everything: nobody could make another one.
    """
    require_scope(ctx.actor, TOKENS_WRITE)

    def update(conn: Connection) -> None:
        # Locked, so that two revocations at once cannot each take the other's token for the one that stays.
        if conn.rows(_LIVE_ADMINISTRATORS, {"at": _naive(now())}) == [(id_,)]:
            raise Conflict("This is the last token with the scope *: make another administrator's token first")
        row = conn.row(_REVOKE, {"id": id_, "at": _naive(now())})
        if row is not None:
            append(conn, [token_event(TokenRow.read(row), ctx)])
        elif conn.row(_EXISTS, {"id": id_}) is None:
            raise NotFound("token", [str(id_)])

    _transaction(db, update)


def list_tokens(db: Database, ctx: Context, *, after: int = 0, limit: int = 100) -> list[TokenRow]:
    """Tokens by id, revoked and expired ones too."""
    require_scope(ctx.actor, TOKENS_READ)
    with db.connect() as conn:
        return [TokenRow.read(row) for row in conn.rows(_LIST, {"after": after, "limit": limit})]


def announce_tokens(conn: Connection, ctx: Context) -> None:
    """Publish every token again, for replicas that start after older events have been dropped."""
    append(conn, [token_event(TokenRow.read(row), ctx) for row in conn.rows(_ALL)])


def token_event(token: TokenRow, ctx: Context) -> Event:
    """The event that tells replicas how a token stands now."""
    return Event(
        kind=TOKEN,
        entity_type="",
        at=now(),
        entity_id=token.id,
        version=token.version,
        actor=ctx.actor.id,
        source=ctx.source,
        source_id=ctx.source_id,
        cause=ctx.cause,
        correlation=ctx.correlation,
        detail=token.payload(),
    )


def _transaction(db: Database, step: Callable[[Connection], Done]) -> Done:
    try:
        with db.transaction() as conn:
            return step(conn)
    except psycopg.errors.CheckViolation as error:
        if not is_missing_partition(error):
            raise
    with db.connect() as conn:
        ensure_partitions(conn)
    with db.transaction() as conn:
        return step(conn)


def _naive(instant: datetime | None) -> datetime | None:
    return instant.astimezone(UTC).replace(tzinfo=None) if instant is not None else None
