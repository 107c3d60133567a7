"""Work of a service that must not wait for the next round of maintenance: looked for every few seconds, done when due.

The bus process runs one thread for each, so that nobody does it twice at a time; it holds what the work needs between
rounds. A look is one statement over indexes: an idle system pays for that alone. Not for slow work with a ledger (see
`shared.service.work`), nor for what may wait (`Manifest.upkeep`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from shared.kernel.db import Connection, Database
from shared.kernel.errors import CrmError
from shared.kernel.telemetry import logger

PROMPT_SECONDS = 2.5
# After an error: what is away stays away for a while.
_PAUSE_SECONDS = 15.0
_log = logger("prompting")
Round = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Prompt:
    """due: whether there is anything to do, by one cheap statement. begin: makes a round of the work, for a process
    that goes on doing it; a round answers how much it did."""

    due: Callable[[Connection], bool]
    begin: Callable[[Database], Round]


def run_prompt(name: str, prompt: Prompt, database: Database, stop: threading.Event) -> None:
    """Look and work until `stop` is set. Whatever goes wrong is said, and tried again with everything made anew."""
    round_: Round | None = None
    pause = PROMPT_SECONDS
    while not stop.wait(pause):
        pause = PROMPT_SECONDS
        try:
            with database.connect() as connection:
                due = prompt.due(connection)
            if due:
                round_ = round_ or prompt.begin(database)
                round_()
        except CrmError as error:
            _log.warning("not done", work=name, error=error.message)
            round_, pause = None, _PAUSE_SECONDS
        except Exception as error:  # noqa: BLE001 (work may raise anything; the loop must outlive it and tell)
            _log.error("not done", work=name, error=f"{type(error).__name__}: {error}"[:500], exc_info=True)
            round_, pause = None, _PAUSE_SECONDS
