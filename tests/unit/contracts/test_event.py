"""The published language: every version ever written decodes for ever."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import event as contract
from shared.contracts.event import Event, Series, UnknownVersion, encode, from_document, to_document

SAMPLES = sorted((Path(__file__).parent / "samples").glob("v*.json"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_stored_sample_decodes(path):
    documents = json.loads(path.read_text(encoding="utf-8"))
    version = int(path.stem.removeprefix("v"))
    assert documents
    for document in documents:
        assert document["v"] == version
        event = from_document(document)
        assert (event.kind, event.entity_type) == (document["kind"], document["entity_type"])
        assert event.at.tzinfo is UTC


def test_there_is_a_sample_of_the_version_written_now():
    assert f"v{contract.VERSION}" in {path.stem for path in SAMPLES}


def test_the_first_version_means_what_it_meant():
    first, second, *_ = (from_document(one) for one in json.loads(SAMPLES[0].read_text(encoding="utf-8")))
    assert first.kind == contract.CREATED
    assert (first.entity_id, first.version) == (42, 1)
    assert first.at == datetime(2026, 3, 1, 9, 30, 0, 125000, tzinfo=UTC)
    assert first.effective_at is None
    assert first.changed["9"] == [None, "1234567890.123456789"]
    assert second.id == 1001
    assert second.entity_id == 9007199254740993
    assert second.effective_at == datetime(2025, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
    assert (second.cause, second.source, second.source_id) == ("contacts/contact/42/1", "IMPORT", "job_7")


def test_samples_of_the_current_version_are_written_back_the_same():
    for document in json.loads(SAMPLES[-1].read_text(encoding="utf-8")):
        document.pop("id", None)
        document.pop("field_of_tomorrow", None)
        assert to_document(from_document(document)) == document


def test_an_unknown_version_is_refused():
    with pytest.raises(UnknownVersion):
        from_document({"v": 2, "kind": "x", "entity_type": "", "at": "2026-03-01T09:30:00.000Z"})


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
NAME = st.none() | TEXT
INSTANT = st.datetimes(timezones=st.just(UTC), min_value=datetime(1900, 1, 1)).map(  # noqa: DTZ001 (drawn as UTC)
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
VALUE = st.none() | TEXT | st.booleans() | st.lists(TEXT, max_size=3)
EVENTS = st.builds(
    Event,
    kind=TEXT,
    entity_type=TEXT,
    at=INSTANT,
    entity_id=st.none() | st.integers(1, 2**62),
    version=st.integers(0, 2**31),
    effective_at=st.none() | INSTANT,
    actor=NAME,
    source=NAME,
    source_id=NAME,
    cause=NAME,
    correlation=NAME,
    changed=st.dictionaries(st.integers(1, 999).map(str), st.lists(VALUE, min_size=2, max_size=2), max_size=3),
    detail=st.dictionaries(TEXT, VALUE, max_size=2),
)


@given(EVENTS)
def test_an_event_survives_its_json(event):
    assert from_document(json.loads(encode(event))) == event


@pytest.mark.parametrize("effective_at", [None, datetime(2020, 1, 1, tzinfo=UTC)])
@pytest.mark.parametrize("changed", [{}, {"7": (None, "ü\n")}])
def test_a_series_encodes_as_its_events_do(effective_at, changed):
    at = datetime(2026, 3, 1, tzinfo=UTC)
    common = {"actor": "a", "source": "IMPORT", "correlation": "c", "detail": {"x": 1}}
    sample = Event(contract.CREATED, "contact", at, 1, 1, at, changed={"1": (None, "other")}, **common)
    one = Event(contract.CREATED, "contact", at, 2**53, 3, effective_at, changed=changed, **common)
    assert json.loads(Series(sample).encode(2**53, 3, effective_at, changed)) == json.loads(encode(one))
