"""From events to lines: the same event makes the same lines; what is no news makes none."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from services.contacts.manifest import MANIFEST
from services.contacts.timeline.doors import OPERATIONS
from services.contacts.timeline.entries import entries_of, is_plain
from shared.contracts.event import ARCHIVED, CREATED, LINK, RESTORED, UPDATED, Event
from shared.service.web.openapi import build
from shared.service.web.openapi.examples import Subject

AT = datetime(2026, 3, 1, tzinfo=UTC)
PAST = datetime(2020, 1, 1, tzinfo=UTC)
LIVE: Any = SimpleNamespace(
    by_id={
        1: SimpleNamespace(name="city", read_only=False),
        2: SimpleNamespace(name="lifecycle_stage", read_only=False),
        3: SimpleNamespace(name="activity_count", read_only=True),
    }
)


def lines(*events: Event) -> list[Any]:
    return list(entries_of("contacts", lambda _: LIVE, events))


def link(start: tuple[str, str], end: tuple[str, str], relation: int, *, live: bool = True) -> Event:
    ends = {"from": {"type": start[0], "id": start[1]}, "to": {"type": end[0], "id": end[1]}}
    return Event(
        LINK, start[0], AT, 1, detail={**ends, "relation": relation, "live": live, "clock": "5", "origin": "x"}
    )


def test_an_import_is_where_a_line_comes_from() -> None:
    (one,) = lines(Event(CREATED, "contact", AT, 7, 1, PAST, "system", "IMPORT", "12", changed={"2": [None, "lead"]}))
    assert (one.kind, one.source, one.source_id) == ("created", "IMPORT", "12")
    assert (one.at, one.recorded_at) == (PAST, AT)
    assert one.data == {"changes": {"2": [None, "lead"]}}


def test_a_creation_shows_only_where_it_began() -> None:
    (one,) = lines(Event(CREATED, "contact", AT, 7, 1, changed={"1": [None, "Rome"]}))
    assert one.data == {}


def test_moves_are_apart_and_what_the_system_keeps_is_no_news() -> None:
    changed = {"1": ["Rome", "x" * 500], "2": ["lead", "customer"], "3": [1, 2]}
    found = {one.kind: one.data for one in lines(Event(UPDATED, "contact", AT, 7, 2, changed=changed))}
    assert set(found) == {"changed", "lifecycle"}
    assert found["lifecycle"] == {"changes": {"2": ["lead", "customer"]}}
    assert len(found["changed"]["changes"]["1"][1]) == 200
    assert lines(Event(UPDATED, "contact", AT, 7, 3, changed={"3": [1, 2]})) == []
    assert lines(Event(UPDATED, "note", AT, 7, 3, changed={"1": ["a", "b"]})) == []


@pytest.mark.parametrize("kind", [ARCHIVED, RESTORED])
def test_what_goes_or_comes_by_a_merge_is_told_by_the_survivor(kind: str) -> None:
    assert lines(Event(kind, "contact", AT, 7, 2, detail={"merge": "1", "survivor": "2"})) == []
    assert len(lines(Event(kind, "contact", AT, 7, 2))) == 1


def test_a_link_makes_the_same_lines_from_either_side() -> None:
    ahead = lines(link(("contact", "1"), ("company", "2"), 279))
    back = lines(link(("company", "2"), ("contact", "1"), 280))
    told = {(one.subject_type, one.subject_id, one.key, one.kind, one.ref_type, one.ref_id) for one in ahead}
    assert told == {(one.subject_type, one.subject_id, one.key, one.kind, one.ref_type, one.ref_id) for one in back}
    assert {(one.subject_type, one.ref_type) for one in ahead} == {("contact", "company"), ("company", "contact")}
    assert {one.kind for one in lines(link(("contact", "1"), ("company", "2"), 279, live=False))} == {"unlinked"}


def test_labels_and_activities_make_no_lines_of_links() -> None:
    assert lines(link(("contact", "1"), ("company", "2"), 1)) == []
    assert lines(link(("contact", "1"), ("company", "2"), 10_005)) == []
    assert lines(link(("note", "1"), ("contact", "2"), 202)) == []
    assert is_plain(279)
    assert not is_plain(13)


def test_a_type_that_is_not_known_yet_waits() -> None:
    with pytest.raises(LookupError):
        list(entries_of("opportunities", lambda _: None, [Event(CREATED, "deal", AT, 1, 1)]))


def test_the_document_shows_the_timelines_that_there_are() -> None:
    made = build("contacts", OPERATIONS, [Subject(one) for one in MANIFEST.types], "", "1")
    names = ("contacts", "companies", "deals", "tickets")
    assert list(made["paths"]) == [f"/api/v1/timeline/{one}/{{id}}" for one in names]
