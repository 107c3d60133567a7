"""Deals follow rates that are put in after they were written."""

from __future__ import annotations

from typing import Any

from services.opportunities.commands import revaluing
from services.opportunities.handlers import follower
from services.opportunities.manifest import MANIFEST
from services.opportunities.pipelines import PIPELINES
from services.opportunities.rules import RULES
from shared.bus.client import DirectSource
from shared.bus.consumer import pull
from shared.contracts.event import from_document
from shared.kernel.context import SYSTEM, Context
from shared.service.entities import DomainJudge, Draft, View
from shared.service.home import Home
from shared.service.work import ledger
from shared.service.work.running import work
from tests.integration.opportunities.conftest import Service

RATES = "/api/v1/opportunities/rates"
_LAST = "select body from outbox where kind = 'catalog.attribute' order by id desc limit 1"


class Following:
    """The service follows its own log, and does the work."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._follower = follower(Home.of(service.runtime.db, judge=DomainJudge(RULES, PIPELINES)))

    def __call__(self) -> dict[str, Any]:
        """How far it came."""
        log = DirectSource({"opportunities": self._service.runtime.feed})
        while pull(self._service.runtime.db, log, self._follower).behind:
            pass
        work(self._service.runtime, MANIFEST.work)
        return dict(self._service.client.get(f"{RATES}/revaluation").json)


def put(service: Service, since: str, rate: float | None) -> None:
    answer = service.client.put(RATES, json={"rates": [{"currency": "SEK", "since": since, "rate": rate}]})
    assert answer.status_code == 200, answer.text


def test_deals_follow_rates_that_are_put_in_later(service: Service):
    """Those whose day a rate is in force on, each once, with an event; done again it changes nothing."""
    offer = {"stage": "contractsent", "currency": "SEK"}
    early = service.deal("2026-01-10T00:00:00Z", name="early", amount=100, **offer)["id"]
    late = service.deal("2026-01-10T00:00:00Z", name="late", amount=50, **offer)["id"]
    service.write(late, at="2026-03-10T00:00:00Z", amount=100)
    service.write(late, at="2026-05-10T00:00:00Z", next_step="Call")
    won = service.deal("2026-01-10T00:00:00Z", name="won", amount=100, **offer)["id"]
    service.write(won, at="2026-03-20T00:00:00Z", stage="closedwon")
    before = service.deal("2026-01-10T00:00:00Z", name="before", amount=100, currency="SEK", stage="closedwon")["id"]
    bare = service.deal("2026-01-10T00:00:00Z", name="bare", currency="SEK")["id"]
    work_off = Following(service)
    assert work_off()["state"] == "none"

    def worth(ident: str) -> Any:
        values = service.read(ident)["values"]
        return values["exchange_rate"], values["amount_in_home_currency"], values["closed_amount"]

    def versions() -> list[int]:
        return [service.read(one)["version"] for one in (early, late, won, before, bare)]

    assert {worth(one) for one in (early, late, won, before)} == {(None, None, None)}
    at_first = versions()
    put(service, "2026-03-01", 0.1)
    done = work_off()
    assert (done["state"], done["currencies"], done["deals"], done["looked_at"], done["changed"]) == (
        "done",
        ["SEK"],
        5,
        5,
        2,
    )
    assert [worth(one) for one in (early, late, won, before)] == [
        (None, None, None),
        (0.1, 10, None),
        (0.1, 10, 10),
        (None, None, None),
    ]
    assert service.read(late)["values"]["forecast_amount"] == 9
    put(service, "2026-01-01", 0.2)
    assert work_off()["changed"] == 2
    assert [worth(one)[0] for one in (early, late, won, before)] == [0.2, 0.1, 0.1, 0.2]
    assert [after - first for after, first in zip(versions(), at_first, strict=True)] == [1, 1, 1, 1, 0]
    put(service, "2026-03-01", None)
    put(service, "2026-03-01", 0.1)
    done = work_off()
    assert (done["state"], done["changed"]) == ("done", 0)
    with service.runtime.db.connect() as connection:
        told = connection.rows(
            "select count(*) from outbox where kind = 'entity.updated' and entity_id = any(%(ids)s::bigint[])"
            " and body->>'source' = 'CALCULATED'",
            {"ids": [early, late, won, before, bare]},
        )
    assert told == [(4,)]


def test_one_huge_deal_does_not_hold_up_the_others(service: Service):
    """What an attribute cannot hold in home currency is unknown."""
    offer = {"stage": "contractsent", "currency": "DKK"}
    deals = [
        service.deal("2026-01-10T00:00:00Z", name="h", amount=one, **offer)["id"] for one in ("9" * 38, "9" * 30, 5)
    ]
    rates = [{"currency": "DKK", "since": "2026-01-01", "rate": 10}]
    assert service.client.put(RATES, json={"rates": rates}).status_code == 200
    assert Following(service)()["state"] == "done"
    worths = [service.read(one)["values"]["amount_in_home_currency"] for one in deals]
    assert worths == [None, int("9" * 30 + "0"), 50]


def test_finding_and_valuing_deals_takes_a_constant_number_of_statements(service: Service):
    """However many deals a chunk holds."""

    def counted(count: int, rate: float) -> list[int]:
        drafts = [Draft({"name": "S", "amount": 10, "currency": "NOK"}) for _ in range(count)]
        service.runtime.entities.create(Context(SYSTEM), "deal", drafts, View(attributes=()))
        rates = [{"currency": "NOK", "since": "2020-01-01", "rate": rate}]
        assert service.client.put(RATES, json={"rates": rates}).status_code == 200
        with service.runtime.db.transaction() as connection:
            revaluing.hear(connection, [from_document(body) for (body,) in connection.rows(_LAST)])
        numbers = []
        while (claim := ledger.claim(service.runtime.db)) is not None:
            with service.runtime.db.counted() as statements:
                revaluing.Revalue().run(service.runtime, claim)
            numbers.append(len(statements))
        return numbers

    counted(1, 0.1)
    assert counted(1, 0.2) == counted(30, 0.3)
