"""Prepared, and yet planned with the actual values each time.

Preparing saves parsing and analysing a long statement. PostgreSQL may then also keep ONE plan for all values, which
for lists and counts of several conditions is wrong: which index drives depends on the values. `ANEW` keeps it from
that without any session state (see docs/adr/0007): planned with its parameter, which is always true, the condition is
gone; planned without, it costs more than anything. Not for point reads and writes, whose one plan is the right one.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

_NOBODY_COUNTS = sa.select(sa.func.count()).select_from(sa.text("generate_series(1, 1000000000)")).scalar_subquery()
ANEW = sa.or_(sa.bindparam("anew", type_=sa.Boolean()), _NOBODY_COUNTS.is_(None))
ANEW_PARAMS: dict[str, Any] = {"anew": True}
