"""The metrics of a run: count, sum, and what only counted values can answer, over two dimensions each."""

from __future__ import annotations

from typing import Any

_COUNT: dict[str, Any] = {
    "name": "companies",
    "entity_type": "company",
    "measure": {"kind": "count"},
    "dimensions": ["lead_status", "city"],
}
_SUM: dict[str, Any] = {
    "name": "revenue",
    "entity_type": "company",
    "filter": {"attribute": "city", "operator": "HAS_PROPERTY"},
    "measure": {"kind": "sum", "attribute": "annual_revenue"},
    "dimensions": ["lead_status", {"name": "month", "attribute": "created_at", "bucket": "month"}],
}
_AVERAGE: dict[str, Any] = {
    "name": "revenue_by_place",
    "entity_type": "company",
    "measure": {"kind": "average", "attribute": "annual_revenue"},
    "dimensions": ["city", "number_of_employees"],
}
_HIGHEST: dict[str, Any] = {
    "name": "highest",
    "entity_type": "company",
    "measure": {"kind": "max", "attribute": "number_of_employees"},
    "dimensions": ["city", "lead_status"],
}
EARLY = (_COUNT, _SUM, _AVERAGE, _HIGHEST)
LATE = ({**_SUM, "name": "late_revenue"}, {**_COUNT, "name": "late_companies"})
