"""What reporting counts of tickets from the start: backlog, throughput, response times, promises kept. Data only.

What stands open is counted of tickets, as they are; what was done of their clocks (`ticket_clock`): each is counted on
the day it ended, under whoever had the ticket then, and no later move changes that. So is what customers thought, of
their surveys (`ticket_survey`), under whoever had the ticket when they were asked.

No metric changes because time passes: the age of a ticket and the end of a promise are kept by the hour and by the
minute, and asked for by ranges of them, such as `opened=..now-3d` and `due=now..now+2h`.
"""

from __future__ import annotations

from typing import Any

_COUNT = {"kind": "count"}
_OPEN = {"attribute": "status", "operator": "NEQ", "value": "closed"}
_WHOSE = ["priority", "owner_id", "queue_id"]
_DONE_BY = [*_WHOSE, "team_id", "pipeline"]
_PROMISED_BY = [*_DONE_BY, "policy"]
_TARGETS = (("first_response", "First response"), ("next_response", "Next response"), ("resolution", "Resolution"))


def _at(attribute: str) -> dict[str, str]:
    return {"attribute": attribute, "time_zone": "UTC"}


def _average(name: str, label: str, attribute: str, at: str, *dimensions: str) -> dict[str, Any]:
    measure = {"kind": "average", "attribute": attribute}
    return {"name": name, "label": label, "measure": measure, "dimensions": list(dimensions), "time": _at(at)}


def _of(target: str, *more: dict[str, Any]) -> dict[str, Any]:
    one = {"attribute": "target", "operator": "EQ", "value": target}
    return {"and": [one, *more]} if more else one


def _taken(target: str, label: str) -> tuple[dict[str, Any], ...]:
    """How long it took on average, in business time and by the calendar."""
    business = _average(f"{target}_time", f"{label}: business time", "business_time", "ended_at", *_DONE_BY)
    calendar = _average(f"{target}_calendar_time", f"{label}: calendar time", "calendar_time", "ended_at", *_DONE_BY)
    return tuple({**one, "filter": _of(target)} for one in (business, calendar))


def _share(name: str, label: str, part: str, whole: str) -> dict[str, Any]:
    measure = {"kind": "ratio", "numerator": part, "denominator": whole}
    return {"name": name, "label": label, "measure": measure, "unit": "percent"}


def _kept(target: str, label: str) -> tuple[dict[str, Any], ...]:
    """How many promises were kept, of how many that ended with a verdict, and the share."""

    def counted(name: str, said: str, *outcomes: str) -> dict[str, Any]:
        return {
            "name": name,
            "label": f"{label}: {said}",
            "measure": _COUNT,
            "filter": _of(target, {"attribute": "outcome", "operator": "IN", "values": list(outcomes)}),
            "dimensions": _PROMISED_BY,
            "time": _at("ended_at"),
        }

    kept, all_of_them = f"{target}_kept", f"{target}_promises"
    return (
        counted(kept, "promises kept", "met"),
        counted(all_of_them, "promises with a verdict", "met", "breached"),
        _share(f"{target}_compliance", f"{label}: share of promises kept", kept, all_of_them),
    )


def _due(target: str, label: str) -> dict[str, Any]:
    """Promises whose clock runs, by the minute in which they end: those of the next two hours are a range."""
    return {
        "name": f"{target}_due",
        "label": f"{label}: promises by when they end",
        "measure": _COUNT,
        "filter": {"attribute": f"{target}_status", "operator": "EQ", "value": "running"},
        "dimensions": [{"name": "due", "attribute": f"{target}_due_at", "bucket": "minute"}, *_WHOSE],
        "time": _at(f"{target}_due_at"),
    }


def _overdue(target: str, label: str) -> dict[str, Any]:
    """Promises that have run out and are waited for still: they have not ended, so that no share knows of them yet."""
    broken = {"attribute": f"{target}_status", "operator": "EQ", "value": "breached"}
    waiting = {"attribute": f"{target}_time", "operator": "NOT_HAS_PROPERTY"}
    return {
        "name": f"{target}_overdue",
        "label": f"{label}: promises that have run out, still waited for",
        "measure": _COUNT,
        "filter": {"and": [broken, waiting]},
        "dimensions": _WHOSE,
        "time": _at(f"{target}_due_at"),
    }


def _asked() -> tuple[dict[str, Any], ...]:
    """What customers thought: on average, how many were satisfied (4 or 5), and how many of those asked answered."""
    answered = {"attribute": "score", "operator": "HAS_PROPERTY"}
    satisfied = {"attribute": "score", "operator": "GTE", "value": 4}

    def counted(name: str, label: str, test: dict[str, Any], at: str) -> dict[str, Any]:
        named = {"name": name, "label": label, "measure": _COUNT, "filter": test}
        return {**named, "dimensions": _DONE_BY, "time": _at(at)}

    return (
        _average("csat_average", "Satisfaction: average", "score", "answered_at", *_DONE_BY),
        counted("csat_answers", "Satisfaction: answers", answered, "answered_at"),
        counted("csat_satisfied", "Satisfaction: satisfied customers", satisfied, "answered_at"),
        _share("csat_share", "Satisfaction: share of satisfied customers", "csat_satisfied", "csat_answers"),
        counted(
            "csat_asked",
            "Satisfaction: asked",
            {"attribute": "asked_at", "operator": "HAS_PROPERTY"},
            "asked_at",
        ),
        counted("csat_responses", "Satisfaction: answered of those asked", answered, "asked_at"),
        _share("csat_response_rate", "Satisfaction: response rate", "csat_responses", "csat_asked"),
    )


METRICS: dict[str, tuple[dict[str, Any], ...]] = {
    "ticket": (
        {
            "name": "ticket_backlog",
            "label": "Open tickets",
            "measure": _COUNT,
            "filter": _OPEN,
            "dimensions": [*_WHOSE, "status", {"name": "opened", "attribute": "opened_at", "bucket": "hour"}],
            "time": _at("opened_at"),
        },
        {
            "name": "tickets_created",
            "label": "Tickets created",
            "measure": _COUNT,
            "dimensions": ["source", "priority", "queue_id"],
            "time": _at("opened_at"),
        },
        *(one for target, label in _TARGETS for one in (_due(target, label), _overdue(target, label))),
    ),
    "ticket_survey": _asked(),
    "ticket_clock": (
        {
            "name": "tickets_closed",
            "label": "Tickets closed, each time they were",
            "measure": _COUNT,
            "filter": _of("resolution"),
            "dimensions": _DONE_BY,
            "time": _at("ended_at"),
        },
        {
            "name": "tickets_reopened",
            "label": "Tickets opened again, under whoever had closed them",
            "measure": _COUNT,
            "filter": _of("resolution", {"attribute": "reopened_at", "operator": "HAS_PROPERTY"}),
            "dimensions": _DONE_BY,
            "time": _at("reopened_at"),
        },
        _share("reopen_rate", "Tickets opened again, of those closed", "tickets_reopened", "tickets_closed"),
        *(one for target, label in _TARGETS for one in (*_taken(target, label), *_kept(target, label))),
    ),
}
