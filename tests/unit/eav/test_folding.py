"""Folding, words, slots and wildcards."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.eav.folding import (
    fold,
    like_pattern,
    nearest,
    prefix_like,
    query_parts,
    slot_text,
    token_matches,
    token_pattern,
    words,
)

any_text = st.text(max_size=60)
typed = st.text("abAB12 .@-_%\\*预计é\u0301❤\ufe0fßİ½", max_size=14)


def reference_like(text: str, pattern: str) -> bool:
    """LIKE as PostgreSQL documents it, by translation to a regular expression."""
    out = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            out.append(re.escape(next(characters)))
        else:
            out.append({"%": ".*", "_": "."}.get(character) or re.escape(character))
    return re.fullmatch("".join(out), text, re.DOTALL) is not None


@given(any_text)
@example("ΐ")
@example("\u1e9e\ufb03\u0345")
@example("İI\u0307")
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("Ünal", "üNAL"),
        ("ＡＢＣ", "abc"),
        ("ﬁne", "FINE"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("e\u0301", "é"),
        ("ｶﾞ", "ガ"),
    ],
)
def test_texts_that_count_as_equal(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_turkish_letters_are_not_equated() -> None:
    assert fold("ı") != fold("i")


@given(any_text)
def test_words_of_words_are_the_same(text: str) -> None:
    found = words(text)
    assert words(found) == found
    assert "  " not in found
    assert found == "" or (found[0] == found[-1] == " " and found.strip())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anna@Example.com", " anna example com "),
        ("预计收入", " 预 计 收 入 "),
        ("abc预计12", " abc 预 计 12 "),
        ("カタカナ ひらがな", " カ タ カ ナ ひ ら が な "),
        ("한국어", " 한 국 어 "),
        ("हिन्दी", " हिन्दी "),
        ("مرحبا بالعالم", " مرحبا بالعالم "),
        ("I ❤\ufe0f you", " i you "),
        ("snake_case", " snake case "),
        ("", ""),
        ("--- !", ""),
        ("❤\ufe0f", ""),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert words(text) == expected


def test_short_slots_are_the_text_and_long_ones_stay_distinct() -> None:
    assert slot_text("a" * 200) == "a" * 200
    long, other = slot_text("a" * 201), slot_text("a" * 202)
    assert long != other
    assert len(long) < 200
    assert long.startswith("a" * 160)
    assert slot_text(long) == long


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_slots_are_equal_exactly_when_texts_fold_alike(one: str, other: str) -> None:
    assert (slot_text(fold(one)) == slot_text(fold(other))) == (fold(one) == fold(other))


@pytest.mark.parametrize(
    ("operand", "text", "expected"),
    [
        ("anna", "Anna Smith", True),
        ("ann", "Anna Smith", False),
        ("ann*", "Anna Smith", True),
        ("*nna", "Anna Smith", True),
        ("*nn*", "Anna Smith", True),
        ("anna smith", "Dr. ANNA  SMITH", True),
        ("anna smith", "Anna B. Smith", False),
        ("anna*smith", "Anna B. Smith", True),
        ("b3*", "x B345", True),
        ("b3*", "ab3", False),
        ("*@example.com", "anna@example.com", True),
        ("*@example.com", "anna@example.company", False),
        ("*example.com", "anna@myexample.com", True),
        ("收入", "预计收入", True),
        ("计入", "预计收入", False),
        ("预*", "预计收入", True),
        ("*", "anything", True),
        ("***", "anything", True),
        ("*", "!!!", False),
        ("@@", "a@@b", False),
        ("a%", "abc", False),
        ("a_c", "abc", False),
        ("", "abc", False),
    ],
)
def test_tokens(operand: str, text: str, expected: bool) -> None:
    assert token_matches(operand, words(text)) is expected


@given(typed, typed)
@settings(max_examples=500)
def test_tokens_in_python_and_as_a_like_pattern_agree(operand: str, text: str) -> None:
    assert token_matches(operand, words(text)) == reference_like(words(text), like_pattern(operand))


@given(typed)
def test_every_word_of_a_text_is_found_in_it(text: str) -> None:
    for word in words(text).split():
        assert token_matches(word, words(text))
        assert token_matches(f"{word[0]}*", words(text))
        assert token_matches(f"*{word[-1]}", words(text)) or not word[-1].isalnum()


@given(typed, typed)
def test_prefix_patterns_are_literal(prefix: str, text: str) -> None:
    assert reference_like(text, prefix_like(prefix)) == text.startswith(prefix)


def test_parts_of_patterns() -> None:
    assert token_pattern("b3*") == [" b3"]
    assert token_pattern("*@example.com") == [" example com "]
    assert token_pattern("a*b") == [" a", "b "]
    assert like_pattern("*") == "% %"


def test_query_parts() -> None:
    assert query_parts("Anna@Example.com  anna  ANNA !") == ("anna example com", "anna")
    assert query_parts("  ") == ()
    assert query_parts("ab 预计 预") == (" ab", "预 计", " 预")


def test_nearest_ignores_case() -> None:
    assert nearest("IN_PROGRES", ["new", "in_progress"]) == ("in_progress",)
    assert nearest("zzzzzz", ["new"]) == ()


def test_the_longest_expansion_is_folded() -> None:
    assert len(words("\ufdfa" * 65_536)) > 65_536
