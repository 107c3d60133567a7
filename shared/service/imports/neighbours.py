"""Asking workspace whom a text means: owners by e-mail address or whole name, users by e-mail address, teams by name.

Answers are kept in the process for a while; what was not found is asked again. Only for workers.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

import httpx

from shared.kernel.clock import monotonic
from shared.kernel.config import Settings
from shared.kernel.errors import Unavailable
from shared.kernel.json import JsonError, dumps, loads
from shared.service.imports.targets import Found

_PLURALS = {"owner": "owners", "user": "users", "team": "teams"}
_KEPT_SECONDS = 60.0
_PAGE = 50
_LARGEST_PAGE = 200
_SECONDS = 10.0

_known: dict[tuple[str, str], tuple[float, tuple[int, ...]]] = {}
_lock = threading.Lock()


def named_ids(settings: Settings, entity_type: str, texts: Iterable[str]) -> Found:
    """Text -> ids. Raises Unavailable when workspace cannot be asked; {} for types that nobody is known by."""
    if entity_type not in _PLURALS:
        return {}
    wanted = {text: text.strip().casefold() for text in texts}
    found = {word: ids for word in set(wanted.values()) if (ids := _kept(entity_type, word))}
    asked: dict[str, list[str]] = {}
    for word in sorted(set(wanted.values()) - found.keys()):
        asked.setdefault(_told_by(entity_type, word), []).append(word)
    for attribute, words in asked.items():
        for start in range(0, len(words), _PAGE):
            found |= _ask(settings, entity_type, attribute, words[start : start + _PAGE])
    return {text: found[word] for text, word in wanted.items() if word in found}


def _told_by(entity_type: str, word: str) -> str:
    """The attribute by which a word names entities of a type."""
    return "email" if entity_type == "user" or (entity_type == "owner" and "@" in word) else "name"


def _kept(entity_type: str, word: str) -> tuple[int, ...]:
    with _lock:
        until, ids = _known.get((entity_type, word), (0.0, ()))
    return ids if until > monotonic() else ()


def _ask(settings: Settings, entity_type: str, attribute: str, words: list[str]) -> Found:
    plural = _PLURALS[entity_type]
    token = settings.service_token.get_secret_value() if settings.service_token else ""
    question = {
        "filter": {"attribute": attribute, "operator": "IN", "values": words},
        "attributes": [attribute],
        # Names need not be unique; of two the second is enough to know.
        "limit": _LARGEST_PAGE,
        "total": "none",
    }
    try:
        answer = httpx.post(
            f"{settings.workspace}/api/v1/objects/{plural}/query",
            content=dumps(question),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            timeout=_SECONDS,
        )
        answer.raise_for_status()
        results = loads(answer.content)["results"]
    except (httpx.HTTPError, JsonError, KeyError) as error:
        raise Unavailable(f"workspace cannot be asked for {plural}: {type(error).__name__}") from error
    found: Found = {}
    for one in results:
        word = str(one["values"].get(attribute) or "").casefold()
        found[word] = (*found.get(word, ()), int(one["id"]))
    with _lock:
        for word, ids in found.items():
            _known[entity_type, word] = (monotonic() + _KEPT_SECONDS, ids)
    return found
