"""The answer of a batch in the wire dialect, whatever it was about."""

from __future__ import annotations

from typing import Any

from flask import Response

from shared.kernel import clock
from shared.service.web.operation import answer


def envelope(results: list[Any], errors: list[dict[str, Any]], started: str, status: int) -> Response:
    """The answer of a batch: 207 with the errors when there are any."""
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": started,
        "completedAt": clock.iso(clock.now()),
    }
    if not errors:
        return answer(body, status)
    return answer({**body, "numErrors": len(errors), "errors": errors}, 207)
