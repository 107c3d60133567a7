"""Structured logs as JSON lines, without secrets or personal values.

Log names, ids, counts and durations; never attribute values, tokens or request bodies.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

import structlog

from shared.kernel.context import current
from shared.kernel.json import dumps

_CHATTY = ("alembic", "httpx", "httpcore")
_SECRET_WORDS = ("token", "password", "secret", "authorization", "cookie", "database_url", "redis_url")


def _add_context(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = current.get()
    if context is not None:
        event.setdefault("correlation_id", context.correlation)
        event.setdefault("actor", context.actor.id)
    return event


@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in _SECRET_WORDS)


def _rendered(event: MutableMapping[str, Any], **_settings: Any) -> str:
    """One line of JSON; what is not JSON by nature is shown as text."""
    try:
        return dumps(event).decode()
    except TypeError:
        return dumps({key: str(value) for key, value in event.items()}).decode()


def _drop_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event:
        if _is_secret(key):
            event[key] = "[hidden]"
    return event


def configure(level: str = "INFO") -> None:
    """Set up logging of this process; called once by a process's entry point."""
    logging.basicConfig(stream=sys.stderr, level=level, format="%(message)s")
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            _add_context,
            _drop_secrets,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(_rendered),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def logger(name: str) -> Any:
    """A logger whose lines carry `component=name`, correlation id and actor. It binds late: make it at import time."""
    return structlog.get_logger(component=name)
