"""Versions and moves that were altered, lost or made up here are found, named, and fetched from the source."""

from __future__ import annotations

from typing import Any

import pytest

from shared.service.replica.tracing import Traces, check_past
from tests.integration.reporting.conftest import Reporting

OBJECTS = "/api/v1/objects/companies"
WHERE = "where type_no = %(no)s and id = %(id)s and version = %(version)s"


@pytest.fixture(scope="module")
def ident(reporting: Reporting) -> int:
    """A company of four versions: made, moved twice, and changed otherwise in between."""
    web: Any = reporting.system.client("contacts")
    made = web.post(OBJECTS, json={"values": {"lead_status": "NEW", "city": "Wien"}}).json["id"]
    for values in ({"lead_status": "OPEN"}, {"city": "Graz"}, {"lead_status": "CONNECTED"}):
        assert web.patch(f"{OBJECTS}/{made}", json={"values": values}).status_code == 200
    reporting.catch_up()
    return int(made)


def checked(reporting: Reporting, *, mend: bool = False) -> Traces:
    web: Any = reporting.system.client("contacts")
    catalogs = reporting.projections.catalogs
    return check_past(reporting.db, catalogs, "contacts", lambda path: web.get(path).json, mend=mend)


def kept(reporting: Reporting, ident: int) -> tuple[Any, Any]:
    with reporting.db.connect() as connection:
        no = reporting.projections.catalogs.types(connection).type("company").no
        versions = "select version, kind, at, effective_at, actor, changed from fact_version"
        moves = "select version, attribute_id, at, effective_at, old, new from fact_transition"
        where = "where type_no = %s and id = %s order by 1, 2"
        return [connection.rows(f"{sql} {where}", (no, ident)) for sql in (versions, moves)]  # type: ignore[return-value]


def damage(reporting: Reporting, sql: str, ident: int, version: int) -> None:
    with reporting.db.connect() as connection:
        no = reporting.projections.catalogs.types(connection).type("company").no
        assert connection.run(sql, {"no": no, "id": ident, "version": version}) >= 1


def test_what_is_whole_is_found_whole(reporting: Reporting, ident: int) -> None:
    assert checked(reporting) == Traces()


@pytest.mark.parametrize(
    ("sql", "version", "told"),
    [
        (f"update fact_version set changed = '{{}}' {WHERE}", 3, "version 3 of company {} is altered here"),
        (f"update fact_version set kind = 'entity.archived' {WHERE}", 2, "version 2 of company {} is altered here"),
        (
            f"update fact_version set effective_at = effective_at - interval '1 day' {WHERE}",
            2,
            "version 2 of company {} is altered here",
        ),
        (f"delete from fact_version {WHERE}", 1, "version 1 of company {} is missing here"),
        (f"delete from fact_version {WHERE}", 3, "version 3 of company {} is missing here"),
        (f"delete from fact_version {WHERE}", 4, "version 4 of company {} is missing here"),
        (
            f"delete from fact_transition {WHERE}",
            2,
            "the move of lead_status at version 2 of company {} is missing here",
        ),
        (
            f"update fact_transition set new = 'BAD_TIMING' {WHERE}",
            4,
            "the move of lead_status at version 4 of company {} is altered here",
        ),
        (
            f"update fact_transition set effective_at = effective_at - interval '1 day' {WHERE}",
            4,
            "the move of lead_status at version 4 of company {} is altered here",
        ),
    ],
)
def test_damage_is_named_and_mended(reporting: Reporting, ident: int, sql: str, version: int, told: str) -> None:
    before = kept(reporting, ident)
    damage(reporting, sql, ident, version)
    found = checked(reporting)
    assert told.format(ident) in [one.told for one in found.flaws]
    assert {one.id for one in found.flaws} == {ident}
    mended = checked(reporting, mend=True)
    assert mended.repaired == len(found.flaws)
    assert not any(one.beyond_repair for one in mended.flaws)
    assert checked(reporting) == Traces()
    assert kept(reporting, ident) == before


def test_versions_beyond_the_fact_go(reporting: Reporting, ident: int) -> None:
    before = kept(reporting, ident)
    more = f"""insert into fact_version (type_no, id, version, kind, at, effective_at, actor, changed)
        select type_no, id, 5, kind, at, effective_at, actor, changed from fact_version {WHERE}"""
    damage(reporting, more, ident, 4)
    assert "version 5 of company" in checked(reporting, mend=True).flaws[0].told
    assert checked(reporting) == Traces()
    assert kept(reporting, ident) == before


def test_what_the_source_no_longer_has_is_beyond_repair(reporting: Reporting, ident: int) -> None:
    web: Any = reporting.system.client("contacts")
    other = int(web.post(OBJECTS, json={"values": {"lead_status": "NEW"}}).json["id"])
    web.patch(f"{OBJECTS}/{other}", json={"values": {"lead_status": "OPEN"}})
    reporting.catch_up()
    assert web.post(f"{OBJECTS}/{other}/erase", json={}).status_code < 300
    reporting.catch_up()
    # What the erasure took out is no damage.
    assert checked(reporting) == Traces()
    damage(reporting, f"delete from fact_version {WHERE}", other, 2)
    found = checked(reporting, mend=True)
    assert found.repaired == 0
    assert [one.told for one in found.flaws] == [
        f"version 2 of company {other} is missing here; its source does not have that"
    ]


def test_versions_from_before_checksums_are_taken_as_they_are(reporting: Reporting, ident: int) -> None:
    damage(reporting, f"update fact_version set checksum = null {WHERE}", ident, 2)
    assert not [one for one in checked(reporting).flaws if one.id == ident]
    damage(reporting, f"update fact_version set actor = 'somebody' {WHERE}", ident, 2)
    assert [one.first for one in checked(reporting, mend=True).flaws if one.id == ident] == [2]
