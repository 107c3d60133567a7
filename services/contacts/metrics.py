"""What reporting counts of contacts and companies from the start: growth, lifecycle, source, owner. Data only."""

from __future__ import annotations

from typing import Any

_TIME = {"attribute": "created_at", "time_zone": "UTC"}
_COUNT = {"kind": "count"}


def _counted(name: str, label: str, *dimensions: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "label": label, "measure": _COUNT, "dimensions": list(dimensions), "time": _TIME, **more}


METRICS = {
    "contact": (
        _counted("contacts", "Contacts", "lifecycle_stage", "traffic_source", "owner_id"),
        _counted("contacts_by_status", "Contacts by lead status", "lead_status", "country"),
        _counted(
            "customers",
            "Customers",
            "owner_id",
            "country",
            filter={"attribute": "lifecycle_stage", "operator": "EQ", "value": "customer"},
        ),
    ),
    "company": (
        _counted("companies", "Companies", "lifecycle_stage", "industry", "owner_id"),
        {
            "name": "company_revenue",
            "label": "Annual revenue of companies",
            "measure": {"kind": "sum", "attribute": "annual_revenue"},
            "dimensions": ["industry", "country"],
            "time": _TIME,
        },
    ),
}
