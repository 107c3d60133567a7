"""Feeds reached over HTTP, or not reached."""

from __future__ import annotations

import json

import httpx
import pytest

from shared.bus.client import DirectSource, HttpSource
from shared.bus.consumer import pull_once
from shared.bus.cursor import FeedGone
from shared.bus.epoch import renew_epoch
from shared.bus.feed import Feed
from shared.kernel.errors import Unavailable
from shared.kernel.json import dumps
from tests.integration.bus.conftest import event, following, seen, write


class Door:
    """The feed's HTTP door, without HTTP."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        query = dict(request.url.params)
        types = query["types"].split(",") if "types" in query else None
        try:
            page = self.feed.read(
                query["after"],
                types=types,
                limit=int(query["limit"]),
                wait=float(query["wait"]),
                reader=query["reader"],
            )
        except FeedGone as gone:
            return httpx.Response(410, content=dumps({"category": gone.category}))
        return httpx.Response(200, content=dumps(page.document()))


def over_http(handler) -> HttpSource:
    return HttpSource(lambda service: "http://crm.test/", "t0ken", httpx.Client(transport=httpx.MockTransport(handler)))


def test_over_http(database, here):
    door = Door(Feed(database))
    source = over_http(door)
    write(database, event(1, changed={"7": [None, "Zoë"]}), event(2, entity_type="deal"))
    assert pull_once(here, source, following(types=frozenset({"contact"}))) == 1
    assert pull_once(here, source, following(types=frozenset({"contact"}))) == 0
    assert seen(here) == [1]
    first = door.requests[0]
    assert first.url.path == "/api/v1/contacts/changes"
    assert dict(first.url.params) == {
        "after": "origin",
        "limit": "500",
        "wait": "0",
        "types": "contact",
        "reader": "test.contacts",
    }
    assert first.headers["Authorization"] == "Bearer t0ken"
    with database.connect() as connection:
        renew_epoch(connection)
    with pytest.raises(FeedGone):
        pull_once(here, source, following())
    source.close()


def _unreachable(request):
    raise httpx.ConnectError("no")


@pytest.mark.parametrize(
    "handler",
    [
        _unreachable,
        lambda request: httpx.Response(500),
        lambda request: httpx.Response(401, content=json.dumps({})),
        lambda request: httpx.Response(200, text="<html>"),
    ],
)
def test_a_feed_that_does_not_answer_well_is_unavailable(here, handler):
    with pytest.raises(Unavailable):
        pull_once(here, over_http(handler), following())
    assert seen(here) == []


def test_a_process_without_that_feed_says_so(here):
    with pytest.raises(Unavailable):
        pull_once(here, DirectSource({}), following())
