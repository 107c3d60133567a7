"""The pages for a browser: who may look, what is shown, and that what people typed stays text."""

from __future__ import annotations

import base64
import re
from html import unescape
from typing import Any

import pytest

from shared.service.jobs import work_off
from tests.integration.reporting.conftest import ADMIN, Reporting

EVIL = "<script>alert(1)</script>&'\""


@pytest.fixture(scope="module")
def web(reporting: Reporting) -> Any:
    contacts = reporting.system.client("contacts")
    for city, revenue in ((EVIL, "10"), ("Wien", "30"), (None, "-5")):
        made = contacts.post("/api/v1/objects/companies", json={"values": {"city": city, "annual_revenue": revenue}})
        assert made.status_code == 201
    reporting.catch_up()
    body = {"name": "turnover", "label": EVIL, "entity_type": "company", "dimensions": ["city"]}
    measure = {"kind": "sum", "attribute": "annual_revenue"}
    assert reporting.client().post("/reporting/v1/metrics", json={**body, "measure": measure}).status_code == 201
    while work_off(reporting.app.extensions["crm"]):
        pass
    made = reporting.app.test_client()
    made.environ_base["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(f"me:{ADMIN}".encode()).decode()
    return made


def test_a_browser_is_asked_for_a_token(reporting: Reporting) -> None:
    plain = reporting.app.test_client()
    for header in ({}, {"Authorization": "Basic ???"}, {"Authorization": "Basic bWU6d3Jvbmc="}):
        found = plain.get("/reporting/", headers=header)
        assert found.status_code == 401
        assert found.headers["WWW-Authenticate"].startswith("Basic ")


def test_every_metric_with_bars_and_freshness(web: Any) -> None:
    page = web.get("/reporting/").text
    assert "<script>" not in page
    assert EVIL in unescape(page)
    assert page.count('class="number"') == 3
    assert "complete up to 20" in page
    assert 'class="minus" style="width: 17%"' in page


def test_what_is_not_there_is_said(web: Any) -> None:
    page = web.get(f"/reporting/?metric={EVIL}").text
    assert "There is no metric" in page
    assert "<script>" not in page
    assert "There is no metric" not in web.get("/reporting/?metric=turnover&by=city").text
    assert "by: " in unescape(web.get("/reporting/?metric=turnover&by=nothing").text)


def test_every_number_leads_to_its_entities(web: Any) -> None:
    links = [
        unescape(one) for one in re.findall(r'<a href="(/reporting/explanation[^"]+)"', web.get("/reporting/").text)
    ]
    assert len(links) == 3
    for link in links:
        page = web.get(link)
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert page.text.count("company ") == 1


def test_two_dimensions_as_a_table(reporting: Reporting, web: Any) -> None:
    body = {"name": "crossed", "entity_type": "company", "dimensions": ["city", "annual_revenue"]}
    assert reporting.client().post("/reporting/v1/metrics", json=body).status_code == 201
    while work_off(reporting.app.extensions["crm"]):
        pass
    page = web.get("/reporting/?metric=crossed&by=city&across=annual_revenue").text
    table = next(one for one in page.split("<h2>") if one.startswith("crossed"))
    assert "<script>" not in page
    heads = re.findall(r'<th class="number">([^<]*)</th>', table)
    assert heads == ["-5", "10", "30", "total"]
    links = [unescape(one) for one in re.findall(r'<td class="number"><a href="([^"]+)">', table)]
    assert len(links) == (3 + 1) * (3 + 1), "every number, with the totals of rows and columns"
    found = [web.get(one).text.count("company ") for one in links]
    assert sum(found) == 3 * 4, "each entity once in its cell, its row, its column, and in all"
    assert (found[-1], found[-4:-1]) == (3, [1, 1, 1])
    crossed = web.get("/reporting/?metric=crossed&by=city&across=city")
    assert (crossed.status_code, "is among the rows" in crossed.text) == (200, True)


def test_rights_decide_what_is_shown(reporting: Reporting, web: Any) -> None:
    assert web.get("/reporting/explanation?metric=nothing").status_code == 404
