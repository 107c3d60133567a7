"""Reading outcomes of bulk calls, and saying what is meant."""

from __future__ import annotations

from collections.abc import Sequence

from shared.eav.bulk.items import BulkOutcome
from shared.eav.requests import Ref


def results(outcomes: Sequence[BulkOutcome]) -> list[str]:
    """What the items came to."""
    return [one.outcome for one in outcomes]


def codes(outcomes: Sequence[BulkOutcome]) -> list[list[str]]:
    """What was wrong with them."""
    return [[error.code for error in one.errors] for one in outcomes]


def by(attribute_name: str, value: object) -> Ref:
    """A reference by a value."""
    return Ref(attribute=attribute_name, value=value)  # type: ignore[arg-type]
