"""A page of a long timeline costs a page: index walks that stop, whatever is asked for and however long it is."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from services.contacts.timeline import reading, turning
from tests.factories.counting import own
from tests.integration.timeline.conftest import Desk

MANY = 100_000
_FILL = """
insert into timeline_entry
    (subject_type, subject_id, at, key, kind, ref_type, ref_id, recorded_at, service, actor, phase)
select 'contact', %(id)s, timestamp '2020-01-01' + n * interval '7 minutes', 'filled.' || lpad(n::text, 8, '0'),
    (array['note', 'call', 'email', 'changed', 'stage'])[1 + n %% 5],
    (array['note', 'call', 'email', '', 'deal'])[1 + n %% 5],
    case when n %% 5 = 3 then null else 900000 + n end, timestamp '2020-01-01', 'contacts', 'a' || n %% 7,
    case when n %% 5 < 3 then 'contact' end
from generate_series(1, %(many)s) n
"""


@pytest.fixture(scope="module")
def long(desk: Desk) -> int:
    """A contact of whom there is very much to tell, beside others."""
    ident = desk.make("contacts", first_name="Long")
    desk.catch_up()
    with desk.db.connect() as connection:
        connection.run(_FILL, {"id": ident, "many": MANY})
        for other in range(20):
            connection.run(_FILL, {"id": 800_000 + other, "many": 500})
        connection.run(
            "update timeline_entry set actor = 'rare' where subject_id = %(id)s"
            " and key in ('filled.00000001', 'filled.00050001', 'filled.00099996')",
            {"id": ident},
        )
        connection.run("analyze timeline_entry")
    return ident


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(one for part in plan.get("Plans", ()) for one in nodes(part))]


def explained(desk: Desk, sql: str, params: Any) -> list[dict[str, Any]]:
    with desk.db.connect() as connection:
        row = connection.row(f"explain (analyze, format json) {sql}", params)
    assert row is not None
    found = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return nodes(found[0]["Plan"])


class Spy:
    """Keeps the statements that are run through it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.asked: list[tuple[str, Any]] = []

    def rows(self, sql: str, params: Any) -> Any:
        self.asked.append((sql, params))
        return self.connection.rows(sql, params)


@pytest.mark.parametrize(
    "wanted",
    [
        reading.Wanted(),
        reading.Wanted(place=(datetime.fromisoformat("2020-09-01"), "filled.00050000")),
        reading.Wanted(until=datetime.fromisoformat("2020-06-01")),
        reading.Wanted(kinds=("note", "stage")),
        reading.Wanted(kinds=("note",), place=(datetime.fromisoformat("2020-09-01"), "z")),
        reading.Wanted(actor="a3"),
        reading.Wanted(actor="rare"),
        reading.Wanted(actor="a3", kinds=("note", "stage"), until=datetime.fromisoformat("2020-09-01")),
    ],
    ids=["first", "next", "until", "kinds", "next of a kind", "actor", "rare actor", "actor and kinds"],
)
def test_a_page_reads_a_page(desk: Desk, long: int, wanted: reading.Wanted) -> None:
    with desk.db.connect() as connection:
        spy: Any = Spy(connection)
        among = None
        if wanted.kinds or wanted.actor:
            among = [
                one
                for one in reading.facets(spy, "contact", [long], wanted.actor)
                if not wanted.kinds or one[1] in wanted.kinds
            ]
            assert len(among) == (len(wanted.kinds) or (1 if wanted.actor == "rare" else 5))
        lines, place = reading.page(spy, "contact", [long], wanted, among)
    assert len(lines) == (3 if wanted.actor == "rare" else wanted.limit)
    assert (place is None) == (wanted.actor == "rare")
    for sql, params in spy.asked:
        found = explained(desk, sql, params)
        scans = [one for one in found if one.get("Relation Name") == "timeline_entry"]
        assert scans
        assert all("Index" in one["Node Type"] for one in scans), [one["Node Type"] for one in scans]
        assert all(one["Actual Rows"] <= wanted.limit + 1 for one in scans)
        assert all(one.get("Rows Removed by Filter", 0) == 0 for one in scans)


def test_statements_do_not_grow(desk: Desk, long: int) -> None:
    def asked(**words: Any) -> int:
        """How many statements."""
        with desk.db.counted() as statements:
            desk.read("contact", long, **words)
        return len(own(statements))

    # Who is meant, all of the family, the page; names once per other type that is not an activity.
    assert [asked(limit=5), asked(limit=200)] == [4, 4]
    assert asked(kinds="note,call", limit=200) == 4, "what kinds there are, in place of names"


def test_what_a_customer_shows_of_many_activities_is_walked_too(desk: Desk, long: int) -> None:
    params = {"types": ["contact"], "ids": [long], "now": datetime.fromisoformat("2020-09-01")}
    found = explained(desk, turning._WORKED_OUT, params)
    scans = [one for one in found if one.get("Relation Name") == "timeline_entry"]
    assert all("Index" in one["Node Type"] for one in scans)
    counted = [one for one in scans if one["Actual Rows"] > 1]
    assert len(counted) <= 1, "only the count reads more than a line"
