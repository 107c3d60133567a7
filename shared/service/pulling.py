"""Bringing a replica up to this moment before something unknown is refused: rarely, and together with all who wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from shared.kernel.clock import monotonic
from shared.kernel.errors import CrmError
from shared.kernel.telemetry import logger

_SECONDS_BETWEEN_PULLS = 0.2
_log = logger("pulling")


class Pulling:
    """One replica's pull, shared by all threads. `what` names it in the log."""

    def __init__(self, what: str, pull: Callable[[], None]) -> None:
        self._what = what
        self._pull = pull
        self._lock = threading.Lock()
        self._pulled_at = 0.0

    def fresh(self) -> bool:
        """Bring the replica up to this moment; False when the other side is away.

        Who asks during a pause waits for its end, and all who waited share the one pull that began after they asked:
        what was made a moment ago is never refused, and made-up ids cost the other side a few questions a second.
        """
        asked = monotonic()
        with self._lock:
            if self._pulled_at > asked:
                return True
            time.sleep(max(0.0, self._pulled_at + _SECONDS_BETWEEN_PULLS - monotonic()))
            began = monotonic()
            try:
                self._pull()
            except CrmError as error:
                _log.warning("a replica could not be asked for", replica=self._what, error=error.category)
                return False
            self._pulled_at = began
            return True
