"""Texts with variables: what is allowed, what is named, and what cannot be made to cost anything."""

from __future__ import annotations

import pytest

from services.service_desk.macros.templates import MOST_SOURCE, MOST_TEXT, problems, rendered
from shared.kernel.errors import Invalid

KNOWN = {"ticket": ("subject", "priority"), "requester": ("first_name",)}
WORDS = {"ticket": {"subject": "Printer", "priority": ""}, "requester": {"first_name": "Ada"}}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ ticket.subject }}", "Printer"),
        ("{{ ticket['subject'] }}", "Printer"),
        ("[{{ ticket.priority }}]", "[]"),
        ("{{ ticket.priority | default('none', true) }}", "none"),
        ("{% if ticket.priority %}{{ ticket.priority }}{% else %}no{% endif %}", "no"),
        ("{{ 'yes' if ticket.subject == 'Printer' else 'no' }}", "yes"),
        ("{{ requester.first_name | upper | truncate(3) }}", "ADA"),
        ("<b>{{ ticket.subject }}</b>\n", "<b>Printer</b>\n"),
    ],
)
def test_it_is_filled_in(source: str, text: str) -> None:
    assert problems(source, KNOWN, "text") == []
    assert rendered(source, WORDS) == text


@pytest.mark.parametrize(
    "source",
    [
        "{% for one in ticket %}x{% endfor %}", "{{ ticket.subject * 9999999 }}", "{{ 9 ** 99999999 }}",
        "{{ ticket.subject.upper() }}", "{{ ticket.subject | replace('a', 'b') }}", "{% set a = 1 %}", "{{ [1, 2] }}",
        "{% macro a() %}{% endmacro %}", "{% include 'a' %}", "{% import 'a' as b %}",
        "{% raw %}{{ {% endraw %}{{ x() }}",
        "{{ ticket.subject ~ ticket.subject }}", "{{ ticket['sub' + 'ject'] }}", "{{ ticket[0] }}", "{{", "{% if %}",
        "{% block a %}{% endblock %}", "{{ ticket.subject is divisibleby(3) }}", "{{ -1 }}",
        "{% call a() %}{% endcall %}",
        "{% filter upper %}a{% endfilter %}", "{{ ticket.subject | truncate(*ticket) }}",
        "{{ ticket.subject | truncate(2) }}", "{% with a = 1 %}{% endwith %}",
    ],
)  # fmt: skip
def test_it_is_no_program(source: str) -> None:
    assert {one.code for one in problems(source, KNOWN, "text")} == {"INVALID_TEMPLATE"}


@pytest.mark.parametrize(
    "source",
    ["{{ ticket.subjects }}", "{{ tickets.subject }}", "{{ ticket }}", "{{ ticket.subject.x }}",
     "{{ ticket.__class__ }}",
     "{{ self }}", "{{ loop }}", "{{ cycler }}", "{{ ticket.subject.__class__.__mro__ }}", "{{ requester.format }}"],
)  # fmt: skip
def test_unknown_variables_are_named(source: str) -> None:
    (found,) = problems(source, KNOWN, "text")
    assert found.code == "UNKNOWN_VARIABLE"
    assert source.strip("{} ") in found.message


def test_all_of_them_at_once_with_near_ones() -> None:
    found = problems("{{ ticket.subjekt }}{{ ticket.subject }}{{ requester.name }}", KNOWN, "text")
    assert [one.nearest[:1] for one in found] == [("requester.first_name",), ("ticket.subject",)]


@pytest.mark.parametrize(
    "source",
    ["{% if ticket.priority >= 3 %}x{% endif %}", "{{ ticket.subject | truncate(2) }}", "{{ 'a' | upper(1) }}"],
)
def test_what_cannot_be_filled_in_is_told_in_our_words(source: str) -> None:
    (found,) = problems(source, KNOWN, "text")
    for word in ("not supported", "'str'", "expected", "argument", "()"):
        assert word not in found.message


def test_limits() -> None:
    assert problems("x" * (MOST_SOURCE + 1), KNOWN, "text")[0].code == "LIMIT_EXCEEDED"
    assert problems("(" * 5 + "{{ " + "(" * 3000 + " }}", KNOWN, "text")[0].code == "INVALID_TEMPLATE"
    long = {**WORDS, "ticket": {"subject": "x" * (MOST_TEXT // 10)}}
    assert len(rendered("{{ ticket.subject }}" * 10, long)) == MOST_TEXT
    with pytest.raises(Invalid, match="comes to more than"):
        rendered("{{ ticket.subject }}" * 11, long)
