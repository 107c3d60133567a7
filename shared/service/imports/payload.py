"""Fetching the cells of a chunk from the service that took the file."""

from __future__ import annotations

from functools import lru_cache

import httpx

from shared.kernel.certificates import trusted
from shared.kernel.config import Settings
from shared.kernel.errors import Unavailable
from shared.kernel.json import JsonError, loads
from shared.service.work.running import JobProblem

Line = tuple[int, list[str | None]]
_SECONDS = 30.0
_FOR_GOOD = frozenset({httpx.codes.NOT_FOUND, httpx.codes.GONE})


@lru_cache(maxsize=8)
def _client(base: str) -> httpx.Client:
    """Kept, since a worker asks again and again."""
    return httpx.Client(base_url=base, timeout=httpx.Timeout(_SECONDS, connect=2.0), verify=trusted())


def fetch(settings: Settings, job: int, chunk: int) -> list[Line]:
    """The (line number, cells) of a chunk. Raises Unavailable, and JobProblem when it is gone for good."""
    token = settings.service_token.get_secret_value() if settings.service_token else ""
    try:
        answer = _client(settings.workspace).get(
            f"/api/v1/imports/{job}/chunks/{chunk}", headers={"Authorization": f"Bearer {token}"}
        )
    except httpx.HTTPError as error:
        raise Unavailable(f"the file cannot be fetched: {type(error).__name__}") from error
    if answer.status_code in _FOR_GOOD:
        raise JobProblem(f"chunk {chunk} of the file is gone")
    if answer.status_code != httpx.codes.OK:
        raise Unavailable(f"the file cannot be fetched: {answer.status_code}")
    return parse(answer.content)


def parse(body: bytes) -> list[Line]:
    """The lines of a payload; raises Unavailable for a body that was cut off."""
    try:
        listed = [loads(line) for line in body.split(b"\n") if line]
        return [(int(number), cells) for number, cells in listed]
    except (JsonError, ValueError, TypeError) as error:
        raise Unavailable("the file came broken") from error
