"""Links that were lost or made up on either side are found, named and mended; metrics by them are right afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from shared.service.replica.link_checking import LinkMeans, LinkOutcome, check_links
from tests.integration.reporting.conftest import Reporting
from tests.integration.reporting.test_projections import define

AHEAD, BACK = 279, 280
METRIC = {"name": "by_industry", "entity_type": "contact", "dimensions": ["company.industry"]}


@pytest.fixture(scope="module")
def pair(reporting: Reporting) -> tuple[int, int]:
    """A contact and the company that it is linked to, in a metric by the company's industry."""
    web: Any = reporting.system.client("contacts")
    reporting.catch_up()
    metric = define(reporting, METRIC)
    made = []
    for kind, values in (("contacts", {"city": "Wien"}), ("companies", {"industry": "RETAIL"})):
        made.append(int(web.post(f"/api/v1/objects/{kind}", json={"values": values}).json["id"]))
    assert web.put(f"/api/v1/objects/contacts/{made[0]}/links/companies/{made[1]}", json={}).status_code < 300
    reporting.catch_up()
    while reporting.fill(metric.id):
        pass
    return made[0], made[1]


def checked(reporting: Reporting, *, mend: bool = False) -> LinkOutcome:
    web: Any = reporting.system.client("contacts")
    asks = {"contacts": lambda path: web.get(path).json}
    means = LinkMeans(reporting.db, asks, lambda source: reporting.catch_up(source), mend, 0.0)
    return check_links(means, reporting.projections.catalogs)


def told(outcome: LinkOutcome) -> list[tuple[tuple[int, int, int], str]]:
    return [(one.link, one.why) for one in outcome.differences]


def run(database: Any, sql: str, link: tuple[int, int, int]) -> None:
    with database.connect() as connection:
        assert connection.run(sql, dict(zip(("r", "f", "t"), link, strict=True))) == 1


HERE = "delete from fact_link where relation = %(r)s and from_id = %(f)s and to_id = %(t)s"
THERE = HERE.replace("fact_link", "eav_link")


def test_what_is_the_same_is_found_the_same(reporting: Reporting, pair: tuple[int, int]) -> None:
    outcome = checked(reporting)
    assert (told(outcome), outcome.links >= 2) == ([], True)


def test_a_link_lost_here_is_found_and_comes_back(reporting: Reporting, pair: tuple[int, int]) -> None:
    lost = (AHEAD, *pair)
    run(reporting.db, HERE, lost)
    outcome = checked(reporting)
    assert told(outcome) == [(lost, "missing here")]
    assert outcome.differences[0].told == f"link 279 of contact {pair[0]} to company {pair[1]} is missing here"
    assert outcome.unproven == {AHEAD}
    mended = checked(reporting, mend=True)
    assert (mended.repaired, mended.unproven) == (1, set())
    assert told(checked(reporting)) == []
    assert reporting.client().post("/reporting/v1/metrics/by_industry/verify").json["wrong"] == []


def test_a_link_made_up_here_is_taken_out(reporting: Reporting, pair: tuple[int, int]) -> None:
    ghost = (AHEAD, pair[0], 99_999_999)
    run(reporting.db, "insert into fact_link (relation, from_id, to_id) values (%(r)s, %(f)s, %(t)s)", ghost)
    assert told(checked(reporting, mend=True)) == [(ghost, "missing there")]
    assert told(checked(reporting)) == []


def test_a_link_lost_there_in_one_direction_is_damage_there(reporting: Reporting, pair: tuple[int, int]) -> None:
    lost = (AHEAD, *pair)
    sql = "select since, clock from eav_link where relation = %s and from_id = %s and to_id = %s"
    with reporting.contacts.db.connect() as connection:
        [(since, clock)] = connection.rows(sql, lost)
    run(reporting.contacts.db, THERE, lost)
    outcome = checked(reporting, mend=True)
    assert (told(outcome), outcome.repaired, outcome.unproven) == ([(lost, "damaged there")], 0, {AHEAD})
    assert "damaged in contacts" in outcome.differences[0].told
    with reporting.contacts.db.connect() as connection:
        put = "insert into eav_link (relation, from_id, to_id, since, clock) values (%s, %s, %s, %s, %s)"
        connection.run(put, (*lost, since, clock))
    assert told(checked(reporting)) == []


def test_a_link_lost_there_for_good_is_named_and_the_copy_follows(reporting: Reporting, pair: tuple[int, int]) -> None:
    run(reporting.contacts.db, THERE, (AHEAD, *pair))
    run(reporting.contacts.db, THERE, (BACK, pair[1], pair[0]))
    outcome = checked(reporting, mend=True)
    assert {why for _, why in told(outcome)} == {"missing there"}
    assert outcome.repaired == len(outcome.differences)
    assert told(checked(reporting)) == []
