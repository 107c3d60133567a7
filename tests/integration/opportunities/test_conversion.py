"""A lead becomes one deal, however often and from however many sides that is asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.opportunities.conftest import DEALS, Service

PATH = "/api/v1/opportunities/convert"


def convert(service: Service, status: int, **body: Any) -> Any:
    answer = service.client.post(PATH, json=body)
    assert answer.status_code == status, answer.text
    return answer.json


def test_a_lead_becomes_one_deal(service: Service):
    body = {"contact": "501", "company": "601", "values": {"name": "Machines", "stage": "qualifiedtobuy"}}
    made = convert(service, 201, **body)
    again = convert(service, 200, **{**body, "values": {"name": "Other"}})
    assert (again["id"], again["version"], again["values"]["name"]) == (made["id"], 1, "Machines")
    assert service.read(made["id"])["values"]["converted_from"] == "contact/501"
    other = convert(service, 201, **body, key="second")
    assert other["id"] != made["id"]
    for kind, ident in (("contacts", "501"), ("companies", "601")):
        found = service.client.get(f"{DEALS}/{made['id']}/links/{kind}").json["results"]
        assert [str(one["id"]) for one in found] == [ident], kind


def test_many_at_once_make_one_deal(service: Service):
    def ask(_: int) -> tuple[int, str]:
        client = service.client.application.test_client()
        client.environ_base.update(service.client.environ_base)
        answer = client.post(PATH, json={"contact": "502", "values": {"name": "Race"}})
        return answer.status_code, answer.json["id"]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(12)))
    assert len({ident for _, ident in found}) == 1
    assert sorted(status for status, _ in found) == [200] * 11 + [201]


@pytest.mark.parametrize(
    "body",
    [{}, {"contact": "x"}, {"contact": "1", "values": []}, {"contact": "1", "values": {"converted_from": "me"}}],
)
def test_what_cannot_be_converted(service: Service, body: dict[str, Any]):
    convert(service, 400, **body)
