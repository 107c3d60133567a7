"""Who asks, and what for: carried beside a request or a job through every floor.

Handed on explicitly to writes; the context variable serves logs and doors only.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from shared.kernel.clock import new_id


@dataclass(frozen=True, slots=True)
class Actor:
    """A token's owner. `scopes` are granted rights; the scope `*` grants all."""

    id: str
    name: str = ""
    scopes: frozenset[str] = frozenset()

    def may(self, scope: str) -> bool:
        """Whether one scope is granted."""
        return scope in self.scopes or "*" in self.scopes


SYSTEM = Actor("system", "system", frozenset({"*"}))


@dataclass(frozen=True, slots=True)
class Context:
    """One request's or job's circumstances, stamped on history rows and events.

    source: CODE such as API, IMPORT, CRM_UI; source_id: token id, job id; cause: the event or request it follows from;
    effective_at: the instant a write counts from when it is not now. door: the HTTP door it came by, `native` or
    `dialect`, "" for none: for rules that are stricter with some callers than with others.
    """

    actor: Actor = SYSTEM
    source: str = "API"
    source_id: str | None = None
    correlation: str = field(default_factory=new_id)
    cause: str | None = None
    effective_at: datetime | None = None
    door: str = ""


current: ContextVar[Context | None] = ContextVar("context", default=None)
