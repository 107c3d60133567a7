"""The account of a log: what a source told = what was applied here + what was put aside + what was given up. Kept with
the watermark.

It balances for subscriptions to everything; of one to certain types it says only how much came.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.kernel.db import Connection

_READ = """select subscription, source, told, settled,
    (select count(*) from dead_letter d where d.subscription = w.subscription), skipped
from watermark w order by subscription"""


@dataclass(frozen=True, slots=True)
class Account:
    """Since the subscription began (or was rebuilt), up to its last whole tick. taken: applied, put aside, or given up
    (skipped) after that."""

    subscription: str
    source: str
    told: int
    taken: int
    put_aside: int
    skipped: int = 0

    @property
    def applied(self) -> int:
        """Events whose effects are here."""
        return self.taken - self.put_aside - self.skipped

    @property
    def balanced(self) -> bool:
        """Whether nothing was lost and nothing counted twice."""
        return self.told == self.taken


def create_statements() -> list[str]:
    """DDL of the account."""
    columns = ", ".join(f"add {name} bigint not null default 0" for name in ("begun", "taken", "told", "settled"))
    return [f"alter table watermark {columns}"]


def skipped_statement() -> str:
    """DDL of what was given up."""
    return "alter table watermark add skipped bigint not null default 0"


def accounts(connection: Connection) -> list[Account]:
    """Of every subscription."""
    return [Account(*row) for row in connection.rows(_READ)]
