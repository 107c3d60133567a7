"""A dry run changes nothing and foresees exactly what the run comes to."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from shared.service.imports.leftovers import purge_seen
from shared.service.imports.spec import Link
from tests.integration.service.imports.importing import Import, columns, facts, spec, values

HEADER = ("email", "firstname", "number_of_x")
PEOPLE = ("email", "firstname", "lastname")
ATTRIBUTES = [
    {"name": "code", "label": "Code", "type": "string", "unique": True},
    {"name": "badge", "label": "Badge", "type": "string", "unique": True},
    {"name": "score", "label": "Score", "type": "number"},
]


def everything(runtime):
    """All that a dry run must leave alone."""
    with runtime.db.connect() as connection:
        catalog = connection.rows("select type_id, name, column_name from eav_attribute order by 1, 2")
        entities = connection.rows("select entity_type, id, version from eav_entities order by 1, 2")
    return facts(runtime), catalog, entities


def foreseen_then_done(job):
    """Both counts; they must be the same, and the first changes nothing."""
    before = everything(job.runtime)
    job.do("dry")
    assert everything(job.runtime) == before
    foreseen, errors = job.counts("dry", "dry-deferred"), job.errors("dry", "dry-deferred")
    job.do("run")
    assert job.counts("run", "deferred") == foreseen
    assert job.errors("run", "deferred") == errors
    return foreseen


def test_duplicates_across_chunks_are_foreseen(runtime):
    rows = [("dup0@example.com", "A", "1"), ("DUP0@example.com", "A", "1"), ("dup0@example.com", "B", "1")]
    rows += [("dup1@example.com", "A", "1"), ("dup0@example.com", "B", "")]
    for size in (1, 2, 10):
        fresh = [(f"s{size}{email}", *rest) for email, *rest in rows]
        found = foreseen_then_done(Import(runtime, spec("contact", PEOPLE, key="email"), fresh, size))
        assert found == Counter(rows=5, created=2, updated=1, unchanged=2, rejected=0)


@pytest.mark.parametrize("seed", range(6))
def test_any_file_is_foreseen(runtime, seed):
    drawn = random.Random(seed)
    rows = [
        (
            drawn.choice([f"any{seed}-{n}@example.com" for n in range(12)] + ["no address", ""]),
            drawn.choice(["A", "B", "a", ""]),
            drawn.choice(["X", "Y", ""]),
        )
        for _ in range(80)
    ]
    Import(runtime, spec("contact", PEOPLE, key="email"), rows[:10]).do()
    asked = spec("contact", PEOPLE, key="email", blank=drawn.choice(["keep", "clear"]))
    foreseen_then_done(Import(runtime, asked, rows, drawn.choice([1, 3, 7, 100])))


@pytest.mark.parametrize("seed", range(6))
def test_any_file_with_attributes_to_be_made_is_foreseen(runtime, seed):
    drawn = random.Random(seed)
    attributes = [{**one, "name": f"{one['name']}_{seed}", "label": f"{one['label']} {seed}"} for one in ATTRIBUTES]
    header = ("code", "badge", "score", "firstname")
    names = (*(f"{name}_{seed}" for name in header[:3]), "firstname")
    rows = [
        (
            drawn.choice([f"c{n}" for n in range(15)] + [""]),
            drawn.choice([f"b{n}" for n in range(40)] + [""] * 10),
            drawn.choice(["1", "2", "x", ""]),
            drawn.choice(["A", "B", ""]),
        )
        for _ in range(60)
    ]
    asked = spec("contact", names, key=names[0])
    foreseen_then_done(Import(runtime, asked, rows, drawn.choice([1, 4, 9, 100]), attributes))


@pytest.mark.parametrize("missing", ["reject", "create", "left"])
@pytest.mark.parametrize("size", [1, 3, 50])
def test_rows_that_name_each_other_are_foreseen(runtime, missing, size):
    header = ("name", "city", "Parent")
    link = Link(column=2, header="Parent", type="company", attribute="name", missing=missing, relation=14)
    asked = spec("company", header, key="name", columns=columns(header[:2]), links=(link,))
    drawn = random.Random(size)
    name = f"F{missing}{size} "
    rows = [(f"{name}{n}", "X", f"{name}{drawn.randrange(n, 24)}" if n % 3 else "") for n in range(1, 20)]
    rows = [(own, city, "" if parent == own else parent) for own, city, parent in rows]
    foreseen_then_done(Import(runtime, asked, rows, size))


def test_nothing_is_left_behind(runtime):
    job = Import(runtime, spec("contact", PEOPLE, key="email"), [("left@example.com", "A", "B")] * 3, 1).begin("dry")
    job.work(2)
    kept = "select count(*) from import_seen where job_id = %(job)s"
    purge_seen(runtime.db)
    with runtime.db.connect() as connection:
        assert connection.row(kept, {"job": job.job().id}) == (1,)
    job.work()
    assert purge_seen(runtime.db) > 0
    with runtime.db.connect() as connection:
        assert connection.row(kept, {"job": job.job().id}) == (0,)


def test_a_few_rows_are_shown_with_what_changes(runtime):
    Import(runtime, spec("contact", PEOPLE, key="email"), [("show@example.com", "A", "B")]).do()
    job = Import(runtime, spec("contact", PEOPLE, key="email"), [("show@example.com", "C", "B")] + [
        (f"show{n}@example.com", "A", "") for n in range(20)
    ]).do("dry")  # fmt: skip
    (report,) = job.reports("dry")
    assert len(report.samples) == 5
    first = report.samples[0]
    assert (first.line, first.outcome, first.changed) == (2, "updated", {"first_name": ("A", "C")})
    assert values(runtime, "contact", ("firstname",), by="email")["show@example.com"] == ("A",)
