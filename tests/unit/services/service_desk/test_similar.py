"""Likeness of texts: rare words count more, scripts without spaces too, and what is always so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.service_desk.domain.similar import ranked, telling, words

_ARTICLES = {
    1: ("Paper jam in the printer", "Open the lid and take the paper out of the printer."),
    2: ("Reset a password", "<p>Open the settings and ask for a new password.</p>"),
    3: ("打印机卡纸怎么办", "打开盖子，取出纸张。"),
}


def test_the_likest_comes_first() -> None:
    found = ranked("My printer eats paper", _ARTICLES)
    assert [key for key, _ in found] == [1]
    assert [key for key, _ in ranked("password forgotten, printer fine", _ARTICLES)] == [2, 1]
    assert [key for key, _ in ranked("打印机卡纸了", _ARTICLES)] == [3]
    assert ranked("weather", _ARTICLES) == []


def test_usual_words_markup_and_short_ones_tell_nothing() -> None:
    assert words("<b class=x>The PRINTER and it's on</b> ＰＲＩＮＴＥＲ") == {"printer": 2}
    assert telling("a printer, the printer, a password", 1) == ["printer"]


@given(
    st.text(max_size=200),
    st.dictionaries(st.integers(), st.tuples(st.text(max_size=50), st.text(max_size=50)), max_size=5),
)
def test_likeness_is_a_share(asked: str, texts: dict[int, tuple[str, str]]) -> None:
    found = ranked(asked, texts, 0.0)
    assert all(0 <= score <= 1 for _, score in found)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
