"""Ways to reach another service's feed: over HTTP, as every running system does, or directly, as tests do.

Both answer decoded pages and raise FeedGone when the place asked for is lost, Unavailable when trying again may help.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Protocol

import httpx

from shared.bus.cursor import FeedGone
from shared.bus.feed import MAX_WAIT, Feed
from shared.bus.page import Page, decode_page
from shared.kernel.certificates import trusted
from shared.kernel.errors import Unavailable
from shared.kernel.json import JsonError, loads


class Source(Protocol):
    """Where pages come from."""

    def fetch(
        self, service: str, after: str, *, types: Iterable[str] | None, limit: int, wait: float, reader: str | None
    ) -> Page:
        """One page of a service's feed, see `Feed.read`."""


class HttpSource:
    """Feeds over HTTP. `url_of` gives a service's address; the token needs the scope crm.feed.read. Thread-safe."""

    def __init__(self, url_of: Callable[[str], str], token: str, client: httpx.Client | None = None) -> None:
        self._url_of = url_of
        self._headers = {"Authorization": f"Bearer {token}"}
        self._given = client

    @cached_property
    def _client(self) -> httpx.Client:
        """Made when it is needed: reading the certificates costs every process that starts more than the rest of it."""
        return self._given or httpx.Client(verify=trusted())

    def fetch(
        self, service: str, after: str, *, types: Iterable[str] | None, limit: int, wait: float, reader: str | None
    ) -> Page:
        """One page; raises FeedGone, Unavailable (also on a refused token: it may be granted later)."""
        query = {"after": after, "limit": str(limit), "wait": f"{wait:g}"}
        if types is not None:
            query["types"] = ",".join(sorted(types))
        if reader is not None:
            query["reader"] = reader
        url = f"{self._url_of(service).rstrip('/')}/api/v1/{service}/changes"
        timeout = httpx.Timeout(10.0, connect=2.0, read=min(wait, MAX_WAIT) + 10.0)
        try:
            answer = self._client.get(url, params=query, headers=self._headers, timeout=timeout)
        except httpx.HTTPError as error:
            raise Unavailable(f"the feed of {service} cannot be reached: {type(error).__name__}") from error
        if answer.status_code == httpx.codes.GONE:
            raise FeedGone(f"the feed of {service} no longer has what follows")
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(f"the feed of {service} answered {answer.status_code}")
        try:
            document = loads(answer.content)
        except JsonError as error:
            raise Unavailable(f"the feed of {service} answered no JSON") from error
        return decode_page(document)

    def close(self) -> None:
        """Close kept connections."""
        if "_client" in self.__dict__:
            self._client.close()


class DirectSource:
    """Feeds of databases at hand, without HTTP: for tests. What runs, one process or many, pulls by HttpSource."""

    def __init__(self, feeds: Mapping[str, Feed]) -> None:
        self._feeds = feeds

    def fetch(
        self, service: str, after: str, *, types: Iterable[str] | None, limit: int, wait: float, reader: str | None
    ) -> Page:
        """One page; raises FeedGone, Unavailable."""
        feed = self._feeds.get(service)
        if feed is None:
            raise Unavailable(f"no feed of {service} in this process")
        return feed.read(after, types=types, limit=limit, wait=wait, reader=reader).page()
