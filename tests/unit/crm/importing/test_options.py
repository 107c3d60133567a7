"""Words of the command line and mapping files become options, and back."""

from __future__ import annotations

import pytest

from crm.importing.options import (
    DATE_FORMATS,
    BadOption,
    LinkOption,
    Options,
    by_column,
    link_options,
    load,
    pairs,
    save,
    value_pairs,
)

FULL = Options(
    type="contacts",
    key="Prospect ID",
    mode="upsert",
    map={"a=b": "first_name"},
    ignore=("x", "收入"),
    values={"Stage": {"Hot": "lead", "": "customer"}},
    set={"city": "Berlin"},
    links=(LinkOption("Firm", "company", "domain", "Chef"),),
    missing="create",
    blanks=("Select",),
    clear_blanks=True,
    effective_at="Created",
    date_formats={"": "DMY", "Born": "ISO"},
    decimals={"Sum": ","},
)


def test_a_saved_mapping_is_the_same(tmp_path):
    save(FULL, tmp_path / "m.json")
    assert load(tmp_path / "m.json") == FULL
    save(Options(), tmp_path / "empty.json")
    assert (tmp_path / "empty.json").read_text() == "{}\n"


def test_what_is_said_goes_before_what_was_kept():
    said = Options(key="E-mail", map={"b": "city"}, blanks=("n/a",), date_formats={"": "MDY"})
    both = said.over(FULL)
    assert (both.key, both.mode, both.blanks) == ("E-mail", "upsert", ("n/a",))
    assert both.map == {"a=b": "first_name", "b": "city"}
    assert both.date_formats == {"": "MDY", "Born": "ISO"}
    assert FULL.over(Options()) == Options().over(FULL) == FULL


def test_words():
    assert pairs(["a=b=c", " x = y "], "map") == {"a=b": "c", "x": "y"}
    assert value_pairs(["Stage:Hot=lead", "Stage:=none", "S:a=b=c"]) == {
        "Stage": {"Hot": "lead", "": "none"},
        "S": {"a": "b=c"},
    }
    assert link_options(["Firm=company.name", "Boss=contact", "P=company.name:Parent company"]) == (
        LinkOption("Firm", "company", "name"),
        LinkOption("Boss", "contact", "id"),
        LinkOption("P", "company", "name", "Parent company"),
    )
    assert by_column(["dmy", "Born:iso", "a:b:MDY"], "date-format", DATE_FORMATS) == {
        "": "DMY",
        "Born": "ISO",
        "a:b": "MDY",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: pairs(["nothing"], "map"),
        lambda: pairs(["=x"], "map"),
        lambda: value_pairs(["Stage=x"]),
        lambda: value_pairs(["Stage:x"]),
        lambda: link_options(["Firm"]),
        lambda: link_options(["Firm="]),
        lambda: by_column(["YDM"], "date-format", DATE_FORMATS),
    ],
)
def test_words_that_mean_nothing(wrong):
    with pytest.raises(BadOption, match="--"):
        wrong()


@pytest.mark.parametrize("text", ["[]", '{"map": 5}', '{"mpa": {}}', "nope", '{"links": [{"kolumn": 1}]}', "\x00"])
def test_files_that_are_no_mapping(tmp_path, text):
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(BadOption, match=r"m\.json"):
        load(tmp_path / "m.json")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(BadOption, match="cannot be read"):
        load(tmp_path / "m.json")


def test_links_that_were_kept_go_with_columns_that_are_ignored():
    kept = Options(links=(LinkOption("Product", "product", "name"), LinkOption("Firm", "company", "name")))
    assert [one.column for one in Options(ignore=("product",)).over(kept).links] == ["Firm"]
    both = Options(ignore=("Product",), links=(LinkOption("Product", "product"),))
    assert both.over(kept).links == both.links
