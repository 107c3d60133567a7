"""Watching an import until nothing moves any more: a bar with rows, speed and what came of them.

The system may be restarted meanwhile: for a while, no answer is no end. Leaving changes nothing about the import.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.progress import TextColumn

from crm.api import ApiError, Unreachable
from crm.bars import bars
from crm.importing.job import BUSY, OUTCOMES, Imports, counts, part
from crm.session import Session
from shared.kernel.clock import monotonic

EVERY = 0.25
PATIENCE = 180.0
_AWAY = frozenset({500, 502, 503, 504})


def watch(session: Session, ident: str, *, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """The import once it has come to rest. Raises ApiError, and Unreachable after PATIENCE seconds without answer."""
    imports = Imports(session.api)
    told = TextColumn("{task.fields[told]}")
    with bars(session, told, remaining=True) as progress:
        task = progress.add_task("import", total=None, told="")
        heard = monotonic()
        while True:
            try:
                body = imports.get(ident)
            except (Unreachable, ApiError) as error:
                if (isinstance(error, ApiError) and error.status not in _AWAY) or monotonic() - heard > PATIENCE:
                    raise
                progress.update(task, told="waiting for the system")
                sleep(4 * EVERY)
                continue
            heard = monotonic()
            phase, found = part(body), counts(body)
            progress.update(task, description=str(body["state"]), total=phase.get("rows") or None, told=_told(found))
            progress.update(task, completed=phase.get("done", body["file"]["rows"]))
            if body["state"] not in BUSY:
                return body
            sleep(EVERY)


def _told(found: Mapping[str, int]) -> str:
    return ", ".join(f"{found[name]:,} {name}" for name in OUTCOMES if found[name])
