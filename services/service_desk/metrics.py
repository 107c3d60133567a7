"""What reporting counts of tickets from the start: backlog, throughput, response times, promises kept. Data only."""

from __future__ import annotations

from typing import Any

_COUNT = {"kind": "count"}
_OPEN = {"attribute": "status", "operator": "NEQ", "value": "closed"}
_CLOSED = {"attribute": "status", "operator": "EQ", "value": "closed"}
_WHOSE = ["priority", "owner_id", "queue_id"]


def _at(attribute: str) -> dict[str, str]:
    return {"attribute": attribute, "time_zone": "UTC"}


def _average(name: str, label: str, attribute: str, at: str, *dimensions: str) -> dict[str, Any]:
    measure = {"kind": "average", "attribute": attribute}
    return {"name": name, "label": label, "measure": measure, "dimensions": list(dimensions), "time": _at(at)}


def _share(name: str, label: str, part: str, whole: str) -> dict[str, Any]:
    measure = {"kind": "ratio", "numerator": part, "denominator": whole}
    return {"name": name, "label": label, "measure": measure, "unit": "percent"}


def _kept(target: str, label: str) -> tuple[dict[str, Any], ...]:
    """How many promises were kept, of how many that have a verdict, and the share."""

    def counted(name: str, said: str, *outcomes: str) -> dict[str, Any]:
        return {
            "name": name,
            "label": f"{label}: {said}",
            "measure": _COUNT,
            "filter": {"attribute": f"{target}_status", "operator": "IN", "values": list(outcomes)},
            "dimensions": ["priority"],
            "time": _at("opened_at"),
        }

    kept, all_of_them = f"{target}_kept", f"{target}_promises"
    return (
        counted(kept, "promises kept", "met"),
        counted(all_of_them, "promises with a verdict", "met", "breached"),
        _share(f"{target}_compliance", f"{label}: share of promises kept", kept, all_of_them),
    )


def _asked() -> tuple[dict[str, Any], ...]:
    """What customers thought: on average, how many were satisfied (4 or 5), and how many of those asked answered."""
    answered = {"attribute": "csat_score", "operator": "HAS_PROPERTY"}
    satisfied = {"attribute": "csat_score", "operator": "GTE", "value": 4}

    def counted(name: str, label: str, test: dict[str, Any], at: str) -> dict[str, Any]:
        dimensions = {"dimensions": ["csat_agent", "priority"], "time": _at(at)}
        return {"name": name, "label": label, "measure": _COUNT, "filter": test, **dimensions}

    return (
        _average("csat_average", "Satisfaction: average", "csat_score", "csat_at", "csat_agent", "priority"),
        counted("csat_answers", "Satisfaction: answers", answered, "csat_at"),
        counted("csat_satisfied", "Satisfaction: satisfied customers", satisfied, "csat_at"),
        _share("csat_share", "Satisfaction: share of satisfied customers", "csat_satisfied", "csat_answers"),
        counted(
            "csat_asked",
            "Satisfaction: asked",
            {"attribute": "csat_asked_at", "operator": "HAS_PROPERTY"},
            "csat_asked_at",
        ),
        counted("csat_responses", "Satisfaction: answered of those asked", answered, "csat_asked_at"),
        _share("csat_response_rate", "Satisfaction: response rate", "csat_responses", "csat_asked"),
    )


METRICS = {
    "ticket": (
        {
            "name": "ticket_backlog",
            "label": "Open tickets",
            "measure": _COUNT,
            "filter": _OPEN,
            "dimensions": [*_WHOSE, "status"],
            "time": _at("opened_at"),
        },
        {
            "name": "tickets_created",
            "label": "Tickets created",
            "measure": _COUNT,
            "dimensions": ["source", "priority"],
            "time": _at("opened_at"),
        },
        {
            "name": "tickets_closed",
            "label": "Tickets closed",
            "measure": _COUNT,
            "filter": _CLOSED,
            "dimensions": ["owner_id", "priority"],
            "time": _at("closed_at"),
        },
        {
            "name": "tickets_reopened",
            "label": "Tickets opened again",
            "measure": _COUNT,
            "filter": {"attribute": "reopened_count", "operator": "GT", "value": 0},
            "dimensions": ["owner_id"],
            "time": _at("opened_at"),
        },
        _average("time_to_first_reply", "Time to first reply", "time_to_first_reply", "opened_at", "priority"),
        _average("time_to_close", "Time to close", "time_to_close", "closed_at", "priority", "owner_id"),
        _average("first_response_time", "First response, business", "first_response_time", "opened_at", "priority"),
        _average("resolution_time", "Resolution, business", "resolution_time", "closed_at", "priority"),
        *_kept("first_response", "First response"),
        *_kept("resolution", "Resolution"),
        *_asked(),
    ),
}
