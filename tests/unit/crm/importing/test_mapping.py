"""From options and proposals to a specification: what was said goes first, and every fault is told at once."""

from __future__ import annotations

import pytest

from crm.importing.mapping import Proposal, Proposals, make_plan
from crm.importing.options import BadOption, LinkOption, Options
from crm.vocabulary import Attribute, Vocabulary

CONTACT = Vocabulary(
    "contacts",
    [
        Attribute("id", "Id", "reference", read_only=True),
        Attribute("email", "E-mail", "email", unique=True),
        Attribute("first_name", "First name"),
        Attribute("lifecycle_stage", "Stage", "enumeration", options=(("lead", "Lead"),)),
        Attribute("created_at", "Created", "datetime", read_only=True),
        Attribute("born", "Born", "date"),
    ],
)
COMPANY = Vocabulary("company", [Attribute("domain", "Domain name")])
COLUMNS = (
    Proposal(0, "E-Mail", "email"),
    Proposal(1, "Given name", "first_name"),
    Proposal(2, "Stage", "lifecycle_stage"),
    Proposal(3, "Birthday", "born", date_format="DMY"),
    Proposal(4, "Prospect ID", definition={"name": "prospect_id", "label": "Prospect ID", "type": "string"}),
    Proposal(5, "Firm"),
    Proposal(6, "Created", "created_at"),
)


def terms(name: str) -> Vocabulary:
    return {"contacts": CONTACT, "company": COMPANY}[name]


def relation(start: str, end: str, label: str) -> int:
    if label != "Boss":
        raise BadOption(f"no label {label}")
    return 17


def plan(create: bool = False, proposals: Proposals | None = None, **options):
    asked = Options(type="contacts", create_attributes=create, **options)
    return make_plan(asked, proposals or Proposals(COLUMNS, key=0), terms, relation)


def targets(made) -> dict[str, str]:
    return {one["column"]: one["attribute"] for one in made.mapping["columns"]}


def test_proposals_are_taken_and_read_only_attributes_left():
    made = plan()
    assert targets(made) == {
        "E-Mail": "email",
        "Given name": "first_name",
        "Stage": "lifecycle_stage",
        "Birthday": "born",
    }
    assert made.mapping["key"] == {"column": "E-Mail", "attribute": "email"}
    assert (made.mapping["mode"], made.mapping["blank"]) == ("upsert", "keep")
    assert made.mapping["columns"][3]["date_format"] == "DMY"
    assert {one.column: (one.target, one.note) for one in made.lines}["Firm"] == ("(not imported)", "")


def test_what_was_said_goes_first():
    made = plan(
        map={"firm": "First name"},
        ignore=("Stage",),
        values={"Birthday": {"today": "2026-01-01"}},
        set={"Stage": "Lead"},
        date_formats={"": "ISO", "Birthday": "YMD"},
        decimals={"": ","},
        blanks=("Select",),
        clear_blanks=True,
    )
    assert targets(made) == {"E-Mail": "email", "Firm": "first_name", "Birthday": "born"}
    assert made.mapping["set"] == {"lifecycle_stage": "lead"}
    assert made.mapping["columns"][1]["values"] == {"today": "2026-01-01"}
    assert [one["date_format"] for one in made.mapping["columns"]] == ["ISO", "YMD", "ISO"]
    assert (made.mapping["blanks"], made.mapping["blank"]) == (["Select"], "clear")
    assert {one.column: one.target for one in made.lines}["Stage"] == "(ignored)"


def test_links_and_the_instant_stand_aside():
    made = plan(
        links=(LinkOption("Firm", "company", "Domain name", "Boss"), LinkOption("Stage", "company")),
        missing="create",
        effective_at="Created",
        date_formats={"Created": "MDY"},
    )
    link = {"column": "Firm", "type": "company", "attribute": "domain", "relation": 17}
    assert made.mapping["links"][0] == {**link, "missing": "create"}
    assert made.mapping["links"][1] == {"column": "Stage", "type": "company", "attribute": "id", "missing": "create"}
    assert made.mapping["effective_at"] == {"column": "Created", "date_format": "MDY"}
    assert "Stage" not in targets(made)
    assert "links to company by Domain name, Boss" in {one.note for one in made.lines}


def test_attributes_are_made_when_asked_for_and_the_key_is_unique():
    proposals = Proposals(COLUMNS, key=4, blanks=("n/a",))
    made = plan(create=True, proposals=proposals)
    assert made.definitions == {4: {"name": "prospect_id", "label": "Prospect ID", "type": "string", "unique": True}}
    assert made.mapping["key"] == {"column": "Prospect ID", "attribute": "prospect_id"}
    assert targets(made)["Prospect ID"] == "prospect_id"
    assert made.mapping["create_attributes"] == list(made.definitions.values())
    assert made.mapping["blanks"] == ["n/a"]
    left = plan(proposals=proposals)
    assert not left.definitions
    assert left.mapping["key"]["attribute"] == "email"


def test_ids_are_updated_by():
    columns = (Proposal(0, "id"), Proposal(1, "Given name", "first_name"))
    for made in (
        plan(proposals=Proposals(columns, id_column=0)),
        plan(key="ID", proposals=Proposals(columns)),
    ):
        assert (made.mapping["mode"], made.mapping["id_column"]) == ("update", made.lines[0].column)
        assert targets(made) == {"Given name": "first_name"}
    with pytest.raises(BadOption, match="--mode update"):
        plan(key="id", mode="create", proposals=Proposals(columns))


def test_without_a_key_there_are_only_new_ones():
    columns = (Proposal(0, "Given name", "first_name"),)
    with pytest.raises(BadOption, match="which column tells entities apart"):
        plan(proposals=Proposals(columns))
    made = plan(mode="create", proposals=Proposals(columns))
    assert made.mapping["mode"] == "create"


def test_every_fault_is_told_at_once():
    with pytest.raises(BadOption) as wrong:
        plan(
            key="Prospekt ID",
            map={"Given name": "frist_name", "Nope": "city"},
            ignore=("Brithday",),
            links=(LinkOption("Firm", "company", "domian"), LinkOption("Stage", "company", "domain", "Chef")),
            set={"ctiy": "x"},
        )
    told = str(wrong.value)
    for part in ("Prospekt ID", "frist_name", "'Nope'", "did you mean Birthday", "domian", "Chef", "ctiy"):
        assert part in told


def test_a_key_that_goes_nowhere_is_refused():
    with pytest.raises(BadOption, match="fills no attribute"):
        plan(key="Firm")


def test_values_say_whom_linked_cells_mean():
    made = plan(links=(LinkOption("Firm", "company", "domain"),), values={"firm": {"Acme": "acme.example"}})
    (link,) = made.mapping["links"]
    assert link["values"] == {"Acme": "acme.example"}
