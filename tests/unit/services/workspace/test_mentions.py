"""What may be somebody's value in the text of a row."""

from __future__ import annotations

import pytest

from services.workspace.domain.mentions import Mentions, mentions


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("ada@fair.example", "ada@fair.example"),
        (" Ada <ada@fair.example>, Bo", "ada@fair.example"),
        ("write to mailto:ada@fair.example.", "ada@fair.example"),
        ("see A-17/b, please", "A-17/b"),
        ("account: Ada Lovelace Ltd (closed)", "Ada Lovelace Ltd"),
    ],
)
def test_values_are_found_in_cells(cell: str, text: str):
    assert text in mentions([None, cell])


def test_long_cells_cost_no_more_than_their_beginning():
    assert len(mentions(["word " * 100_000])) < 10
    assert len(mentions([" ".join(map(str, range(100_000)))])) < 2000


def test_only_texts_of_a_form_are_looked_at_closer():
    asked: list[str] = []
    found = Mentions(lambda text: bool(asked.append(text)) or text == "ada@x", ["@"])
    assert [found.within(one) for one in ("Ada, Bo", "to ada@x", "bo@x")] == [False, True, False]
    assert "Ada" not in asked
    before = len(asked)
    assert (found.within("to ada@x"), len(asked)) == (True, before)
    assert not Mentions(lambda _: True, []).within("ada@x")


def test_texts_go_from_documents_and_what_has_none_is_the_same():
    found = Mentions(lambda text: text == "ada@x", ["@"])
    document = {"a": [1, ["bo@x", "ada@x"]], "ada@x": 2, "b": "ada@x", "c": None}
    assert found.without(document) == {"a": [1, ["bo@x"]], "b": "", "c": None}
    plain = {"a": [1, ("bo@x", 2)]}
    assert found.without(plain) is plain
