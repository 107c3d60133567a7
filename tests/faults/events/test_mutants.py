"""Each guard of the event path is needed: without it, the same seed that passes with it goes wrong."""

from __future__ import annotations

from typing import Any

import pytest

from services.reporting.domain.definitions import read_definition
from services.reporting.metrics import store
from tests.faults.events.metrics import EARLY
from tests.faults.events.mutants import MUTANTS
from tests.faults.events.simulation import Sides, Simulation
from tests.integration.reporting.conftest import Reporting, reporting, system  # noqa: F401 (fixtures)

SEEDS = {
    "chain": 1,
    "messages": 1,
    "watermark": 1,
    "version": 15,
    "snapshots": 1,
    "order": 6,
    "horizon": 1,
}
"""A seed on which each mutant is caught."""
MORE = (2, 3, 19)


@pytest.fixture(scope="module")
def sides(reporting: Reporting) -> Sides:  # noqa: F811
    """Contacts' log, reporting's database with metrics that nothing has been counted for."""
    reporting.catch_up()
    web = reporting.system.client("contacts")
    with reporting.db.transaction() as connection:
        for raw in EARLY[:2]:
            made = store.insert(connection, read_definition({**raw, "dimensions": ["lead_status", "city"]}), "test", 0)
            store.finish(connection, made)
    return Sides(reporting.contacts.db, reporting.db, lambda: web.get("/api/v1/contacts/catalog").json)


@pytest.mark.parametrize("seed", sorted({*SEEDS.values(), *MORE}))
def test_with_all_guards_everything_is_right(sides: Sides, seed: int) -> None:
    assert Simulation(sides, seed).run() == {}


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_without_a_guard_something_is_wrong(sides: Sides, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = Simulation(sides, SEEDS[name])
    MUTANTS[name](monkeypatch.setattr)
    wrong: Any = simulation.run()
    assert wrong, f"nobody noticed that {name} is gone"
