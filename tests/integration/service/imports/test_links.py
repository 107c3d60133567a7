"""Link columns: targets found by value, refused, created or left; rows of a file that name each other."""

from __future__ import annotations

import random

import pytest

from shared.kernel.errors import Invalid
from shared.service.imports.spec import Link
from tests.integration.service.imports.importing import Import, columns, facts, find, spec

PEOPLE = ("email", "firstname", "Company")
FIRMS = ("name", "city", "Parent")


def people(missing, **more):
    link = Link(column=2, header="Company", type="company", attribute="name", missing=missing, **more)
    return spec("contact", PEOPLE, key="email", columns=columns(PEOPLE[:2]), links=(link,))


def firms(missing="reject", **more):
    link = Link(column=2, header="Parent", type="company", attribute="name", missing=missing, relation=14)
    return spec("company", FIRMS, key="name", columns=columns(FIRMS[:2]), links=(link,), **more)


def linked(runtime, from_type, ident, to_type):
    page, _ = runtime.engine.links.page(from_type, ident, to_type)
    return {one.to_id for one in page}


@pytest.fixture(scope="module")
def acme(runtime):
    Import(runtime, spec("company", FIRMS[:2], key="name"), [("Acme", "Bonn"), ("Isdom", "Ulm")]).do()
    return find(runtime, "company", "name", "Acme")


def test_rows_are_linked_to_what_their_cells_name(runtime, acme):
    isdom = find(runtime, "company", "name", "Isdom")
    rows = [("l0@example.com", "A", "acme"), ("l1@example.com", "B", "Acme; ISDOM"), ("l2@example.com", "C", "")]
    job = Import(runtime, people("reject"), rows).do()
    assert job.counts()["created"] == 3
    assert linked(runtime, "contact", find(runtime, "contact", "email", "l0@example.com"), "company") == {acme}
    assert linked(runtime, "contact", find(runtime, "contact", "email", "l1@example.com"), "company") == {acme, isdom}
    before = facts(runtime)
    assert job.again().do().counts()["unchanged"] == 3
    assert facts(runtime) == before


def test_a_row_that_only_gains_a_link_is_updated(runtime, acme):
    Import(runtime, people("reject"), [("gain@example.com", "A", "")]).do()
    job = Import(runtime, people("reject"), [("gain@example.com", "A", "Acme")]).do()
    assert job.counts()["updated"] == 1


@pytest.mark.parametrize(("missing", "outcome"), [("reject", "rejected"), ("create", "created"), ("left", "created")])
def test_a_missing_target_is_refused_created_or_left(runtime, acme, missing, outcome):
    email = f"{missing}@example.com"
    job = Import(runtime, people(missing), [(email, "A", f"New {missing}; Acme")]).do()
    assert job.counts()[outcome] == 1
    if missing == "reject":
        assert job.errors() == {2: {"NO_OBJECT_ID_FROM_ASSOCIATION_IDENTIFIER"}}
        return
    expected = {acme} | ({find(runtime, "company", "name", "New create")} if missing == "create" else set())
    assert linked(runtime, "contact", find(runtime, "contact", "email", email), "company") == expected


def test_a_target_that_cannot_be_created_refuses_its_row_and_is_foreseen(runtime, monkeypatch):
    def kept_out(connection, live, keys):
        message = "gone@example.com was erased"
        return {key: Invalid.one("email", "ERASED_VALUE", message) for key in keys if key[1] == "gone@example.com"}

    monkeypatch.setattr(runtime.engine.bulk, "_kept_out", kept_out)
    link = Link(column=1, header="people", type="contact", attribute="email", missing="create")
    asked = spec("company", ("name", "people"), key="name", columns=columns(("name",)), links=(link,))
    rows = [("LcA", "not an email"), ("LcB", "ok1@lc.example;bad one"), ("LcC", "gone@example.com"), ("LcD", "d@lc.ex")]
    job = Import(runtime, asked, rows).do("dry").do("run")
    for phase in ("dry", "run"):
        assert job.counts(phase) == {"rows": 4, "created": 1, "updated": 0, "unchanged": 0, "rejected": 3}
        told = [error for report in job.reports(phase) for error in report.errors]
        assert [(one.line, one.column) for one in told] == [(2, "people"), (3, "people"), (4, "people")]
        assert "not an e-mail address" in told[0].message
        assert "number 2 of 2" in told[1].message
        assert told[2].code == "ERASED_VALUE"
        assert not any("bad one" in one.message or "gone@" in one.message for one in told)


def test_a_target_that_is_not_told_apart_is_refused(runtime):
    Import(runtime, spec("company", FIRMS[:2], mode="create"), [("Twin", "A"), ("Twin", "B")]).do()
    job = Import(runtime, people("create"), [("twin@example.com", "A", "Twin")]).do()
    assert job.errors() == {2: {"INVALID_ASSOCIATION_IDENTIFIER"}}


def test_targets_are_named_by_id_as_well(runtime, acme):
    link = Link(column=2, header="Company", type="company")
    asked = spec("contact", PEOPLE, key="email", columns=columns(PEOPLE[:2]), links=(link,))
    rows = [("byid@example.com", "A", str(acme)), ("byid2@example.com", "A", "99999999")]
    job = Import(runtime, asked, rows).do()
    assert job.counts()["created"] == 1
    assert set(job.errors()) == {3}


def test_parents_may_stand_anywhere_in_the_file(runtime):
    rows = [(f"Tree {n}", "X", f"Tree {n // 2}" if n else "") for n in range(60)]
    random.Random(5).shuffle(rows)
    job = Import(runtime, firms(), rows, 7).do()
    assert job.counts() == {"rows": 60, "created": 60, "updated": 0, "unchanged": 0, "rejected": 0}
    ids = {n: find(runtime, "company", "name", f"Tree {n}") for n in (0, 1, 2, 3, 30, 59)}
    assert ids[29 * 2 + 1] in linked(runtime, "company", find(runtime, "company", "name", "Tree 29"), "company")
    assert {ids[1]} <= linked(runtime, "company", ids[0], "company")
    assert {ids[2], ids[3]} <= linked(runtime, "company", ids[1], "company")
    before = facts(runtime)
    assert job.again().do().counts()["unchanged"] == 60
    assert facts(runtime) == before


def test_what_hangs_on_a_refused_row_is_refused_with_it(runtime):
    rows = [("Hang 0", "X", "Nobody at all"), ("Hang 1", "X", "Hang 0"), ("Hang 2", "X", "Hang 1"), ("Free", "X", "")]
    job = Import(runtime, firms(), rows, 2).do()
    assert job.counts() == {"rows": 4, "created": 1, "updated": 0, "unchanged": 0, "rejected": 3}
    assert set(job.errors()) == {2, 3, 4}


def test_missing_parents_are_created_only_when_the_file_has_none(runtime):
    rows = [("Kid 0", "X", "Kid 1"), ("Kid 1", "Y", "Stranger")]
    job = Import(runtime, firms("create"), rows, 1).do()
    assert job.counts()["created"] == 2
    stranger = find(runtime, "company", "name", "Stranger")
    first, second = (find(runtime, "company", "name", f"Kid {n}") for n in range(2))
    assert linked(runtime, "company", stranger, "company") == {second}
    assert linked(runtime, "company", second, "company") == {stranger, first}


def test_rows_that_name_each_other_go_together(runtime):
    link = Link(column=2, header="Parent", type="company", attribute="name")
    asked = spec("company", FIRMS, key="name", columns=columns(FIRMS[:2]), links=(link,))
    job = Import(runtime, asked, [("Ring 0", "X", "Ring 1"), ("Ring 1", "X", "Ring 0")], 1).do()
    assert job.counts()["created"] == 2
    first, second = (find(runtime, "company", "name", f"Ring {n}") for n in range(2))
    assert linked(runtime, "company", first, "company") == {second}


def test_a_later_row_waits_with_an_earlier_one_about_the_same_entity(runtime):
    rows = [("Order", "old", "Late parent"), ("Order", "new", ""), ("Late parent", "X", "")]
    job = Import(runtime, firms(), rows, 1).do()
    assert job.counts()["rejected"] == 0
    with runtime.db.connect() as connection:
        assert connection.row("select count(*) from import_deferred") == (0,)
    city = runtime.entities.read
    assert city is not None
    ident = find(runtime, "company", "name", "Order")
    from tests.integration.service.imports.importing import values

    assert values(runtime, "company", ("city",))[ident] == ("new",)


def families(runtime, rows, size=100):
    """Companies and their parents by name: foreseen, then done; the counts."""
    header = ("name", "Parent")
    link = Link(column=1, header="Parent", type="company", attribute="name", relation=14)
    asked = spec("company", header, key="name", columns=columns(header[:1]), links=(link,))
    job = Import(runtime, asked, rows, size).do("dry").do("run")
    done, told = job.counts("run", "deferred"), job.errors("run", "deferred")
    assert job.counts("dry", "dry-deferred") == done
    assert job.errors("dry", "dry-deferred") == told
    assert (done["rows"], len(told)) == (len(rows), done["rejected"])
    return {name: n for name, n in done.items() if n and name != "rows"}, told


@pytest.mark.parametrize("size", [1, 10])
def test_a_link_that_its_rules_refuse_refuses_its_row_whenever_it_comes(runtime, size):
    pairs = ["A B", "B C", "C A", "D D", "E Nowhere", "F E", "G H", "H I", "I"]
    rows = [tuple(f"P{name}{size}" for name in pair.split()) for pair in pairs[:-1]] + [(f"PI{size}", "")]
    counts, told = families(runtime, rows, size)
    assert counts == {"created": 3, "rejected": 6}
    assert told[4] >= {"CIRCULAR_ASSOCIATION"}
    assert told[5] == {"INVALID_ASSOCIATION"}
    assert families(runtime, rows, size)[0] == {"unchanged": 3, "rejected": 6}


def test_who_stands_above_an_entity_does_not_come_below_it(runtime):
    assert families(runtime, [("TA", ""), ("TB", "TA"), ("TC", "TB")], 1)[0] == {"created": 3}
    assert families(runtime, [("TA", "TD"), ("TD", "TC"), ("TC", "TC")])[0] == {"created": 1, "rejected": 2}
    assert families(runtime, [("WA", ""), ("WA", "WA")], 1)[0] == {"created": 1, "rejected": 1}


@pytest.mark.parametrize("size", [1, 10])
def test_links_that_a_row_gains_or_moves_are_foreseen(runtime, size):
    first = [(f"{name}{size}", parent and f"{parent}{size}") for name, parent in [("S1", ""), ("S2", ""), ("S3", "S1")]]
    moved = [(f"S3{size}", f"S2{size}"), (f"S3{size}", f"S1{size}"), (f"S3{size}", f"S1{size}")]
    assert families(runtime, first + moved, size)[0] == {"created": 3, "updated": 2, "unchanged": 1}
    assert families(runtime, first, size)[0] == {"unchanged": 3}


def test_a_cell_with_two_parents_is_refused(runtime):
    rows = [("MA", ""), ("MB", ""), ("MC", "MA;MB"), ("MD", "MA; ma")]
    for counts in ({"created": 3, "rejected": 1}, {"unchanged": 3, "rejected": 1}):
        assert families(runtime, rows) == (counts, {4: {"LIMIT_EXCEEDED"}})


def test_those_named_who_cannot_be_created_are_foreseen(runtime):
    header = ("email", "Twin")
    link = Link(column=1, header="Twin", type="contact", attribute="email", missing="create")
    asked = spec("contact", header, key="email", columns=columns(header[:1]), links=(link,))
    rows = [("in0@example.com", "no address"), ("in1@example.com", "in2@example.com"), ("in3@example.com", "in0@e.com")]
    job = Import(runtime, asked, rows).do("dry").do("run")
    for phases in (("dry", "dry-deferred"), ("run", "deferred")):
        assert (job.counts(*phases)["created"], set(job.errors(*phases))) == (2, {2})


def test_targets_are_found_where_another_process_has_put_their_values(runtime, started):
    elsewhere = started()
    assert elsewhere.catalog.type("company").attribute("domain").column is None
    Import(runtime, spec("company", ("name", "domain"), key="name"), [("Far", "far.example")]).do()
    link = Link(column=1, header="Site", type="company", attribute="domain")
    asked = spec("contact", ("email", "Site"), key="email", columns=columns(("email",)), links=(link,))
    assert Import(elsewhere, asked, [("far@far.example", "far.example")]).do().counts()["created"] == 1
