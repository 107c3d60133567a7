"""The table that a question asks for, out of groups: comparison, order, top with its others, pivot with its totals.

Every total is a question of its own, asked of the same moment, so that it is right also where rows do not add up
(averages, extremes, numbers of different values, ratios).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from services.reporting.domain.questions import MOST_GROUPS, Group, Question, Row, Table, Value, group_key, ordered
from services.reporting.query import Groups, Wanted
from shared.kernel.errors import Invalid

Ask = Callable[[Wanted], Groups]
Nothing = tuple[Value, int]


def table(ask: Ask, question: Question, none: Value) -> Table:
    """none: the value of a group that nobody is in. Raises Invalid for more cells than MOST_GROUPS."""
    by, period = question.columns, question.period
    found = ask(Wanted(by, period))
    before = ask(Wanted(by, question.before)) if question.before is not None else {}
    nothing: Nothing = (none, 0)
    rows = ordered(_rows(found, before, question, nothing), question)
    shown, hidden = (rows, []) if question.top is None else (rows[: question.top], rows[question.top :])
    if not question.pivot and not hidden:
        return Table(tuple(shown))
    periods = [period, *([question.before] if question.before is not None else [])]
    kept = [row.group for row in shown]
    total = _row([ask(Wanted((), one)) for one in periods], none)
    others = _row([ask(Wanted((), one, kept, by)) for one in periods], none) if hidden else None
    if not question.pivot:
        return Table(tuple(shown), total=total, others=others, hidden=len(hidden))
    pivot = (question.pivot,)
    across = ask(Wanted(pivot, period))
    columns = tuple(key[0] for key in sorted(across, key=group_key))
    if (len(shown) + 2) * len(columns) > MOST_GROUPS:
        raise Invalid.one("pivot", "TOO_MANY_GROUPS", f"pivot: more than {MOST_GROUPS} cells; narrow the question down")
    inside = ask(Wanted((*by, *pivot), period))
    if others is not None:
        beside = ask(Wanted(pivot, period, kept, by))
        others = replace(others, cells=_cells((), columns, beside, none))
    return Table(
        tuple(replace(row, cells=_cells(row.group, columns, inside, none)) for row in shown),
        columns,
        replace(total, cells=_cells((), columns, across, none)),
        others,
        len(hidden),
    )


def _rows(found: Groups, before: Groups, question: Question, nothing: Nothing) -> list[Row]:
    keys = dict.fromkeys([*found, *before])
    compared = bool(question.compare)
    return [Row(key, *found.get(key, nothing), before.get(key, nothing)[0] if compared else None) for key in keys]


def _row(found: Sequence[Groups], none: Value) -> Row:
    now, *before = (one.get((), (none, 0)) for one in found)
    return Row((), *now, before[0][0] if before else None)


def _cells(group: Group, columns: Sequence[str | None], inside: Groups, none: Value) -> tuple[Value, ...]:
    return tuple(inside.get((*group, one), (none, 0))[0] for one in columns)


def shares(over: Ask, under: Ask) -> Ask:
    """Ratios, group by group: None where nothing is divided by, zero where nothing is divided; n is the divisor's."""

    def ask(wanted: Wanted) -> Groups:
        upper, lower = over(wanted), under(wanted)
        return {
            group: (_share(_of(upper, group), _of(lower, group)), lower.get(group, (None, 0))[1])
            for group in dict.fromkeys([*upper, *lower])
        }

    return ask


def _of(groups: Mapping[Group, tuple[Value, int]], group: Group) -> Value:
    return groups.get(group, (None, 0))[0]


def _share(over: Value, under: Value) -> Decimal | None:
    if not isinstance(under, Decimal) or not under:
        return None
    return (over if isinstance(over, Decimal) else Decimal(0)) / under
