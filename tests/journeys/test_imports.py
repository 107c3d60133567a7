"""Files come in through the command line, as somebody would: real ones where they lie beside the project.

What is there afterwards is compared with what can be calculated from the file alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.asking import count, outcomes
from tests.journeys.sales_files import SalesFile, accounts, leads

LEADS = ("--type", "contacts", "--key", "Prospect ID", "--blank", "Select", "--create-attributes")
PARENT = "subsidiary_of=company.name:Parent company"


def changed(http: httpx.Client, type_name: str, since: str) -> int:
    """How many entities were written after an instant."""
    return count(http, type_name, {"attribute": "updated_at", "operator": "GT", "value": since})


def latest(http: httpx.Client, type_name: str) -> str:
    """When an entity was written last."""
    asked = {"limit": 1, "sorts": ["-updated_at"], "attributes": []}
    return http.post(f"/api/v1/objects/{type_name}/query", json=asked).json()["results"][0]["updated_at"]


@pytest.fixture(scope="module")
def people(folder: Path) -> SalesFile:
    return leads(folder)


@pytest.fixture(scope="module")
def imported(crm: Callable[..., Any], people: SalesFile) -> Mapping[str, Any]:
    """The leads, imported."""
    return crm("import", str(people.path), *LEADS)


def test_a_dry_run_foretells_and_changes_nothing(crm: Callable[..., Any], http: httpx.Client, people: SalesFile):
    before = count(http, "contacts"), len(http.get("/api/v1/types/contacts/attributes").json()["results"])
    told = crm("import", str(people.path), *LEADS, "--dry-run")
    assert outcomes(told, "dry") == (len(people.rows), 0, 0, 0)
    assert told["samples"]
    after = count(http, "contacts"), len(http.get("/api/v1/types/contacts/attributes").json()["results"])
    assert after == before


def test_every_row_is_a_contact(imported: Mapping[str, Any], http: httpx.Client, people: SalesFile):
    assert outcomes(imported) == (len(people.rows), 0, 0, 0)
    assert imported["state"] == "done"
    assert count(http, "contacts") == len(people.rows)


def test_searches_find_what_is_in_the_file(imported: Mapping[str, Any], http: httpx.Client, people: SalesFile):
    filled = {one["column"]: one["attribute"] for one in imported["mapping"]["columns"]}
    kinds = {one["name"]: one["type"] for one in http.get("/api/v1/types/contacts/attributes").json()["results"]}
    assert set(filled) == set(people.rows[0])
    for column, name in filled.items():
        asked = {"attribute": name, "operator": "NOT_HAS_PROPERTY"}
        assert count(http, "contacts", asked) == people.blanks(column), column
        if column in ("Prospect ID", "Lead Number"):
            continue
        for text in people.frequent(column):
            value = {"boolean": {"1": "true", "0": "false", "yes": "true", "no": "false"}}.get(kinds[name], {})
            asked = {"attribute": name, "operator": "EQ", "value": value.get(text.lower(), text)}
            assert count(http, "contacts", asked) == people.holding(column, text, kinds[name]), (column, text)
    more = {"attribute": filled["TotalVisits"], "operator": "GT", "value": 2}
    assert count(http, "contacts", more) == people.above("TotalVisits", Decimal(2))


def test_the_key_is_unique_and_finds_one(imported: Mapping[str, Any], http: httpx.Client, people: SalesFile):
    key = imported["mapping"]["key"]["attribute"]
    row = people.rows[len(people.rows) // 2]
    one = http.get(f"/api/v1/objects/contacts/{row['Prospect ID']}", params={"by": key, "attributes": "*"}).json()
    filled = {item["column"]: item["attribute"] for item in imported["mapping"]["columns"]}
    assert str(one["values"][filled["Lead Number"]]) == row["Lead Number"]
    assert one["values"][filled["Lead Origin"]] == row["Lead Origin"]


def test_again_changes_nothing(
    imported: Mapping[str, Any], crm: Callable[..., Any], http: httpx.Client, people: SalesFile
):
    before = latest(http, "contacts")
    told = crm("import", str(people.path), "--type", "contacts")  # the mapping of such a file is remembered
    assert outcomes(told) == (0, 0, len(people.rows), 0)
    assert changed(http, "contacts", before) == 0


def test_what_is_exported_is_imported_unchanged(
    imported: Mapping[str, Any], crm: Callable[..., Any], folder: Path, people: SalesFile, http: httpx.Client
):
    before = latest(http, "contacts")
    for name in ("out.csv", "out.xlsx"):
        told = crm("export", "contacts", "-o", str(folder / name))
        assert told["rows"] == len(people.rows)
        assert outcomes(crm("import", str(folder / name), "--type", "contacts")) == (0, 0, len(people.rows), 0)
    assert changed(http, "contacts", before) == 0


def test_undo_takes_back_all_but_what_was_changed_since(
    crm: Callable[..., Any], http: httpx.Client, folder: Path, imported: Mapping[str, Any]
):
    before = count(http, "contacts")
    file = folder / "few.csv"
    file.write_text("email,city\n" + "".join(f"few{n}@files.example,Bonn\n" for n in range(5)), encoding="utf-8")
    first = crm("import", str(file), "--type", "contacts")
    file.write_text("email,city\n" + "".join(f"few{n}@files.example,Köln\n" for n in range(7)), encoding="utf-8")
    second = crm("import", str(file), "--type", "contacts")
    assert (outcomes(first), outcomes(second)) == ((5, 0, 0, 0), (2, 5, 0, 0))
    http.patch("/api/v1/objects/contacts/few1@files.example?by=email", json={"values": {"city": "Wien"}})
    http.patch("/api/v1/objects/contacts/few6@files.example?by=email", json={"values": {"city": "Wien"}})
    told = crm("imports", "undo", second["id"])
    assert told["state"] == "undone"
    assert {one["attribute"] for one in told["kept"]} == {"city", ""}
    cities = {"Bonn": 4, "Köln": 0, "Wien": 2}
    for city, expected in cities.items():
        assert count(http, "contacts", {"attribute": "city", "operator": "EQ", "value": city}, text="files") == expected
    assert count(http, "contacts") == before + 6


def test_rejected_rows_are_mended_and_imported(crm: Callable[..., Any], folder: Path):
    file = folder / "mended.csv"
    file.write_text("email,city\ngood@mend.example,Bonn\nnobody at nowhere,=Bonn\n", encoding="utf-8")
    told = crm("import", str(file), "--type", "contacts")
    assert outcomes(told) == (1, 0, 0, 1)
    wrong = Path(told["error_file"])
    assert wrong == folder / "mended.errors.csv"
    text = wrong.read_text(encoding="utf-8-sig")
    assert "INVALID_EMAIL" in text
    wrong.write_text(text.replace("nobody at nowhere", "nobody@mend.example"), encoding="utf-8")
    again = crm("import", str(wrong), "--type", "contacts", "--create-attributes")
    assert outcomes(again) == (1, 0, 0, 0)
    assert {one["column"] for one in again["mapping"]["columns"]} == {"email", "city"}
    assert (
        crm("find", "contact", "email = nobody@mend.example", "--columns", "City")["results"][0]["values"]["city"]
        == "=Bonn"
    )


def test_companies_are_linked_with_their_parents(crm: Callable[..., Any], http: httpx.Client, folder: Path):
    firms = accounts(folder)
    told = crm(
        "import", str(firms.path), "--type", "companies", "--key", "account", "--link", PARENT, "--create-attributes"
    )
    assert outcomes(told) == (len(firms.rows), 0, 0, 0)
    children = {row["account"]: row["subsidiary_of"] for row in firms.rows if row["subsidiary_of"]}
    ids = {one["values"]["name"]: one["id"] for one in crm("find", "company", "--limit", "500")["results"]}
    for child, parent in children.items():
        links = http.get(f"/api/v1/objects/companies/{ids[child]}/links/companies").json()["results"]
        parents = [one["id"] for one in links if "Parent company" in {r["label"] for r in one["relations"]}]
        assert parents == [ids[parent]]
    linked = {"attribute": "associations.company", "operator": "HAS_PROPERTY"}
    assert count(http, "companies", linked) == len({*children, *children.values()})
    before = latest(http, "companies")
    assert outcomes(crm("import", str(firms.path), "--type", "companies")) == (0, 0, len(firms.rows), 0)
    assert changed(http, "companies", before) == 0


def test_contacts_are_linked_with_companies_by_a_file(crm: Callable[..., Any], http: httpx.Client, folder: Path):
    (folder / "firms.csv").write_text("name,domain,industry\nA,a.example,MEDIA\nB,b.example,ENERGY\n", encoding="utf-8")
    crm("import", str(folder / "firms.csv"), "--type", "companies", "--key", "domain")
    lines = "".join(f"p{n}@work.example,{'a' if n % 3 else 'b'}.example\n" for n in range(9))
    (folder / "work.csv").write_text("email,domain\n" + lines + "x@work.example,nobody.example\n", encoding="utf-8")
    told = crm(
        "import", str(folder / "work.csv"), "--type", "contacts", "--key", "email", "--link", "domain=company.domain"
    )
    assert outcomes(told) == (9, 0, 0, 1), told
    media = {"attribute": "company.industry", "operator": "EQ", "value": "MEDIA"}
    assert count(http, "contacts", media, text="work") == 6


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--key", "E-mial"), "did you mean email"),
        (("--map", "city=ctiy", "--ignore", "sity"), "ctiy"),
        (("--link", "city=company.nmae"), "did you mean name"),
        (("--link", "city=company.name:Owner"), "have no label"),
        (("--mode", "replace"), "upsert, create, update"),
    ],
)
def test_mistakes_are_told_before_anything_is_done(
    crm: Callable[..., Any], folder: Path, words: tuple[str, ...], told: str
):
    file = folder / "mistaken.csv"
    file.write_text("email,city\na@mistake.example,Bonn\n", encoding="utf-8")
    assert told in crm("import", str(file), "--type", "contacts", *words, code=2)
    assert told
