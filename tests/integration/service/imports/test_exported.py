"""What was exported and is imported is unchanged, or puts everything back; whatever the texts look like."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eav.extract import Extract
from shared.eav.filters import Condition, Operator
from shared.service.definitions import AttributeDef
from shared.service.entities import Draft, Ref, Update, View
from shared.service.files.reading import open_table
from shared.service.files.writing import FORMATS
from shared.service.imports.spec import Column, ImportSpec, Key
from shared.service.links import LinkItem, LinkTo
from tests.factories.kinds import OPTIONS, RAW
from tests.integration.service.imports.importing import CTX, Import, facts

KINDS = (
    "string",
    "long_text",
    "phone",
    "url",
    "number",
    "boolean",
    "date",
    "datetime",
    "enumeration",
    "multi_enumeration",
)
NAMES = tuple(f"x_{kind}" for kind in KINDS)
NOTHING = View(attributes=())


@pytest.fixture(scope="module", autouse=True)
def _attributes(runtime: Any) -> None:
    chosen = {"enumeration", "multi_enumeration"}
    made = [
        AttributeDef(name, name, kind, options=OPTIONS if kind in chosen else ())
        for name, kind in zip(NAMES, KINDS, strict=True)
    ]
    runtime.definitions.add_attributes(CTX, "contact", made)


def exported(runtime: Any, kind: str, ids: list[int], **more: Any) -> tuple[tuple[str, ...], list[list[str]]]:
    """The header and the cells of a file of these entities, as an import reads them."""
    form = FORMATS[kind]
    chosen = Condition("id", Operator.IN, tuple(ids))
    asked = Extract(chosen, attributes=("email", *NAMES), form=form.form, counted=True, longest=form.longest, **more)
    with runtime.exports.extract(CTX, "contact", asked) as found:
        content = b"".join(form.pieces(found, [one.name for one in found.columns]))
    table = open_table(lambda: io.BytesIO(content))
    return table.header, [list(row.cells) for row in table.rows]


def made(runtime: Any, people: list[Mapping[str, Any]]) -> list[int]:
    """Contacts with these values."""
    return [one.id for one in runtime.entities.create(CTX, "contact", [Draft(one) for one in people], NOTHING)]


def by_id(header: tuple[str, ...], **more: Any) -> ImportSpec:
    """Rows find their entity by the exported id."""
    columns = [
        Column(index=at, attribute=name, header=name, decimal=".") for at, name in enumerate(header) if name != "id"
    ]
    return ImportSpec(type="contact", mode="update", id_column=0, columns=columns, header=header, **more)


def by_key(header: tuple[str, ...]) -> ImportSpec:
    """Rows find their entity by its address."""
    columns = [Column(index=at, attribute=name, header=name) for at, name in enumerate(header) if name != "id"]
    return ImportSpec(type="contact", key=Key(column=1, attribute="email"), columns=columns, header=header)


def typed(runtime: Any, ids: list[int]) -> list[dict[str, Any]]:
    """All values of these contacts that can be written."""
    found = runtime.entities.read(CTX, "contact", [Ref(ident) for ident in ids], View("text", NAMES))
    return [{name: one.values[name] for name in NAMES} for one in found]


@pytest.mark.parametrize("kind", ["csv", "xlsx", "ndjson"])
def test_an_exported_file_finds_everything_unchanged(runtime: Any, kind: str):
    most = max(len(RAW[one]) for one in KINDS)
    people = [
        {"email": f"{kind}{n}@export.example"}
        | {
            name: RAW[of][n % len(RAW[of])]
            for at, (name, of) in enumerate(zip(NAMES, KINDS, strict=True))
            if (n + at) % 5
        }
        for n in range(most)
    ]
    ids = made(runtime, people)
    header, rows = exported(runtime, kind, ids)
    before = facts(runtime)
    for asked in (by_id(header), by_id(header, blank="clear"), by_key(header)):
        job = Import(runtime, asked, rows).do()
        assert job.errors() == {}
        assert job.counts()["unchanged"] == job.counts()["rows"] == most
    assert facts(runtime) == before


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6).map(
    lambda text: text if text.strip() else "=x"
)
ODD = st.builds(
    lambda first, rest: first + rest,
    st.sampled_from(["=", "'", "''", "+", "-", "@", "\t", "\r", "\n", " ", "_x0041_", ""]),
    TEXT,
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "x_string": ODD,
        "x_long_text": ODD,
        "x_number": st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**25), max_value=10**25),
        "x_boolean": st.booleans(),
        "x_date": st.dates().map(str),
        "x_datetime": st.datetimes().map(lambda one: one.isoformat(timespec="milliseconds")),
        "x_multi_enumeration": st.lists(st.sampled_from([one.value for one in OPTIONS]), min_size=1, unique=True),
    },
)


@settings(max_examples=30, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=3), kind=st.sampled_from(["csv", "xlsx", "ndjson"]))
def test_export_and_import_are_an_identity_on_state(runtime: Any, values: list[Mapping[str, Any]], kind: str):
    ids = made(runtime, list(values))
    header, rows = exported(runtime, kind, ids)
    before = typed(runtime, ids)
    unchanged = Import(runtime, by_id(header, blank="clear"), rows).do()
    assert (unchanged.errors(), unchanged.counts()["unchanged"]) == ({}, len(ids))
    other = {
        "x_string": "other",
        "x_number": 5,
        "x_boolean": None,
        "x_date": "2020-02-02",
        "x_multi_enumeration": "done",
    }
    runtime.entities.update(
        CTX, "contact", [Update(Ref(ident), {**other, "x_long_text": None}) for ident in ids], NOTHING
    )
    assert Import(runtime, by_id(header, blank="clear"), rows).do().errors() == {}
    assert typed(runtime, ids) == before


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_exported_links_are_links_that_are_there(runtime: Any, kind: str):
    firms = [
        one.id for one in runtime.entities.create(CTX, "company", [Draft({"name": f"F{n}"}) for n in range(3)], NOTHING)
    ]
    ids = made(runtime, [{"email": f"linked{kind}{n}@export.example"} for n in range(2)])
    runtime.links.put(CTX, "contact", [LinkItem(ids[0], LinkTo("company", firm)) for firm in firms])
    header, rows = exported(runtime, kind, ids, links=("company",))
    assert header[-1] == "associations.company"
    assert [row[-1] for row in rows] == [";".join(map(str, firms)), ""]
    link = {"column": len(header) - 1, "type": "company", "header": header[-1]}
    columns = by_id(header).columns[:-1]
    asked = ImportSpec(type="contact", mode="update", id_column=0, columns=columns, links=(link,), header=header)
    before = facts(runtime)
    assert Import(runtime, asked, rows).do().counts()["unchanged"] == 2
    assert facts(runtime) == before
