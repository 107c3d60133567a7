"""Answers that were dear to work out are worked out again before they are asked: what cells change, caches forget.

Kept are questions that took long, in a table, so that neither a flush nor a restart loses them; one that nobody asked
for a day is forgotten. Not for cheap ones: working those out costs less than remembering them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.kernel import json
from shared.kernel.clock import monotonic
from shared.kernel.db import Connection

T = TypeVar("T")
DEAR_SECONDS = 0.05
MOST = 50
_REMEMBER = """insert into dear_question (metric, hash, question, ms)
values (%(metric)s, %(hash)s, %(question)s, %(ms)s)
on conflict (metric, hash) do update
set ms = excluded.ms, asked = dear_question.asked + 1, asked_at = excluded.asked_at"""
_DEAREST = """select metric, hash, question::text from dear_question
order by ms * asked desc, metric, hash limit %(most)s"""
_FORGET_OLD = """delete from dear_question
where asked_at < timezone('utc', clock_timestamp()) - interval '1 day'"""


@dataclass(slots=True)
class Timed(Generic[T]):
    """A computation that knows how long it took; 0 when it never ran."""

    compute: Callable[[], T]
    seconds: float = 0.0

    def __call__(self) -> T:
        began = monotonic()
        try:
            return self.compute()
        finally:
            self.seconds = monotonic() - began

    @property
    def dear(self) -> bool:
        """Whether it is worth remembering."""
        return self.seconds >= DEAR_SECONDS


def remember(connection: Connection, metric: str, raw: Mapping[str, Any], seconds: float) -> None:
    """Note a question that took so long."""
    told = json.canonical(dict(raw))
    connection.run(_REMEMBER, {
        "metric": metric,
        "hash": hashlib.blake2b(told, digest_size=12).hexdigest(),
        "question": told.decode(),
        "ms": round(seconds * 1000),
    })  # fmt: skip


def dearest(connection: Connection) -> list[tuple[str, str, dict[str, Any]]]:
    """Questions as (metric, hash, question), the dearest first; those that nobody asks any more are forgotten."""
    connection.run(_FORGET_OLD)
    return [(metric, mark, json.loads(text)) for metric, mark, text in connection.rows(_DEAREST, {"most": MOST})]


def forget(connection: Connection, metric: str, mark: str) -> None:
    """Forget a question that has no answer any more."""
    connection.run("delete from dear_question where metric = %s and hash = %s", (metric, mark))


def create_statement() -> str:
    """The DDL."""
    return """create table dear_question (
        metric text not null, hash text not null, question jsonb not null, ms int not null,
        asked bigint not null default 1,
        asked_at timestamp not null default timezone('utc', clock_timestamp()), primary key (metric, hash))"""
