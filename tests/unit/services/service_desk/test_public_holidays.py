"""Public holidays: by code or name, of a country or a part of it; what is not known is told with what is near it."""

from __future__ import annotations

from datetime import date

import pytest

from services.service_desk.promises.public_holidays import countries, country, dates, subdivision, years_of
from shared.kernel.errors import Invalid


def test_a_country_by_code_or_name() -> None:
    assert {country(one).code for one in ("DE", "de", "DEU", "Germany", "germany")} == {"DE"}
    assert country("United Kingdom").code == "GB"
    assert len(countries()) > 200
    assert countries()["DE"].name == "Germany"


@pytest.mark.parametrize(("text", "near"), [("Germny", "DE (Germany)"), ("Austira", "AT (Austria)")])
def test_an_unknown_country_names_the_nearest(text: str, near: str) -> None:
    with pytest.raises(Invalid, match=text) as raised:
        country(text)
    assert near in str(raised.value)


def test_a_part_by_code_or_name() -> None:
    germany = country("DE")
    assert [subdivision(germany, one) for one in ("BY", "by", "Bayern", "bayern")] == ["BY"] * 4
    with pytest.raises(Invalid, match=r"Germany has no part .Bayren.*BY \(Bayern\)"):
        subdivision(germany, "Bayren")
    with pytest.raises(Invalid, match="has no part"):
        subdivision(country("Monaco"), "X")


def test_dates_of_years() -> None:
    germany = country("DE")
    plain, bavaria = (dates(germany, part, [2026, 2028]) for part in (None, "BY"))
    assert date(2026, 10, 3) in plain
    assert date(2028, 4, 14) in plain, "Good Friday moves"
    assert {one.year for one in plain} == {2026, 2028}
    assert date(2026, 1, 6) in bavaria.keys() - plain.keys()
    with pytest.raises(Invalid, match="are known in 1901"):
        dates(country("DE"), None, [1901])


@pytest.mark.parametrize("raw", [None, [], "2026", [2026.5], [True], [1800], list(range(1950, 2000))])
def test_years_that_are_none(raw: object) -> None:
    with pytest.raises(Invalid):
        years_of(raw)
