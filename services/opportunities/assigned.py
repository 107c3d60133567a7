"""What is given out by itself: new deals, by the rules that people make. Data only."""

from __future__ import annotations

from collections.abc import Mapping

from shared.service.assignment import Assigned

# A deal without a stage is not closed either.
ASSIGNED: Mapping[str, Assigned] = {
    "deal": Assigned(open={"not": {"attribute": "is_closed", "operator": "EQ", "value": True}})
}
