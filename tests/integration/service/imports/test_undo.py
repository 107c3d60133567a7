"""Taking an import back gives the state there was, except for what somebody else changed since."""

from __future__ import annotations

import random

import pytest

from shared.contracts.imports import KeptValue, PhaseFinished
from shared.eav.declare import AttributeDef
from shared.service.counting import declare_counts, recounted
from shared.service.entities import Ref, Update, View
from shared.service.imports.spec import Link
from tests.integration.service.imports.importing import CTX, Import, columns, find, spec, values

HEADER = ("email", "firstname", "lastname")
SHOWN = ("email", "firstname", "lastname", "city")


def change(runtime, ident, **changed):
    runtime.entities.update(CTX, "contact", [Update(Ref(id=ident), changed)], View("text", ()))


@pytest.mark.parametrize("seed", range(4))
def test_an_import_and_its_undo_leave_the_state_there_was(runtime, seed):
    drawn = random.Random(seed)
    emails = [f"undo{seed}-{n}@example.com" for n in range(30)]
    Import(runtime, spec("contact", HEADER, key="email"), [(one, "Before", "B") for one in emails[:15]]).do()
    before = values(runtime, "contact", SHOWN)
    rows = [
        (drawn.choice(emails), drawn.choice(["Before", "A", "Ü", ""]), drawn.choice(["B", "C", ""])) for _ in range(80)
    ]
    asked = spec("contact", HEADER, key="email", blank=drawn.choice(["keep", "clear"]))
    job = Import(runtime, asked, rows, drawn.choice([3, 10, 100])).do()
    assert values(runtime, "contact", SHOWN) != before
    job.undo()
    assert values(runtime, "contact", SHOWN) == before
    assert job.finished()[-1] == PhaseFinished("undo", "done")
    assert [one for report in job.reports("undo") for one in report.kept] == []
    touched = {row[0] for row in rows}
    assert 0 < job.counts("undo")["rows"] <= len(touched)


def test_what_somebody_changed_since_stays_and_is_told(runtime):
    emails = [f"since{n}@example.com" for n in range(6)]
    Import(runtime, spec("contact", HEADER, key="email"), [(one, "Old", "Old") for one in emails[:4]]).do()
    job = Import(runtime, spec("contact", HEADER, key="email"), [(one, "New", "New") for one in emails]).do()
    ids = {one: find(runtime, "contact", "email", one) for one in emails}
    change(runtime, ids[emails[0]], firstname="Mine")
    change(runtime, ids[emails[1]], city="Elsewhere")
    change(runtime, ids[emails[2]], firstname="Mine")
    change(runtime, ids[emails[2]], firstname="New")
    change(runtime, ids[emails[4]], city="Elsewhere")
    job.undo()
    stored = values(runtime, "contact", ("firstname", "lastname", "city"), by="email")
    assert stored[emails[0]] == ("Mine", "Old", None)
    assert stored[emails[1]] == ("Old", "Old", "Elsewhere")
    assert stored[emails[2]] == ("New", "Old", None)
    assert stored[emails[3]] == ("Old", "Old", None)
    assert stored[emails[4]] == ("New", "New", "Elsewhere")
    assert emails[5] not in stored
    kept = {one for report in job.reports("undo") for one in report.kept}
    assert kept == {
        KeptValue(ids[emails[0]], "first_name"),
        KeptValue(ids[emails[2]], "first_name"),
        KeptValue(ids[emails[4]], ""),
    }


def test_links_and_targets_that_were_made_go_as_well(runtime):
    header = ("email", "firstname", "Company")
    Import(runtime, spec("company", ("name", "city"), key="name"), [("Kept Ltd", "Bonn")]).do()
    Import(runtime, spec("contact", header[:2], key="email"), [("linked@example.com", "A")]).do()
    ident, kept = find(runtime, "contact", "email", "linked@example.com"), find(runtime, "company", "name", "Kept Ltd")
    link = Link(column=2, header="Company", type="company", attribute="name", missing="create")
    asked = spec("contact", header, key="email", columns=columns(header[:2]), links=(link,))
    rows = [("linked@example.com", "A", "Kept Ltd; Made Ltd"), ("linked2@example.com", "B", "Made Ltd")]
    job = Import(runtime, asked, rows).do()
    made = find(runtime, "company", "name", "Made Ltd")
    assert {one.to_id for one in runtime.engine.links.page("contact", ident, "company")[0]} == {kept, made}
    job.undo()
    assert runtime.engine.links.page("contact", ident, "company")[0] == []
    assert set(values(runtime, "company", ("name",)).values()) & {("Made Ltd",), ("Kept Ltd",)} == {("Kept Ltd",)}
    with runtime.db.connect() as connection:
        left = connection.row("select count(*) from eav_link where to_id = any(%(i)s)", {"i": [ident, kept, made]})
    assert left == (0,)


def test_numbers_that_the_system_keeps_are_nobodys_change(runtime):
    """What was made goes, and what was changed goes back, though links were counted on it meanwhile."""
    declare_counts(runtime.db, runtime.manifest.counts)
    header = ("name", "city", "Parent")
    Import(runtime, spec("company", header[:2], key="name"), [("Old Parent Ltd", "Bonn")]).do()
    old = find(runtime, "company", "name", "Old Parent Ltd")
    recounted(runtime.db, runtime.manifest.counts)
    before = values(runtime, "company", ("name", "city", "child_company_count", "contact_count"))
    parents = (Link(column=2, header="Parent", type="company", attribute="name", relation=14),)
    asked = spec("company", header, key="name", columns=columns(header[:2]), links=parents)
    rows = [("Child Ltd", "Ulm", "Old Parent Ltd"), ("Old Parent Ltd", "Köln", "New Parent Ltd"),
            ("New Parent Ltd", "Ulm", "")]  # fmt: skip
    tree = Import(runtime, asked, rows).do()
    firm = Link(column=1, header="Firm", type="company", attribute="name", missing="create")
    header = ("email", "Firm")
    asked = spec("contact", header, key="email", columns=columns(header[:1]), links=(firm,))
    people = Import(runtime, asked, [("counted@example.com", "Child Ltd; Counted Ltd")]).do()
    assert recounted(runtime.db, runtime.manifest.counts)
    counted = values(runtime, "company", ("child_company_count", "contact_count"), by="name")
    assert (counted["Old Parent Ltd"][0], counted["New Parent Ltd"][0]) == ("1", "1")
    assert (counted["Counted Ltd"][1], counted["Child Ltd"][1]) == ("1", "1")
    people.undo()
    tree.undo()
    recounted(runtime.db, runtime.manifest.counts)
    after = values(runtime, "company", ("name", "city", "child_company_count", "contact_count"))
    assert {**after, old: after[old][:2]} == {**before, old: before[old][:2]}
    assert [one for job in (people, tree) for report in job.reports("undo") for one in report.kept] == []
    counts = tree.counts("undo")
    assert (counts["rows"], counts["updated"], counts["unchanged"]) == (3, 3, 0)


def test_links_that_go_are_counted_and_what_stays_is_not(runtime):
    header = ("email", "firstname", "Company")
    people = [(f"count{n}@example.com", "A", "Count Ltd") for n in range(3)]
    Import(runtime, spec("company", ("name",), key="name"), [("Count Ltd",)]).do()
    Import(runtime, spec("contact", header[:2], key="email"), [one[:2] for one in people]).do()
    link = (Link(column=2, header="Company", type="company", attribute="name"),)
    job = Import(runtime, spec("contact", header, key="email", columns=columns(header[:2]), links=link), people).do()
    assert job.counts("run")["updated"] == 3
    job.undo()
    assert [job.counts("undo")[name] for name in ("rows", "updated", "unchanged")] == [3, 3, 0]
    staged = [(one[0], "customer") for one in people]
    job = Import(runtime, spec("contact", ("email", "lifecyclestage"), key="email"), staged).do()
    change(runtime, find(runtime, "contact", "email", people[0][0]), lifecyclestage="evangelist")
    job.undo()
    assert [job.counts("undo")[name] for name in ("rows", "updated", "unchanged")] == [3, 2, 1]


def test_an_import_may_run_again_after_it_was_taken_back(runtime):
    job = Import(runtime, spec("contact", HEADER, key="email"), [("back@example.com", "A", "B")]).do()
    job.undo()
    job.do()
    assert job.counts("run")["created"] == 2
    job.undo()
    assert "back@example.com" not in values(runtime, "contact", ("city",), by="email")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_imports_may_be_taken_back_in_any_order(runtime, order):
    name = "".join(map(str, order))
    emails = [f"order{name}{n}@example.com" for n in range(5)]
    Import(runtime, spec("contact", HEADER, key="email"), [(one, "Old", "Old") for one in emails[:2]]).do()
    before = values(runtime, "contact", SHOWN)
    header = (*HEADER, "city")
    jobs = [
        Import(
            runtime, spec("contact", header, key="email"), [(one, f"F{n}", last, f"C{n}") for one in emails[n:]]
        ).do()
        for n, last in enumerate(("L", "L", "M"))
    ]
    ident = find(runtime, "contact", "email", emails[1])
    change(runtime, ident, lastname="Mine")
    for n in order:
        jobs[n].undo()
    after = values(runtime, "contact", SHOWN)
    mine = (emails[1], "Old", "Mine", None)
    assert after == {**before, ident: mine}
    kept = {one for job in jobs for report in job.reports("undo") for one in report.kept}
    assert KeptValue(ident, "last_name") in kept


def test_values_of_an_attribute_made_elsewhere_are_taken_back(runtime, started):
    Import(runtime, spec("contact", ("email",), key="email"), [("made@example.com",)]).do()
    elsewhere = started()
    elsewhere.catalog.refresh()
    runtime.definitions.add_attributes(CTX, "contact", [AttributeDef("hobby", "Hobby", "string")])
    job = Import(runtime, spec("contact", ("email", "hobby"), key="email"), [("made@example.com", "Chess")]).do()
    job.runtime = elsewhere
    job.undo()
    assert values(runtime, "contact", ("hobby",), by="email")["made@example.com"] == (None,)
