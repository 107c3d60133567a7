"""What stands in a timeline: activities, changes, lifecycle, links, merges; filtered, paged, and as rights allow."""

from __future__ import annotations

import pytest

from services.contacts.timeline.answering import Timelines
from services.contacts.timeline.reading import Wanted
from shared.eav.declare import AttributeDef
from shared.service.home import Home
from tests.factories.processes import ANYBODY, processes
from tests.integration.timeline.conftest import WHEN, Desk


@pytest.fixture
def ada(desk: Desk) -> int:
    return desk.make("contacts", first_name="Ada", lifecycle_stage="lead")


def token(desk: Desk, *scopes: str) -> str:
    """A token that may do no more, known to contacts."""
    made = desk.system.client("workspace").post("/api/v1/tokens", json={"name": "t", "scopes": list(scopes)})
    assert made.status_code == 201, made.text
    return str(made.get_json()["token"])


def test_a_history_begins_with_its_creation(desk: Desk, ada: int) -> None:
    desk.catch_up()
    (line,) = desk.read("contact", ada)["results"]
    assert (line["kind"], line["service"], line["source"]) == ("created", "contacts", "API")
    assert line["at"] == line["recorded_at"]
    assert line["changes"] == [
        {"attribute": "lifecycle_stage", "label": "Lifecycle stage", "old": None, "new": "lead", "new_label": "Lead"}
    ]


def test_changes_and_lifecycle_moves_are_lines_of_their_own(desk: Desk, ada: int) -> None:
    desk.change("contacts", ada, lifecycle_stage="customer", city="Paris")
    desk.catch_up()
    found = {one["kind"]: one for one in desk.read("contact", ada)["results"]}
    assert set(found) == {"created", "changed", "lifecycle"}
    changed, lifecycle = found["changed"], found["lifecycle"]
    assert changed["changes"] == [{"attribute": "city", "label": "City", "old": None, "new": "Paris"}]
    assert [lifecycle["changes"][0][one] for one in ("old", "new")] == ["lead", "customer"]


def test_an_activity_stands_when_it_happened_with_everyone_it_is_linked_to(desk: Desk, ada: int) -> None:
    firm = desk.make("companies", name="Engines")
    note = desk.activity("notes", ("contacts", ada), ("companies", firm), body="<b>Wants</b> two")
    desk.catch_up()
    for kind, ident in (("contact", ada), ("company", firm)):
        (line,) = desk.read(kind, ident, kinds="note")["results"]
        assert line["at"] == WHEN
        assert line["recorded_at"] > WHEN
        assert line["entity"] == {"type": "note", "id": str(note)}
        assert line["data"] == {"title": "Wants two"}
    desk.change("notes", note, occurs_at="2026-04-01T00:00:00.000Z", body="Wants three")
    desk.unlink("notes", note, "companies", firm)
    desk.catch_up()
    (line,) = desk.read("contact", ada, kinds="activity")["results"]
    assert (line["at"], line["data"]) == ("2026-04-01T00:00:00.000Z", {"title": "Wants three"})
    assert desk.kinds("company", firm, kinds="activity") == []
    desk.client().delete(f"/api/v1/objects/notes/{note}")
    desk.catch_up()
    assert desk.kinds("contact", ada, kinds="activity") == []
    desk.client().post(f"/api/v1/objects/notes/{note}/restore")
    desk.catch_up()
    assert desk.kinds("contact", ada, kinds="activity") == ["note"]


def test_links_made_and_undone_stand_on_both_sides(desk: Desk, ada: int) -> None:
    firm = desk.make("companies", name="Engines")
    desk.link("contacts", ada, "companies", firm)
    desk.unlink("companies", firm, "contacts", ada)
    desk.catch_up()
    found = desk.read("contact", ada)["results"]
    about = {"type": "company", "id": str(firm), "values": {"name": "Engines", "domain": None}}
    assert [(one["kind"], one.get("entity")) for one in found[:2]] == [("unlinked", about), ("linked", about)]
    assert desk.kinds("company", firm) == ["unlinked", "linked", "created"]


def test_the_absorbed_ones_history_is_the_survivors_until_it_is_undone(desk: Desk, ada: int) -> None:
    other = desk.make("contacts", first_name="A.")
    desk.activity("calls", ("contacts", other), title="Rang")
    merged = desk.post(f"/api/v1/objects/contacts/{ada}/merge", {"absorb": [str(other)]})
    desk.catch_up()
    found = desk.read("contact", ada)["results"]
    assert sorted(one["kind"] for one in found) == ["call", "created", "created", "merged"]
    assert next(one for one in found if one["kind"] == "merged")["data"] == {"ids": [str(other)]}
    assert desk.read("contact", other)["results"] == found
    assert merged["id"] == str(ada)
    undone = desk.client().post(f"/api/v1/objects/contacts/{ada}/unmerge", json={})
    assert undone.status_code == 200, undone.text
    desk.catch_up()
    assert desk.kinds("contact", other) == ["created", "call"]
    assert sorted(desk.kinds("contact", ada)) == ["created", "merged", "unmerged"]


def test_effective_instants_order_it(desk: Desk) -> None:
    past = {"values": {"first_name": "Old"}, "effective_at": "2020-01-01T00:00:00.000Z"}
    old = int(desk.post("/api/v1/objects/contacts", past)["id"])
    desk.catch_up()
    (line,) = desk.read("contact", old)["results"]
    assert line["at"] == "2020-01-01T00:00:00.000Z"
    assert line["recorded_at"] > "2026"


def test_pages_lead_to_the_end_without_gaps(desk: Desk, ada: int) -> None:
    for n in range(7):
        desk.activity("notes", ("contacts", ada), body=f"{n}")
    desk.catch_up()
    seen, cursor = [], None
    while True:
        page = desk.read("contact", ada, limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [one.get("data", {}).get("title") for one in page["results"]]
        cursor = page.get("next_cursor")
        if cursor is None:
            break
    assert seen == [None, *(str(n) for n in reversed(range(7)))]
    whole = desk.read("contact", ada, limit=8)
    assert "next_cursor" not in whole
    assert len(whole["results"]) == 8


def test_filters(desk: Desk, ada: int) -> None:
    desk.activity("notes", ("contacts", ada), body="n")
    desk.activity("calls", ("contacts", ada), title="c", occurs_at="2026-05-01T00:00:00.000Z")
    desk.change("contacts", ada, city="Paris")
    desk.catch_up()
    assert desk.kinds("contact", ada, kinds="note,call") == ["call", "note"]
    assert desk.kinds("contact", ada, since="2026-03-02", until="2026-05-01T00:00:00Z") == ["note"]
    assert sorted(
        desk.kinds("contact", ada, actor=desk.read("contact", ada, kinds="created")["results"][0]["actor"])
    ) == [
        "changed",
        "created",
    ]
    assert desk.kinds("contact", ada, actor="nobody") == []


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"kinds": "notes"}, "kinds"),
        ({"since": "soon"}, "since"),
        ({"until": "2026-13-01"}, "until"),
        ({"cursor": "x"}, "cursor"),
        ({"limit": "0"}, "limit"),
    ],
)
def test_what_cannot_be_asked_is_refused(desk: Desk, ada: int, asked: dict[str, str], name: str) -> None:
    answer = desk.client().get(f"/api/v1/timeline/contact/{ada}", query_string=asked)
    assert answer.status_code == 400
    assert name in answer.text


def test_whose_timeline(desk: Desk, ada: int) -> None:
    note = desk.activity("notes")
    assert desk.client().get(f"/api/v1/timeline/note/{note}").status_code == 400
    assert desk.client().get("/api/v1/timeline/contact/999999").status_code == 404
    assert desk.client().get("/api/v1/timeline/contact/x").status_code == 404
    assert desk.client().get("/api/v1/timeline/deal/999999").status_code == 404
    assert desk.client().get("/api/v1/timeline/nothing/1").status_code == 404
    desk.catch_up()
    desk.client().delete(f"/api/v1/objects/contacts/{ada}")
    desk.catch_up()
    assert desk.kinds("contacts", ada) == ["archived", "created"]


def test_lines_about_types_one_may_not_read_are_left_out_and_that_is_said(desk: Desk, ada: int) -> None:
    firm = desk.make("companies", name="Engines")
    desk.link("contacts", ada, "companies", firm)
    desk.activity("notes", ("contacts", ada), body="n")
    desk.catch_up()
    some = token(desk, "crm.objects.contacts.read", "crm.objects.companies.read")
    found = desk.read("contact", ada, token=some)
    assert [one["kind"] for one in found["results"]] == ["linked", "created"]
    assert found["left_out"] == [{"type": "note", "scope": "crm.objects.notes.read"}]
    found = desk.read("contact", ada, token=some, kinds="linked")
    assert "left_out" not in found, "nothing that was asked for"
    none = token(desk, "crm.objects.companies.read")
    assert desk.client(none).get(f"/api/v1/timeline/contact/{ada}").status_code == 403


def test_long_texts_are_cut(desk: Desk, ada: int) -> None:
    desk.change("contacts", ada, message="x" * 5000)
    desk.catch_up()
    (line,) = desk.read("contact", ada, kinds="changed")["results"]
    assert len(line["changes"][0]["new"]) == 200


def test_changes_of_an_attribute_just_made_are_told_by_its_name(desk: Desk, ada: int) -> None:
    with processes(desk.runtime) as start:
        elsewhere = start()
        desk.runtime.definitions.add_attributes(ANYBODY, "contact", [AttributeDef("hat", "Hat", "string")])
        desk.change("contacts", ada, hat="Bowler")
        desk.catch_up()
        line = Timelines(Home(elsewhere.engine)).read(ANYBODY, "contact", ada, Wanted(limit=1)).results[0]
    assert line["changes"] == [{"attribute": "hat", "label": "Hat", "old": None, "new": "Bowler"}]
