"""A person's erasure takes their activities and their timeline along; what is others' too is listed for review."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from shared.contracts.event import ERASED
from shared.service.erasure.secret import Secret
from tests.factories.searching import tables_with
from tests.integration.timeline.conftest import Desk, events
from tests.integration.timeline.test_deals import said, tell

REVIEW = "/api/v1/contacts/erasures/review"


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    monkeypatch.setattr(desk.runtime.erasure, "_secrets", lambda: [Secret.of("secret of tests")])


@pytest.fixture
def word() -> str:
    return f"w{uuid.uuid4().hex[:12]}"


@pytest.fixture
def ada(desk: Desk, word: str) -> int:
    return desk.make("contacts", first_name=word, email=f"{word}@example.com")


def erase(desk: Desk, ident: int) -> None:
    answer = desk.client().post("/crm/v3/objects/contacts/gdpr-delete", json={"objectId": str(ident)})
    assert answer.status_code == 204, answer.text


def found(desk: Desk, word: str) -> dict[str, list[str]]:
    with desk.db.connect() as connection:
        return tables_with(connection, [word])


def there(desk: Desk, kind: str, ident: int) -> bool:
    return any(
        desk.client().get(f"/api/v1/objects/{kind}/{ident}?archived={one}").status_code == 200
        for one in ("false", "true")
    )


def reviews(desk: Desk, **asked: Any) -> list[tuple[str, str]]:
    page = desk.client().get(REVIEW, query_string=asked).get_json()["results"]
    return [(one["erased"]["id"], one["entity"]["id"]) for one in page]


def test_what_is_theirs_alone_goes_at_once(desk: Desk, ada: int, word: str) -> None:
    firm = desk.make("companies", name="Engines")
    mine = desk.activity("notes", ("contacts", ada), ("companies", firm), body=f"about {word}")
    archived = desk.activity("calls", ("contacts", ada), title=f"rang {word}")
    desk.client().delete(f"/api/v1/objects/calls/{archived}")
    desk.change("contacts", ada, city=f"{word} city")
    desk.link("contacts", ada, "companies", firm)
    desk.catch_up()
    assert desk.values("companies", firm, "activity_count") == [1]
    assert found(desk, word) != {}
    erase(desk, ada)
    assert found(desk, word) == {}, "before any event was heard"
    assert not there(desk, "notes", mine)
    assert not there(desk, "calls", archived)
    assert desk.client().get(f"/api/v1/timeline/contact/{ada}").status_code == 404
    gone = {(one.entity_type, one.entity_id) for one in events(desk.runtime.feed) if one.kind == ERASED}
    assert {("contact", ada), ("note", mine), ("call", archived)} <= gone
    desk.catch_up()
    assert desk.kinds("company", firm) == ["created"]
    assert desk.values("companies", firm, "activity_count", "last_activity_at") == [0, None]
    assert found(desk, word) == {}


def test_what_is_others_too_stays_and_is_listed(desk: Desk, ada: int) -> None:
    other = desk.make("contacts", first_name="Other")
    both = desk.activity("meetings", ("contacts", ada), ("contacts", other), title="Both")
    desk.catch_up()
    erase(desk, ada)
    desk.catch_up()
    assert there(desk, "meetings", both)
    assert "meeting" in desk.kinds("contact", other)
    assert (str(ada), str(both)) in reviews(desk)
    (line,) = [one for one in desk.client().get(REVIEW).get_json()["results"] if one["entity"]["id"] == str(both)]
    assert line["entity"]["type"] == "meeting"
    for expected in (True, False):
        assert desk.post(f"{REVIEW}/{line['id']}/settle", {}) == {"settled": expected}
    assert (str(ada), str(both)) not in reviews(desk)
    assert (str(ada), str(both)) in reviews(desk, settled="true")
    assert desk.client().post(f"{REVIEW}/999999/settle", json={}).status_code == 404
    erase(desk, other)
    assert not there(desk, "meetings", both), "now it was theirs alone"
    assert (str(ada), str(both)) not in reviews(desk, settled="true")


def test_whoever_was_merged_into_them_is_the_same_person(desk: Desk, ada: int) -> None:
    other = desk.make("contacts", first_name="Other")
    both = desk.activity("notes", ("contacts", ada), ("contacts", other), body="Both")
    desk.post(f"/api/v1/objects/contacts/{ada}/merge", {"absorb": [str(other)]})
    desk.catch_up()
    erase(desk, other)
    assert not there(desk, "notes", both)
    assert desk.client().get(f"/api/v1/timeline/contact/{ada}").status_code == 404


def test_what_is_heard_late_brings_nothing_back(desk: Desk, ada: int, word: str) -> None:
    deal = desk.deal(name="Late")
    desk.catch_up()
    before = events(desk.runtime.feed, "contact")
    erase(desk, ada)
    desk.catch_up()
    tell(desk, said(("deal", deal), ("contact", ada)))
    tell(desk, *[one for one in before if one.entity_id == ada], source="contacts")
    assert [row for row in desk.rows() if ("contact", ada) in ((row[0], row[1]), (row[5], row[6]))] == []
    assert found(desk, word) == {}


def test_an_erasure_far_away_is_heard_through_the_log(desk: Desk, ada: int) -> None:
    deal = desk.deal(name="Gone")
    desk.catch_up()
    tell(desk, said(("deal", deal), ("contact", ada)))
    assert "deal" in {row[5] for row in desk.rows() if row[1] == ada}
    answer = desk.deals_client().post(f"/api/v1/objects/deals/{deal}/erase", json={})
    assert answer.status_code == 200, answer.text
    desk.catch_up()
    assert [row for row in desk.rows() if ("deal", deal) in ((row[0], row[1]), (row[5], row[6]))] == []


def test_rights(desk: Desk) -> None:
    asked = {"name": "t", "scopes": ["crm.objects.contacts.write"]}
    token = desk.system.client("workspace").post("/api/v1/tokens", json=asked).get_json()["token"]
    assert desk.client(token).get(REVIEW).status_code == 403
    assert desk.client(token).post(f"{REVIEW}/1/settle", json={}).status_code == 403
