"""Deals given out in turn: by the door, and fairly from eight processes at once."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.opportunities.manifest import MANIFEST
from shared.kernel.context import SYSTEM, Context
from shared.service.assignment import Agent, Member
from shared.service.entities import Draft, Ref, View
from tests.integration.service.conftest import ADMIN, application

PROJECT = Path(__file__).parents[4]
PROCESSES, EACH = 8, 15
_OWNER = View("json", ("owner_id",))
OWNERS = (11, 12, 13, 14, 15, 16, 17)
BUSY, ROOM = 17, 5
_GIVING = """
import sys
from services.opportunities.manifest import MANIFEST
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Database
from shared.service.giving_out import giving_of
url, *deals = sys.argv[1:]
database = Database(url, pool_size=1)
giving = giving_of(MANIFEST, database)
giving.ready("deal")
sys.stdin.readline()
for deal in map(int, deals):
    with database.transaction() as connection:
        (given,) = giving.give(connection, "deal", {deal: "all"}, Context(SYSTEM), automatic=True)
    print(given.owner, flush=True)
"""


@pytest.fixture(scope="module")
def app(new_database: Callable[..., str], redis_url: str) -> Iterator[Any]:
    """The service; owners are taken on trust, for workspace cannot be asked."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = application(MANIFEST, new_database(MANIFEST), redis_url, monkeypatch)
    yield made
    made.extensions["crm"].db.dispose()


@pytest.fixture
def web(app: Any) -> Any:
    """A client of the native door."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ADMIN}"
    return client


def deal(web: Any) -> str:
    made = web.post("/api/v1/objects/deals", json={"values": {"name": "A"}})
    assert made.status_code == 201, made.text
    return str(made.json["id"])


def test_deals_go_round_by_weight(web: Any):
    members = [{"owner": "21", "weight": 2}, {"owner": "22"}, {"owner": "23", "weight": 0}]
    assert web.put("/api/v1/types/deals/pools/North", json={"members": members}).status_code == 200
    got = []
    for _ in range(6):
        answer = web.post(f"/api/v1/objects/deals/{deal(web)}/assign", json={"pool": "North"})
        assert answer.status_code == 200, answer.text
        got.append(str(answer.json["values"]["owner_id"]))
    assert Counter(got) == {"21": 4, "22": 2}
    (pool,) = [one for one in web.get("/api/v1/types/deals/pools").json["results"] if one["name"] == "North"]
    assert [(one["owner"], one["given"]) for one in pool["members"]] == [("21", 4), ("22", 2), ("23", 0)]


def test_a_turn_that_comes_to_nothing_is_given_back(web: Any):
    web.put("/api/v1/types/deals/pools/Once", json={"members": [{"owner": "31"}, {"owner": "32"}]})
    assert web.post("/api/v1/objects/deals/999999/assign", json={"pool": "Once"}).status_code == 404
    answer = web.post(f"/api/v1/objects/deals/{deal(web)}/assign", json={"pool": "Once"})
    assert str(answer.json["values"]["owner_id"]) == "31"
    assert web.post(f"/api/v1/objects/deals/{deal(web)}/assign", json={"pool": "None"}).status_code == 404
    assert web.delete("/api/v1/types/deals/pools/Once").status_code == 204


@pytest.mark.parametrize(
    "members", [[], [{"owner": "x"}], [{"owner": "1"}, {"owner": "1"}], [{"owner": "1", "weight": -1}], "all"]
)
def test_pools_that_cannot_be(web: Any, members: Any):
    assert web.put("/api/v1/types/deals/pools/Bad", json={"members": members}).status_code == 400


def test_line_items_have_no_owner_to_give(web: Any):
    assert web.put("/api/v1/types/line_items/pools/P", json={"members": [{"owner": "1"}]}).status_code == 400


def test_eight_processes_at_once_are_fair_and_overload_nobody(app: Any, web: Any):
    service = app.extensions["crm"]
    context = Context(SYSTEM)
    service.assignment.put(context, "deal", "all", [Member(one) for one in OWNERS])
    service.assignment.put_agent(context, "deal", Agent(BUSY, ROOM))
    made = service.entities.create(context, "deal", [Draft({"name": "A"})] * (PROCESSES * EACH), View())
    shares = [[str(one.id) for one in made[n::PROCESSES]] for n in range(PROCESSES)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _GIVING, service.db.url, *share],
            cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for share in shares
    ]  # fmt: skip
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    taken = [int(line) for one in running for line in one.communicate()[0].split()]
    assert [one.returncode for one in running] == [0] * PROCESSES
    got = Counter(taken)
    assert sum(got.values()) == PROCESSES * EACH
    assert got[BUSY] == ROOM
    others = [got[one] for one in OWNERS if one != BUSY]
    assert max(others) - min(others) <= 1
    assert {one.owner: one.given for one in service.assignment.pools(context, "deal")["all"]} == got
    owners = [
        one.values["owner_id"] for one in service.entities.read(context, "deal", [Ref(one.id) for one in made], _OWNER)
    ]
    assert Counter(int(one) for one in owners) == got, "turns and owners are one thing"
