"""Rows of forecasts as they were submitted: what somebody stood for on a day. Never changed, only added to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from services.opportunities.domain.forecast import Scope, Total
from shared.kernel import json
from shared.kernel.db import Connection

_PUT = """
insert into forecast_submission(begins, ends, pipeline, owner, team, totals, call, note, actor)
values (%(begins)s, %(ends)s, %(pipeline)s, %(owner)s, %(team)s, %(totals)s::jsonb, %(call)s, %(note)s, %(actor)s)
returning id, submitted_at
"""
_ON = """
select distinct on (pipeline, owner, team) id, begins, ends, pipeline, owner, team, totals, call, note, actor,
    submitted_at
from forecast_submission where begins = %(begins)s and ends = %(ends)s and submitted_at <= %(at)s
    and (%(pipeline)s = '' or pipeline = %(pipeline)s) and (%(owner)s = '' or owner = %(owner)s)
    and (%(team)s = '' or team = %(team)s)
order by pipeline, owner, team, id desc
"""


@dataclass(frozen=True, slots=True)
class Submission:
    """A forecast somebody submitted. call: the amount they stand for, None: they leave it at the totals."""

    id: int
    scope: Scope
    totals: Mapping[str, Total]
    call: Decimal | None
    note: str
    actor: str
    at: datetime


def create_statements() -> list[str]:
    """DDL."""
    return [
        """create table forecast_submission(
            id bigint generated always as identity primary key, begins date not null, ends date not null,
            pipeline text not null, owner text not null, team text not null, totals jsonb not null, call numeric,
            note text not null, actor text not null,
            submitted_at timestamp not null default date_trunc('milliseconds', timezone('utc', clock_timestamp())),
            check (begins < ends))""",
        "create index on forecast_submission(begins, ends, pipeline, owner, team, id)",
    ]


DROP = "drop table if exists forecast_submission"


def put(
    connection: Connection, scope: Scope, totals: Mapping[str, Total], call: Decimal | None, note: str, actor: str
) -> Submission:
    """Add a submission."""
    told = {name: [one.count, str(one.amount), str(one.weighted)] for name, one in totals.items()}
    params = _whose(scope) | {"totals": json.dumps(told).decode(), "call": call, "note": note, "actor": actor}
    row = connection.row(_PUT, params)
    assert row is not None
    return Submission(row[0], scope, totals, call, note, actor, row[1].replace(tzinfo=UTC))


def on(connection: Connection, scope: Scope, at: datetime) -> list[Submission]:
    """The latest submission of each pipeline, owner and team for this very period, as of an instant."""
    return [_submission(*row) for row in connection.rows(_ON, _whose(scope) | {"at": _naive(at)})]


def _whose(scope: Scope) -> dict[str, Any]:
    return {name: getattr(scope, name) for name in ("begins", "ends", "pipeline", "owner", "team")}


def _submission(
    ident: int,
    begins: date,
    ends: date,
    pipeline: str,
    owner: str,
    team: str,
    totals: Mapping[str, Any],
    call: Decimal | None,
    note: str,
    actor: str,
    at: datetime,
) -> Submission:
    read = {
        name: Total(count, Decimal(amount), Decimal(weighted)) for name, (count, amount, weighted) in totals.items()
    }
    return Submission(
        ident, Scope(begins, ends, pipeline, owner, team), read, call, note, actor, at.replace(tzinfo=UTC)
    )


def _naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)
