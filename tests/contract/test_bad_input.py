"""Whatever is sent, the answer is the right 4xx in the error shape that clients parse; never a 5xx, never HTML."""

from __future__ import annotations

import json
from http.client import HTTPConnection

import httpx
import pytest

from tests.contract.bad_inputs import CASES, CONTACTS, SEARCH, Case


def send(http: httpx.Client, case: Case) -> httpx.Response:
    if case.raw is not None:
        return http.request(case.method, case.path, content=case.raw, headers={"Content-Type": case.kind})
    if case.body is None:
        return http.request(case.method, case.path)
    return http.request(case.method, case.path, json=case.body)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_refused_in_the_right_shape(http: httpx.Client, case: Case) -> None:
    answer = send(http, case)
    assert answer.status_code == case.status, answer.text[:1000]
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body["status"] == "error"
    assert body["category"] == case.category
    assert body["message"]
    assert len(body["correlationId"]) >= 8
    assert body["correlationId"] == answer.headers["X-Correlation-Id"]
    codes = {one.get("code") for one in body.get("errors", [])}
    assert codes.issuperset(case.codes), body
    if case.status == 400 and case.codes:
        assert all(one["message"] and one["context"] for one in body["errors"])


def test_wrong_values_are_told_in_the_words_clients_parse(http: httpx.Client) -> None:
    body = http.post(CONTACTS, json={"properties": {"email": "no address", "nothing": "1"}}).json()
    beginning, _, listed = body["message"].partition(": ")
    assert beginning == "Property values were not valid"
    parsed = json.loads(listed)
    assert {one["name"] for one in parsed} == {"email", "nothing"}
    assert all(one["isValid"] is False and one["portalId"] and one["localizedErrorMessage"] for one in parsed)
    assert {one["error"] for one in parsed} == {"INVALID_EMAIL", "PROPERTY_DOESNT_EXIST"}
    assert [one["context"]["propertyName"] for one in body["errors"]] == [[one["name"]] for one in parsed]


def test_a_misspelt_name_comes_with_the_nearest(http: httpx.Client) -> None:
    body = http.post(SEARCH, json={"filters": [{"propertyName": "frstname", "operator": "HAS_PROPERTY"}]}).json()
    assert "firstname" in body["message"]


@pytest.mark.parametrize(("length", "status"), [(16_000, 200), (70_000, 414)])
def test_long_addresses(http: httpx.Client, length: int, status: int) -> None:
    connection = HTTPConnection(http.base_url.host, http.base_url.port)
    path = f"{CONTACTS}?limit=1&properties={'x' * length}"
    connection.request("GET", path, headers={"Authorization": http.headers["Authorization"]})
    answer = connection.getresponse()
    assert answer.status == status
    assert answer.getheader("Content-Type") == "application/json"
    assert ("category" in json.loads(answer.read())) is (status == 414)
    connection.close()


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nobody-knows-this"}, {"Authorization": "Basic eDp5"}])
def test_strangers(http: httpx.Client, header: dict[str, str]) -> None:
    answer = httpx.get(f"{http.base_url}{CONTACTS}", headers=header, trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["category"] == "INVALID_AUTHENTICATION"


STRANGE = [
    "Ünïcödé 漢字 العربية עברית 👩‍👩‍👧 ",
    "' OR 1=1 --",
    '"; DROP TABLE x; --',
    "%s %(x)s {0} ${y} \\x00",
    "<script>alert(1)</script>",
    "a\nb\tc\r\n",
    "\u202eright to left",
    "ﬁ ﬃ İ ı ß",
    " leading and trailing ",
    "x" * 5000,
]


@pytest.mark.parametrize("text", STRANGE, ids=ascii)
def test_strange_texts_come_back_as_they_were(http: httpx.Client, text: str) -> None:
    made = http.post(CONTACTS, json={"properties": {"firstname": text, "message": text}})
    assert made.status_code == 201, made.text
    read = http.get(f"{CONTACTS}/{made.json()['id']}?properties=firstname&properties=message").json()["properties"]
    assert (read["firstname"], read["message"]) == (text, text)
    found = http.post(SEARCH, json={"filters": [{"propertyName": "firstname", "operator": "EQ", "value": text}]})
    assert made.json()["id"] in {one["id"] for one in found.json()["results"]} or found.json()["total"] > 10
    assert http.post(SEARCH, json={"query": text[:1000]}).status_code == 200
