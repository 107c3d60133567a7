"""A hundred thousand links on one record, walked through the doors: every page costs the same, nothing is left out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories.counting import own
from tests.integration.service.conftest import System

COUNT, PAGE = 100_000, 500
FILL = f"""
with people as (
    insert into {{table}} (id, version, created_at, updated_at, recorded_at, created_by, source, checksum)
    select nextval('eav_entity_id'), 1, now, now, now, 'test', 'API', 0
    from generate_series(1, {COUNT}), (select timezone('utc', clock_timestamp()) as now) clock returning id)
insert into eav_link (relation, from_id, to_id, since, clock)
select r.relation, case when r.relation = 280 then %(firm)s else p.id end,
    case when r.relation = 280 then p.id else %(firm)s end, timezone('utc', clock_timestamp()), 1
from people p cross join (values (279), (280)) r(relation)
"""


@pytest.fixture(scope="module")
def firm(system: System) -> str:
    """The id of a company with many contacts."""
    web, runtime = system.client("contacts"), system.runtime("contacts")
    made: str = web.post("/crm/v3/objects/companies", json={"properties": {"name": "Big"}}).json["id"]
    table = f"eav_entity_{runtime.catalog.type('contact').table}"
    with runtime.db.transaction() as connection:
        connection.run(FILL.format(table=table), {"firm": int(made)})
    with runtime.db.connect() as connection:
        connection.run(f"analyze {table}, eav_link")
    return made


def test_every_page_of_a_walk(system: System, firm: str) -> None:
    web, runtime = system.client("contacts"), system.runtime("contacts")
    path: str | None = f"/crm/v4/objects/companies/{firm}/associations/contacts?limit={PAGE}"
    seen: list[int] = []
    counts = set()
    web.get(path)  # the catalog and the relations are looked up once
    while path:
        with runtime.db.counted() as statements:
            page = web.get(path)
        assert page.status_code == 200, page.text
        counts.add(len(own(statements)))
        seen += [one["toObjectId"] for one in page.json["results"]]
        following: Any = page.json.get("paging")
        path = following["next"]["link"].removeprefix(runtime.settings.base_url) if following else None
    assert len(seen) == len(set(seen)) == COUNT
    assert seen == sorted(seen)
    assert counts == {1}


def test_other_views_show_a_part_and_where_the_rest_is(system: System, firm: str) -> None:
    web = system.client("contacts")
    record = web.get(f"/crm/v3/objects/companies/{firm}?associations=contacts").json
    shown = record["associations"]["contacts"]
    assert len(shown["results"]) == PAGE
    rest = web.get(shown["paging"]["next"]["link"].removeprefix(system.runtime("contacts").settings.base_url)).json
    assert int(rest["results"][0]["id"]) > int(shown["results"][-1]["id"])
    batch = web.post("/crm/v4/associations/companies/contacts/batch/read", json={"inputs": [{"id": firm}]}).json
    assert len(batch["results"][0]["to"]) == PAGE
    native = web.get(f"/api/v1/objects/company/{firm}/links/contact?limit=200").json
    assert (len(native["results"]), int(native["next_cursor"]) > 0) == (200, True)
