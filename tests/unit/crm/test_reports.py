"""How answers of reporting look on a screen: pivots, others, totals, units; what the commands ask for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.console import Console

from crm.commands.report import freshness, groups, measure_body, shown
from crm.screen import Screen

ANSWER: dict[str, Any] = {
    "metric": "won",
    "label": "Won",
    "definition_version": 2,
    "precomputed": True,
    "verified_at": None,
    "unit": "EUR",
    "as_of": "2026-03-01T12:00:00.000Z",
    "as_of_day": None,
    "lag_ms": 12,
    "by": ["owner"],
    "period": None,
    "rows": [
        {"group": {"owner": "7"}, "value": "1500", "n": 3},
        {"group": {"owner": None}, "value": "-20.5", "n": 1},
    ],
}


def printed(body: dict[str, Any]) -> str:
    console = Console(width=140, color_system=None)
    with console.capture() as capture:
        console.print(shown(body))
    return capture.get()


def test_values_in_their_unit_with_bars() -> None:
    text = printed(ANSWER)
    assert "1,500.00 EUR" in text
    assert "-20.50 EUR" in text
    assert "(none)" in text
    assert "█" in text
    assert "verified never; version 2" in text


def test_of_days_before_the_first_one_it_is_told() -> None:
    for day, told in (("2020-01-01", True), ("2026-03-01", False)):
        text = printed({**ANSWER, "as_of_day": day, "known_from": "2026-02-01"})
        assert ("nothing was counted before 2026-02-01" in text, f"as it was on {day}" in text) == (told, True)


def test_groups_by_their_labels() -> None:
    text = printed({**ANSWER, "labels": {"owner": {"7": "Ada Ott"}}})
    assert "Ada Ott" in text
    assert "(none)" in text


def test_values_move_no_cursor_and_fill_no_screen() -> None:
    said = "\x1b[31mred\x1b]0;pwn\x07\u202egnp\x9b2J"
    rows = [{"group": {"owner": said}, "value": "1", "n": 1}, {"group": {"owner": "x" * 5000}, "value": "1", "n": 1}]
    screen = Screen(width=140, color_system="truecolor", force_terminal=True)
    with screen.capture() as capture:
        screen.print(shown({**ANSWER, "rows": rows}))
        screen.print(f"failed: {said}", markup=False)
    text = re.sub("\x1b\\[[0-9;]*m", "", capture.get())
    assert not set(text) & set("\x1b\x07\u202e\x9b")
    assert "␛[31mred␛]0;pwn" in text
    assert len(text.splitlines()) < 20


def test_others_and_total_stand_below() -> None:
    body = {
        **ANSWER,
        "others": {"name": "others", "groups": 4, "value": "10", "n": 5},
        "total": {"value": "1489.5", "n": 9},
        "catching_up": 1200,
    }
    lines = printed(body).splitlines()
    assert any("(4 others)" in line and "10.00 EUR" in line for line in lines)
    assert any("total" in line and "1,489.50 EUR" in line for line in lines)
    assert "catching up: 1,200 linked entities" in printed(body)


def test_a_pivot_has_its_columns_and_totals() -> None:
    body = {
        **ANSWER,
        "unit": "percent",
        "pivot": "stage",
        "columns": ["open", None],
        "rows": [{"group": {"owner": "7"}, "value": "0.5", "n": 3, "cells": ["0.25", None]}],
        "total": {"value": "0.4", "n": 9, "cells": ["0.3", "1"]},
        "precomputed": False,
        "not_converted": [{"currency": "CHF", "n": 2, "amount": "30"}],
    }
    text = printed(body)
    assert "Won, by stage" in text
    for one in ("open", "(none)", "25.0 %", "50.0 %", "100.0 %", "worked out for this question", "30.00 CHF of 2"):
        assert one in text, one


def test_a_series_has_the_names_of_its_spans() -> None:
    rows = [{"group": {"time": "2026-07-01"}, "value": "1", "n": 1}]
    assert "2026-Q3" in printed({**ANSWER, "by": ["time"], "series": "quarter", "rows": rows})


def test_what_is_typed() -> None:
    assert measure_body("count") == {"kind": "count"}
    assert measure_body("sum:amount") == {"kind": "sum", "attribute": "amount"}
    assert groups(["city=Berlin", "city=", "stage=won"]) == {"city": ["Berlin", None], "stage": ["won"]}
    with pytest.raises(Exception, match="not of the form"):
        groups(["city"])


def test_the_line_on_freshness_says_what_is_put_aside() -> None:
    assert "aside" not in freshness(ANSWER)
    lacking = {**ANSWER, "incomplete": {"put_aside": 4, "since": "2026-03-01T11:59:58.000Z"}}
    assert "(lag 12 ms), but for 4 changes put aside since 2026-03-01 11:59" in freshness(lacking)
