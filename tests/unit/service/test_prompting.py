"""Work that does not wait for maintenance: looked for, done when due, and begun anew after an error."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from shared.kernel.errors import Unavailable
from shared.service import prompting
from shared.service.prompting import Prompt, run_prompt


class Nothing:
    """A database of which nobody asks anything."""

    def connect(self) -> Any:
        return nullcontext(None)


class Stop:
    """Says to stop after so many waits, and notes how long they were to be."""

    def __init__(self, rounds: int) -> None:
        self.left = rounds
        self.waits: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.left -= 1
        return self.left < 0


def test_nothing_is_begun_while_nothing_is_due() -> None:
    def begin(_database: Any) -> Any:
        raise AssertionError("nothing is due")

    stop = Stop(3)
    run_prompt("idle", Prompt(lambda _connection: False, begin), Nothing(), stop)  # type: ignore[arg-type]
    assert stop.waits == [prompting.PROMPT_SECONDS] * 4


@pytest.mark.parametrize("error", [Unavailable("away"), ValueError("broken")])
def test_what_is_due_is_done_and_an_error_begins_it_anew(error: Exception) -> None:
    begun: list[int] = []
    outcomes: list[Any] = [1, error, 2, 3]

    def begin(_database: Any) -> Any:
        begun.append(len(outcomes))

        def once() -> int:
            found = outcomes.pop(0)
            if isinstance(found, Exception):
                raise found
            return int(found)

        return once

    stop = Stop(4)
    run_prompt("busy", Prompt(lambda _connection: True, begin), Nothing(), stop)  # type: ignore[arg-type]
    assert (begun, outcomes) == ([4, 2], [])
    assert stop.waits[2] > prompting.PROMPT_SECONDS == stop.waits[1] == stop.waits[3]
