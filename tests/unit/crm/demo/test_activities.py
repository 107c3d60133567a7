"""Invented activities: the same for the same seed, nobody's before they were met, nothing done that lies ahead."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from crm.demo import Company, Size
from crm.demo.activities import KINDS, SMALL, activities_of, in_chunks

NOW = datetime(2026, 3, 1, tzinfo=UTC)
COMPANY = Company(5, Size(3, 20, 400), NOW)


def test_the_same_seed_gives_the_same() -> None:
    first = [activities_of(one, 5, NOW, 400) for one in COMPANY.contacts()]
    assert first == [activities_of(one, 5, NOW, 400) for one in COMPANY.contacts()]
    assert first != [activities_of(one, 6, NOW, 400) for one in COMPANY.contacts()]


def test_all_kinds_in_their_time() -> None:
    counts: Counter[str] = Counter()
    for contact in COMPANY.contacts():
        for one in activities_of(contact, 5, NOW, 400):
            counts[one.kind] += 1
            assert one.noted <= NOW
            at = datetime.fromisoformat(one.values["occurs_at"])
            if one.values.get("status") == "COMPLETED" or one.values.get("outcome") == "COMPLETED":
                assert at <= NOW
            if one.kind in ("notes", "calls", "emails"):
                assert contact.created <= at <= NOW
    assert set(counts) == set(KINDS)
    assert 400 < counts.total() < 900


def test_large_companies_have_fewer_each() -> None:
    few = sum(len(activities_of(one, 5, NOW, SMALL + 1)) for one in COMPANY.contacts())
    assert 0 < few < 200


def test_chunks_fit_into_requests() -> None:
    chunks = list(in_chunks(COMPANY.contacts()))
    assert sum(map(len, chunks)) == 400
    assert max(map(len, chunks)) * 4 <= 200
