"""From cells to what the engine is asked to write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.eav.declare import AttributeDef, OptionDef
from shared.service.imports.conversion import Converter
from shared.service.imports.spec import Column, EffectiveAt, ImportSpec, Key, Link

ATTRIBUTES = {
    one.name: one
    for one in (
        AttributeDef("name", "Name", id=1),
        AttributeDef("size", "Size", "number", id=2),
        AttributeDef("since", "Since", "date", id=3),
        AttributeDef("active", "Active", "boolean", id=4),
        AttributeDef("tags", "Tags", "multi_enumeration", id=5, options=(OptionDef("a"), OptionDef("b"))),
        AttributeDef("owner_id", "Owner", "reference", id=6, reference="owner"),
    )
}


def spec(**more):
    columns = {name: Column(index=place, attribute=name, header=name) for place, name in enumerate(ATTRIBUTES)}
    given = more.pop("columns", {})
    settings = {"type": "company", "key": Key(column=0, attribute="name"), "header": tuple(ATTRIBUTES), **more}
    return ImportSpec(columns=tuple({**columns, **given}.values()), **settings)


def converted(cells, line=2, **more):
    return Converter(spec(**more), ATTRIBUTES.get)(line, cells)


def test_a_row():
    row = converted(["Ürün A.Ş.", "1.234,5 ", "31.12.2025", "ja", "a\r\nb", "77"], columns=declared())
    assert row.values == {
        "name": "Ürün A.Ş.",
        "size": "1234.5",
        "since": "2025-12-31",
        "active": True,
        "tags": "a;b",
        "owner_id": "77",
    }
    assert (row.line, row.key, row.errors, row.effective_at) == (2, "Ürün A.Ş.", [], None)


def declared():
    return {
        "size": Column(index=1, attribute="size", decimal=","),
        "since": Column(index=2, attribute="since", date_format="DMY"),
    }


def test_text_stays_as_written():
    assert converted(["  two  words ", "", "", "", "", ""]).values == {"name": "  two  words "}


def test_a_blank_keeps_unless_it_clears():
    assert converted(["A", " ", "select", "", "", ""], blanks=("Select ",)).values == {"name": "A"}
    cleared = converted(["A", "", "Select", "1", "a", "1"], blanks=("select",), blank="clear").values
    assert (cleared["size"], cleared["since"], cleared["active"]) == (None, None, True)
    columns = {"size": Column(index=1, attribute="size", blank="keep")}
    assert "size" not in converted(["A", "", "", "", "", ""], blank="clear", columns=columns).values


def test_mapped_cells_mean_something_else_and_may_clear():
    columns = {"active": Column(index=3, attribute="active", values={"won": "yes", "open": ""})}
    assert converted(["A", "", "", " won ", "", ""], columns=columns).values["active"] is True
    assert converted(["A", "", "", "open", "", ""], columns=columns).values["active"] is None


def test_set_values_fill_what_no_column_does():
    row = converted(["A", "5", "", "", "", ""], set={"size": "9", "active": "true"})
    assert row.values == {"name": "A", "size": "5", "active": "true"}


def test_all_errors_of_a_row_are_told_and_none_quotes_a_cell():
    row = converted(["", "a lot", "7/9/2016", "perhaps", "", "anna@example.com"])
    assert {one.name: one.code for one in row.errors} == {
        "name": "REQUIRED_FIELD",
        "size": "COULD_NOT_PARSE_NUMBER",
        "since": "COULD_NOT_PARSE_DATE",
        "active": "INVALID_ENUMERATION_OPTION",
    }
    said = " ".join(one.message for one in row.errors)
    assert not [cell for cell in ("a lot", "7/9/2016", "perhaps") if cell in said]
    assert row.lookups == {"owner_id": "anna@example.com"}


def test_a_row_of_another_width_is_refused_unless_the_rest_is_empty():
    assert converted(["A", "1"]).errors[0].code == "INCORRECT_NUMBER_OF_COLUMNS"
    assert converted(["A", "", "", "", "", "", "more"]).errors[0].code == "INCORRECT_NUMBER_OF_COLUMNS"
    assert converted(["A", "", "", "", "", "", "", None]).errors == []
    assert converted(["A", "1"], header=()).values == {"name": "A", "size": "1"}


def test_rows_are_found_by_id():
    columns = (Column(index=1, attribute="size"),)
    asked = ImportSpec(type="company", mode="update", id_column=0, columns=columns, header=("Id", "Size"))
    convert = Converter(asked, ATTRIBUTES.get)
    assert convert(2, ["42", "1"]).id == 42
    assert [(one.name, one.code) for one in convert(3, ["x", "1"]).errors] == [("Id", "INVALID_OBJECT_ID")]
    assert convert(4, ["9" * 30, "1"]).errors


def test_a_key_outside_the_columns_is_read_as_its_attribute():
    asked = ImportSpec(
        type="company", key=Key(column=1, attribute="size"), columns=(Column(index=0, attribute="name"),)
    )
    row = Converter(asked, ATTRIBUTES.get)(2, ["A", "1234.50"])
    assert (row.key, row.values) == ("1234.50", {"name": "A"})
    created = Converter(asked.model_copy(update={"mode": "create"}), ATTRIBUTES.get)(2, ["A", "7"])
    assert created.values == {"name": "A", "size": "7"}


def test_since_when_a_row_holds():
    more = {"effective_at": EffectiveAt(column=2, date_format="MDY")}
    assert converted(["A", "", "7/9/2016", "", "", ""], **more, columns=declared_mdy()).effective_at == datetime(
        2016, 7, 9, tzinfo=UTC
    )
    assert converted(["A", "", "", "", "", ""], **more).effective_at is None
    assert converted(["A", "", "x", "", "", ""], **more).errors[-1].name == "effective_at"


@pytest.mark.parametrize(
    ("text", "code"),
    [("2999-01-01", "IN_FUTURE"), ("0001-01-02", "TOO_EARLY"), ("0001-01-01T00:00:00+14:00", "INVALID_DATE")],
)
def test_a_row_does_not_count_from_the_future_or_from_no_instant(text: str, code: str):
    more = {"effective_at": EffectiveAt(column=2, date_format="YMD")}
    row = converted(["A", "", text, "", "", ""], **more)
    assert row.effective_at is None
    assert ("effective_at", code) in [(one.name, one.code) for one in row.errors]


def declared_mdy():
    return {"since": Column(index=2, attribute="since", date_format="MDY")}


def test_links_are_listed_once_each():
    links = (Link(column=4, type="company", attribute="name"), Link(column=5, type="contact"))
    row = converted(["A", "", "", "", " Acme ; Isdom;Acme; ", "select"], links=links, blanks=("Select",))
    assert row.links == {0: ("Acme", "Isdom")}


def test_names_in_link_columns_may_mean_others():
    links = (Link(column=4, type="company", values={"GTXPro": "GTX Pro", "none": ""}),)
    assert converted(["A", "", "", "", "GTXPro; Acme;none", ""], links=links).links == {0: ("GTX Pro", "Acme")}


def test_attributes_that_do_not_exist_are_told_at_once():
    columns = {"x": Column(index=0, attribute="colour"), "y": Column(index=1, attribute="shape")}
    errors = Converter(spec(columns=columns), ATTRIBUTES.get).errors
    assert {one.name for one in errors} == {"colour", "shape"}


CELLS = st.lists(st.one_of(st.none(), st.text(max_size=20), st.sampled_from(["1", "yes", "7/9/2016", ";", "Select"])))


@given(CELLS, st.sampled_from(["keep", "clear"]))
def test_any_cells_make_a_row(cells, blank):
    convert = Converter(spec(blank=blank, blanks=("Select",), links=(Link(column=0, type="company"),)), ATTRIBUTES.get)
    first, second = convert(9, cells), convert(9, cells)
    assert first == second
    assert first.line == 9
    assert set(first.values) <= set(ATTRIBUTES)
