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


def test_a_link_that_its_rules_refuse_refuses_its_row(runtime):
    rows = [("Self", "X", "Self")]
    job = Import(runtime, firms(), rows).do()
    assert job.counts("run", "deferred")["rows"] == 1
    assert job.errors()


def test_targets_are_found_where_another_process_has_put_their_values(runtime, started):
    elsewhere = started()
    assert elsewhere.catalog.type("company").attribute("domain").column is None
    Import(runtime, spec("company", ("name", "domain"), key="name"), [("Far", "far.example")]).do()
    link = Link(column=1, header="Site", type="company", attribute="domain")
    asked = spec("contact", ("email", "Site"), key="email", columns=columns(("email",)), links=(link,))
    assert Import(elsewhere, asked, [("far@far.example", "far.example")]).do().counts()["created"] == 1
