"""Formulas are made harmless, and every text comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.service.files.formulas import RISKY, shield, unshield

TEXTS = st.text(st.sampled_from("'=+-@\t\r\n＝a1 ") | st.characters(), max_size=8)


@given(TEXTS)
def test_every_text_comes_back(text: str):
    assert unshield(shield(text)) == text


@given(TEXTS)
def test_nothing_that_is_written_begins_like_a_formula(text: str):
    assert shield(text)[:1] not in RISKY


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1", "'+49 30 1"),
        ("'=1", "''=1"),
        ("\t=1", "'\t=1"),
        ("a=1", "a=1"),
        ("'tis", "'tis"),
        ("", ""),
        ("'", "'"),
    ],
)
def test_the_rule(text: str, written: str):
    assert shield(text) == written


def test_text_of_others_with_an_apostrophe_stays():
    assert unshield("'t Hooft") == "'t Hooft"
