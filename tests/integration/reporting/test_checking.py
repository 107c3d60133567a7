"""Damage on either side is found, named and mended; writes on their way are not taken for damage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.bus.account import accounts
from shared.service.replica.catalogs import KnownType
from shared.service.replica.checking import Means, Outcome, check
from shared.service.replica.comparing import their_entities
from shared.service.replica.takeover import State, take_over
from tests.integration.reporting.conftest import Reporting
from tests.integration.reporting.test_projections import assert_exact, held, metrics, work  # noqa: F401

pytestmark = pytest.mark.usefixtures("metrics")


@pytest.fixture(autouse=True)
def some(reporting: Reporting) -> None:
    work(reporting, 7, 25)
    reporting.catch_up()


def checked(reporting: Reporting, **more: Any) -> Outcome:
    web: Any = reporting.system.client("contacts")
    reread, settle = more.pop("reread", False), more.pop("settle", reporting.catch_up)
    project = reporting.projections.project
    means = Means(reporting.db, lambda path: web.get(path).json, settle, project=project, **more)
    return check(means, reporting.projections.catalogs, "contacts", reread=reread)


def told(outcome: Outcome) -> list[tuple[int, str]]:
    return [(one.id, one.why) for one in outcome.differences]


def their_state(reporting: Reporting, ident: int) -> tuple[KnownType, State]:
    web: Any = reporting.system.client("contacts")
    with reporting.db.connect() as connection:
        known = reporting.projections.catalogs.types(connection).type("company")
    return known, their_entities(known, lambda path: web.get(path).json, ident - 1, ident)[ident].told


def one_of(reporting: Reporting) -> int:
    """The id of a live company."""
    return next(ident for ident, (_, archived, _) in sorted(held(reporting).items()) if not archived)


def damage(reporting: Reporting, sql: str, ident: int) -> None:
    with reporting.db.transaction() as connection:
        known = reporting.projections.catalogs.types(connection).type("company")
        assert connection.run(sql, {"no": known.no, "id": ident}) == 1


FACT = "where type_no = %(no)s and id = %(id)s"


def test_what_is_the_same_is_found_the_same(reporting: Reporting) -> None:
    outcome = checked(reporting)
    assert told(outcome) == []
    assert outcome.entities == sum(1 for _, archived, _ in held(reporting).values() if not archived)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (f'update fact set values = values || \'{{"99": "x"}}\' {FACT}', "damaged here"),
        (f"update fact set checksum = checksum # 1 {FACT}", "damaged here"),
        (f"delete from fact {FACT}", "missing here"),
        (f"update fact set archived = true {FACT}", "damaged here"),
        (f"update fact set version = version + 1 {FACT}", "damaged here"),
    ],
)
def test_damage_here_is_found_and_mended(reporting: Reporting, sql: str, why: str) -> None:
    ident = one_of(reporting)
    damage(reporting, sql, ident)
    assert told(checked(reporting, reread=True)) == [(ident, why)]
    assert checked(reporting, mend=True, reread=True).repaired == 1
    assert told(checked(reporting, reread=True)) == []
    assert_exact(reporting)


def test_an_archived_one_that_came_back_to_life_is_found(reporting: Reporting) -> None:
    ident = next(ident for ident, (_, archived, _) in sorted(held(reporting).items()) if archived)
    damage(reporting, f"update fact set archived = false {FACT}", ident)
    assert told(checked(reporting, mend=True)) == [(ident, "damaged here")]
    damage(reporting, f"delete from fact {FACT}", ident)
    assert told(checked(reporting, mend=True)) == [(ident, "missing here")]
    assert told(checked(reporting)) == []
    assert_exact(reporting)


def test_a_source_that_was_put_back_takes_what_came_later_along(reporting: Reporting) -> None:
    """As after a restore: the log here knows versions that are none any more."""
    ident = one_of(reporting)
    web = reporting.system.client("contacts")
    for status in ("OPEN", "NEW", "OPEN"):
        web.patch(f"/api/v1/objects/companies/{ident}", json={"values": {"lead_status": status}})
    reporting.catch_up()
    known, state = their_state(reporting, ident)
    back = replace(state, version=state.version - 2)
    with reporting.db.transaction() as connection:
        take_over(connection, known, [back], ident - 1, ident)
        top = "select max(version) from fact_version where type_no = %s and id = %s"
        assert connection.row(top, (known.no, ident)) == (back.version,)
        take_over(connection, known, [state], ident - 1, ident)
    assert told(checked(reporting)) == []


def test_the_erased_are_no_ghosts(reporting: Reporting) -> None:
    web: Any = reporting.system.client("contacts")
    erased = int(web.post("/api/v1/objects/companies", json={"values": {"name": "erased"}}).json["id"])
    reporting.catch_up()
    assert web.post(f"/api/v1/objects/companies/{erased}/erase", json={}).status_code < 300
    reporting.catch_up()
    assert told(checked(reporting)) == []
    ident = one_of(reporting)
    damage(reporting, f"update fact set checksum = checksum # 1 {FACT}", ident)
    assert told(checked(reporting, mend=True)) == [(ident, "damaged here")]
    damage(reporting, f"delete from fact {FACT}", erased)  # for those who compare every fact


def test_what_was_given_up_here_is_older_and_is_brought_to_the_present(reporting: Reporting) -> None:
    """As if events had been skipped: nothing is in flight, so that another version is a difference."""
    ident = one_of(reporting)
    web: Any = reporting.system.client("contacts")
    for status in ("OPEN", "NEW"):
        sent = web.patch(f"/api/v1/objects/companies/{ident}", json={"values": {"lead_status": status}})
        assert sent.status_code == 200
    made = web.post("/api/v1/objects/companies", json={"values": {"name": "never heard of"}}).json["id"]

    def passed_over(connection: Any, events: Any) -> None:
        some = [one for one in events if one.entity_id not in (ident, int(made))]
        reporting.projections.apply(connection, "contacts", some)

    reporting.catch_up(handler=passed_over)
    assert set(told(checked(reporting))) == {(ident, "older here"), (int(made), "missing here")}
    outcome = checked(reporting, mend=True)
    assert (outcome.repaired, outcome.unproven) == (2, [])
    assert told(checked(reporting)) == []
    assert_exact(reporting)
    web.patch(f"/api/v1/objects/companies/{ident}", json={"values": {"lead_status": "OPEN"}})
    reporting.catch_up()
    assert_exact(reporting)


def test_a_ghost_here_is_found_and_taken_out(reporting: Reporting) -> None:
    ghost = """insert into fact (type_no, id, version, archived, at, checksum, values)
        select type_no, 5555555, 1, false, at, 1, '{}' from fact where type_no = %(no)s and id = %(id)s"""
    damage(reporting, ghost, one_of(reporting))
    assert told(checked(reporting)) == [(5555555, "missing there")]
    assert checked(reporting, mend=True).repaired == 1
    assert told(checked(reporting)) == []
    assert_exact(reporting)


def test_damage_there_is_named_and_not_taken_over(reporting: Reporting) -> None:
    ident = one_of(reporting)
    live = reporting.contacts.catalog.type("company")
    table = f"eav_entity_{live.table}"
    with reporting.contacts.db.connect() as connection:
        connection.run(f"update {table} set checksum = checksum # 4096 where id = %s", (ident,))
    outcome = checked(reporting, mend=True)
    assert (told(outcome), outcome.repaired) == ([(ident, "damaged there")], 0)
    with reporting.contacts.db.connect() as connection:
        connection.run(f"update {table} set checksum = checksum # 4096 where id = %s", (ident,))
    assert told(checked(reporting)) == []


def test_a_value_damaged_there_under_its_checksum_is_seen_when_it_is_read_again(reporting: Reporting) -> None:
    ident = one_of(reporting)
    live = reporting.contacts.catalog.type("company")
    # All small letters: then the slot alone holds the value.
    web = reporting.system.client("contacts")
    assert web.patch(f"/api/v1/objects/companies/{ident}", json={"values": {"name": "sound"}}).status_code == 200
    reporting.catch_up()
    column = reporting.contacts.catalog.type("company").attributes["name"].column
    with reporting.contacts.db.connect() as connection:
        [(before,)] = connection.rows(f"select {column} from eav_entity_{live.table} where id = %s", (ident,))
        connection.run(f"update eav_entity_{live.table} set {column} = 'flipped' where id = %s", (ident,))
    assert told(checked(reporting)) == []
    assert told(checked(reporting, reread=True)) == [(ident, "damaged there")]
    with reporting.contacts.db.connect() as connection:
        connection.run(f"update eav_entity_{live.table} set {column} = %s where id = %s", (before, ident))
    assert told(checked(reporting, reread=True)) == []


def test_writes_on_their_way_are_no_damage(reporting: Reporting) -> None:
    work(reporting, 8, 15)
    assert told(checked(reporting)) == []
    work(reporting, 9, 15)

    def settle_and_write() -> None:
        reporting.catch_up()
        work(reporting, 10, 10)

    outcome = checked(reporting, settle=settle_and_write)
    assert told(outcome) == []


def test_the_account_of_each_log_balances(reporting: Reporting) -> None:
    with reporting.db.connect() as connection:
        balance = {one.source: one for one in accounts(connection) if one.subscription == "reporting.contacts"}
    assert balance["contacts"].balanced
    assert balance["contacts"].told > 25
