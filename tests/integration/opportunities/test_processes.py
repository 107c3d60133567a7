"""What one process does is known to the others: currencies, what they are worth, and pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from services.opportunities.handlers import follower
from services.opportunities.manifest import MANIFEST
from services.opportunities.pipelines import PIPELINES
from services.opportunities.rules import RULES
from shared.contracts.event import from_document
from shared.service.app import build_app
from shared.service.entities import DomainJudge
from shared.service.home import Home
from shared.service.runtime import Runtime
from shared.service.work.running import work
from tests.factories.processes import ANYBODY, processes
from tests.integration.opportunities.conftest import Service
from tests.integration.opportunities.test_sums import line

RATES = "/api/v1/opportunities/rates"


@pytest.fixture(scope="module")
def start(service: Service) -> Iterator[Callable[[], Runtime]]:
    """Starts further processes."""
    with processes(service.runtime) as made:
        yield made


def told(service: Service) -> int:
    """Where the log ends."""
    with service.runtime.db.connect() as connection:
        row = connection.row("select coalesce(max(id), 0) from outbox")
    assert row is not None
    return int(row[0])


def hear(service: Service, home: Home, since: int) -> None:
    """Apply what was told behind a place."""
    with service.runtime.db.transaction() as connection:
        rows = connection.rows("select body from outbox where id > %(since)s order by id", {"since": since})
        follower(home).handler(connection, [from_document(body) for (body,) in rows])


def test_deals_in_a_currency_just_made_are_valued(service: Service, start: Callable[[], Runtime]) -> None:
    runtime, since = start(), told(service)
    definitions = service.runtime.definitions
    known = definitions.attribute(ANYBODY, "deal", "currency").options
    gold = replace(known[0], id=0, value="XAU", label="Gold", detail={})
    definitions.change_attribute(ANYBODY, "deal", "currency", {"options": (*known, gold)})
    deal = service.deal(name="A", amount=2, currency="XAU")["id"]
    rates = [{"currency": "XAU", "since": "2020-01-01", "rate": 10}]
    assert service.client.put(RATES, json={"rates": rates}).status_code == 200
    hear(service, Home.of(service.runtime.db, judge=DomainJudge(RULES, PIPELINES)), since)
    work(runtime, MANIFEST.work)
    assert service.read(deal)["values"]["amount_in_home_currency"] == 20


def test_sums_are_in_the_home_currency_of_now(service: Service, start: Callable[[], Runtime]) -> None:
    deal = service.deal(name="A", amount_source="line_items")["id"]
    line(service, deal, currency="SEK")
    runtime, since = start(), told(service)
    rates = [{"currency": "EUR", "since": "2020-01-01", "rate": 10}]
    assert service.client.put(RATES, json={"home": "SEK", "rates": rates}).status_code == 200
    line(service, deal, currency="SEK")
    hear(service, Home(runtime.engine, judge=DomainJudge(RULES, PIPELINES)), since)
    assert service.read(deal)["values"]["amount"] == 40


def test_forecasts_of_a_pipeline_just_made(service: Service) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("OPPORTUNITIES_DATABASE_URL", service.runtime.db.url)
        app = build_app(MANIFEST, service.runtime.settings)
    app.extensions["crm"].catalog.refresh()
    stages = [{"label": "Begun", "metadata": {"probability": "0.5"}}]
    pipeline = service.pipeline("Renewals", stages)["id"]
    headers = {"Authorization": service.client.environ_base["HTTP_AUTHORIZATION"]}
    answer = app.test_client().get(
        f"/api/v1/opportunities/forecast?from=2026-04-01&to=2026-07-01&pipeline={pipeline}", headers=headers
    )
    assert answer.status_code == 200, answer.text
    app.extensions["crm"].db.dispose()
