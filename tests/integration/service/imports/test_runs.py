"""Imports as they are meant to go: created, updated, unchanged, rejected; again; in order; attributes made first."""

from __future__ import annotations

import pytest

from shared.contracts import imports as contract
from shared.contracts.imports import PhaseFinished
from shared.eav.requests import Ref
from shared.service.entities import View
from shared.service.foreign import Foreign, put_known
from shared.service.imports.spec import Column, EffectiveAt
from tests.integration.service.imports.importing import CTX, Import, columns, facts, find, spec, values

HEADER = ("email", "firstname", "city")


def people(count, prefix, city="Bonn"):
    return [(f"{prefix}{n}@example.com", f"Name {n}", city) for n in range(count)]


def test_a_file_becomes_entities_and_again_changes_nothing(runtime):
    job = Import(runtime, spec("contact", HEADER, key="email"), people(250, "plain")).do()
    assert job.counts() == {"rows": 250, "created": 250, "updated": 0, "unchanged": 0, "rejected": 0}
    assert job.finished() == [PhaseFinished("run", "done")]
    assert len(job.reports()) == 3
    stored = values(runtime, "contact", ("firstname", "city"), by="email")
    assert {key: stored[key] for key in stored if key.startswith("plain")} == {
        email: (name, city) for email, name, city in people(250, "plain")
    }
    before = facts(runtime)
    again = job.again().do()
    assert again.counts()["unchanged"] == 250
    assert facts(runtime) == before


def messages(job: Import) -> list[str]:
    """What rows were told, by line."""
    found = [error for report in job.reports() for error in report.errors]
    return [error.message for error in sorted(found, key=lambda one: one.line)]


def test_rows_change_what_they_find(runtime):
    job = Import(runtime, spec("contact", HEADER, key="email"), people(30, "moves")).do()
    moved = [(email, name, "Köln" if n % 3 == 0 else city) for n, (email, name, city) in enumerate(people(30, "moves"))]
    assert job.again(moved).do().counts() == {"rows": 30, "created": 0, "updated": 10, "unchanged": 20, "rejected": 0}
    only = spec("contact", HEADER, key="email", mode="update")
    late = Import(runtime, only, [("moves1@example.com", "New", "Bonn"), ("nobody@example.com", "x", "y")]).do()
    assert late.counts()["updated"] == 1
    assert late.errors() == {3: {"OBJECT_NOT_FOUND"}}
    assert messages(late) == ["nothing has this email, and the mode is update"]
    first = Import(runtime, spec("contact", HEADER, key="email", mode="create"), people(1, "moves")).do()
    assert first.errors() == {2: {"DUPLICATE_UNIQUE_PROPERTY_VALUE"}}
    assert messages(first) == ["something has this email already, and the mode is create"]


def test_bad_rows_stop_no_others_and_tell_everything_without_the_values(runtime):
    header = ("name", "number_of_employees", "founded_year", "domain")
    rows = [
        ("Good Ltd", "1.200", "1999", "good.example"),
        ("Bad Ltd", "a lot", "long ago", "bad.example"),
        ("", "", "", ""),
        ("Short Ltd",),
        ("Good 2 Ltd", "1200", "", ""),
    ]
    asked = spec("company", header, key="name", columns=columns(header, number_of_employees={"decimal": ","}))
    job = Import(runtime, asked, rows).do()
    assert job.counts() == {"rows": 5, "created": 2, "updated": 0, "unchanged": 0, "rejected": 3}
    assert job.errors() == {
        3: {"COULD_NOT_PARSE_NUMBER"},
        4: {"REQUIRED_FIELD"},
        5: {"INCORRECT_NUMBER_OF_COLUMNS"},
    }
    told = str(job.reports())
    assert "a lot" not in told
    assert "long ago" not in told


def test_rows_with_one_key_are_applied_in_the_order_of_the_file(runtime):
    rows = [(f"same{n % 7}@example.com", f"Name {n}", "X") for n in range(300)]
    job = Import(runtime, spec("contact", HEADER, key="email"), rows, size=20).do()
    assert job.counts() == {"rows": 300, "created": 7, "updated": 293, "unchanged": 0, "rejected": 0}
    stored = values(runtime, "contact", ("firstname",), by="email")
    for place in range(7):
        last = max(n for n in range(300) if n % 7 == place)
        assert stored[f"same{place}@example.com"] == (f"Name {last}",)


def test_rows_are_found_by_id_and_blanks_clear_where_asked(runtime):
    Import(runtime, spec("contact", HEADER, key="email"), people(2, "ids")).do()
    ident = find(runtime, "contact", "email", "ids0@example.com")
    header = ("Id", "firstname", "city")
    asked = spec(
        "contact", header, mode="update", id_column=0, blank="clear", blanks=("Select",),
        columns=(Column(index=1, attribute="firstname", blank="keep"), Column(index=2, attribute="city")),
    )  # fmt: skip
    job = Import(runtime, asked, [(str(ident), "", "Select"), ("999999999", "x", "y"), ("abc", "x", "y")]).do()
    assert job.counts()["updated"] == 1
    assert job.errors() == {3: {"OBJECT_NOT_FOUND"}, 4: {"INVALID_OBJECT_ID"}}
    assert messages(job)[0] == "nothing has this Id, and the mode is update"
    assert values(runtime, "contact", ("firstname", "city"))[ident] == ("Name 0", None)


ATTRIBUTES = [
    {"name": "prospect_id", "label": "Prospect ID", "type": "string", "unique": True},
    {"name": "tags_chosen", "label": "Tags", "type": "multi_enumeration", "options": ["Ringing", {"value": "busy"}]},
    {"name": "visits", "label": "Visits", "type": "number"},
]


def test_attributes_are_made_before_the_first_row_and_have_slots(runtime):
    header = ("prospect_id", "tags_chosen", "visits")
    rows = [(f"p{n}", "ringing;BUSY" if n % 2 else "", str(n)) for n in range(50)]
    job = Import(runtime, spec("contact", header, key="prospect_id"), rows, 10, ATTRIBUTES).do()
    assert job.counts()["created"] == 50
    stored = values(runtime, "contact", ("tags_chosen", "visits"), by="prospect_id")
    assert stored["p3"] == ("Ringing;busy", "3")
    runtime.catalog.refresh()
    live = runtime.catalog.type("contact")
    assert live.attributes["prospect_id"].unique
    assert live.attributes["visits"].indexed
    assert live.attributes["visits"].column is not None
    assert job.again().do().counts()["unchanged"] == 50


def test_whoever_finds_attributes_being_made_does_not_wait_for_them(runtime):
    """Waiting would hold a snapshot that the indexes being built wait for: both for ever."""
    made = [{"name": "being_made", "label": "Being made", "type": "string"}]
    job = Import(runtime, spec("contact", ("email", "being_made"), key="email"), [("w@example.com", "x")], 10, made)
    job.begin()
    with runtime.db.transaction() as other:
        other.row("select pg_advisory_xact_lock(7201)")
        assert job.work(1) == 1
    assert job.counts()["rows"] == 0
    with runtime.db.connect() as connection:
        assert connection.row("select failures, error from work_chunk where error <> ''") == (
            0,
            "attributes are being made",
        )
        connection.run("update work_chunk set leased_until = null")
    job.work()
    assert job.counts()["created"] == 1


def test_values_may_hold_since_an_earlier_instant(runtime):
    header = ("email", "firstname", "since")
    asked = spec(
        "contact", header, key="email", columns=columns(header[:2]),
        effective_at=EffectiveAt(column=2, date_format="MDY"),
    )  # fmt: skip
    Import(runtime, asked, [("since@example.com", "A", "7/9/2016")]).do()
    second = Import(runtime, asked, [("since@example.com", "B", "10/20/2016")]).do()
    with runtime.db.connect() as connection:
        row = connection.row(
            "select max(effective_at)::date::text from eav_history where source = 'IMPORT' and source_id = %(n)s",
            {"n": str(second.number)},
        )
    assert row == ("2016-10-20",)


DATED = ("email", "firstname", "since")


def dated(runtime, rows, size=100):
    since = EffectiveAt(column=2)
    asked = spec("contact", DATED, key="email", columns=columns(DATED[:2]), effective_at=since)
    return Import(runtime, asked, rows, size)


def named(runtime, email):
    """The first names somebody had, newest first, and since when."""
    found = runtime.entities.read(
        CTX, "contact", [Ref(attribute="email", value=email)], View("text", ("firstname",), ("firstname",))
    )[0]
    return [(one.value, one.at[:4]) for one in found.history["firstname"]]


def test_rows_apply_in_the_order_of_their_instants_and_once(runtime):
    rows = [("ef@t.example", "New", "2022-01-01"), ("ef@t.example", "Old", "2020-01-01")]
    rows += [("ef@t.example", "New", "2023-01-01"), ("ef@t.example", "Mid", "2022-06-01")]
    first = dated(runtime, rows).do("dry").do("run")
    for phase in ("dry", "run"):
        assert (first.counts(phase)["created"], first.counts(phase)["updated"]) == (1, 3)
    told = [("New", "2023"), ("Mid", "2022"), ("New", "2022"), ("Old", "2020")]
    assert named(runtime, "ef@t.example") == told
    before = facts(runtime)
    for _ in range(2):
        again = first.again().do("dry").do("run")
        assert (again.counts("dry")["unchanged"], again.counts("run")["unchanged"]) == (4, 4)
    assert named(runtime, "ef@t.example") == told
    assert facts(runtime) == before


def test_what_is_older_than_what_stands_is_refused_and_foreseen(runtime):
    rows = [("ef2@t.example", "New", "2022-01-01"), ("ef2@t.example", "Old", "2020-01-01")]
    job = dated(runtime, rows, 1)
    for expected in ({"created": 1, "rejected": 1}, {"unchanged": 1, "rejected": 1}):
        job = job.again().do("dry").do("run")
        for phase in ("dry", "run"):
            assert {name: n for name, n in job.counts(phase).items() if n and name != "rows"} == expected
            assert job.errors(phase) == {3: {"SUPERSEDED_VALUE"}}
    assert named(runtime, "ef2@t.example") == [("New", "2022")]


def test_what_was_undone_may_come_again(runtime):
    dated(runtime, [("ef3@t.example", "Old", "2020-01-01")]).do()
    job = dated(runtime, [("ef3@t.example", "New", "2022-01-01")]).do().undo()
    assert job.again().do().counts()["updated"] == 1
    assert named(runtime, "ef3@t.example")[0] == ("New", "2022")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"columns": (Column(index=0, attribute="no_such"),)}, "no_such"),
        ({"links": ({"column": 1, "type": "nothing"},)}, "nothing"),
        ({"links": ({"column": 1, "type": "company", "relation": 987},)}, "987"),
    ],
)
def test_what_can_never_work_fails_at_once_with_a_reason(runtime, change, word):
    job = Import(runtime, spec("contact", HEADER, key="email", **change), people(2, "fails")).do()
    assert job.job().state == "failed"
    (finished,) = job.finished()
    assert finished.state == contract.FAILED
    assert word in finished.reason


def test_an_empty_file_is_done_at_once(runtime):
    job = Import(runtime, spec("contact", HEADER, key="email"), []).do()
    assert job.finished() == [PhaseFinished("run", "done")]


@pytest.mark.parametrize("name", ["owner_id", "hubspot_owner_id"])
def test_ids_of_nobody_are_refused_under_whatever_name_they_are_written(runtime, monkeypatch, name):
    known = put_known_owner(runtime)
    monkeypatch.setattr(runtime, "foreign", Foreign(runtime.db, {"owner"}, None))
    rows = [(f"{name}1@example.com", str(known)), (f"{name}2@example.com", str(known + 1))]
    job = Import(runtime, spec("contact", ("email", name), key="email"), rows).do()
    assert job.errors() == {3: {"COULD_NOT_FIND_OWNER"}}
    assert job.counts()["created"] == 1
    same = Import(runtime, spec("contact", ("email",), key="email", set={name: str(known + 1)}), [rows[0][:1]]).do()
    assert same.errors() == {2: {"COULD_NOT_FIND_OWNER"}}


def put_known_owner(runtime) -> int:
    with runtime.db.connect() as connection:
        put_known(connection, "owner", [(4711, 1, False)])
    return 4711
