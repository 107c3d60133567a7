"""The guards of the event path, each taken away: whoever runs with one of these must be caught being wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping

MUTANTS: Mapping[str, Callable[[], None]] = {}
