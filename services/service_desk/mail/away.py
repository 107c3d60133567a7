"""Who was away a moment ago, in this process: whoever asks for the same one next need not wait for it, too.

Not for anything that must be remembered: it is a kindness to whatever else there is to do.
"""

from __future__ import annotations

import threading

from shared.kernel.clock import monotonic


class Away:
    """Neighbours that did not answer, for `seconds` each."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._noted: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def note(self, whom: str, why: str) -> None:
        """Somebody is away."""
        with self._lock:
            self._noted[whom] = (monotonic() + self._seconds, why)

    def why(self, whom: str) -> str | None:
        """Why nobody should try just now; None when somebody may."""
        with self._lock:
            until, why = self._noted.get(whom, (0.0, ""))
        return why if monotonic() < until else None

    def forget(self) -> None:
        """Everybody may be back (tests)."""
        with self._lock:
            self._noted.clear()
