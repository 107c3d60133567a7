"""Public holidays of countries and their parts, as days that calendars are given: from the library `holidays`.

They are looked up once, when somebody asks for them, and written down as dates. Nothing at run time depends on what
another version of the library knows; whoever wants its corrections asks again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import lru_cache

import holidays
from holidays.registry import COUNTRIES

from shared.kernel.errors import Invalid

MOST_YEARS = 30
_NEAR = 0.5
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Country:
    """A country as the library knows it. subdivisions: codes of its parts, with their names where there are some."""

    code: str
    name: str
    subdivisions: Mapping[str, str]


@lru_cache(maxsize=1)
def countries() -> Mapping[str, Country]:
    """Every country by its code of two letters."""
    names = {entry[1]: _WORDS.sub(" ", entry[0]) for entry in COUNTRIES.values()}
    known = holidays.list_supported_countries(include_aliases=False)
    return {
        code: Country(code, names.get(code, code), dict.fromkeys(parts, "")) for code, parts in sorted(known.items())
    }


def country(text: str) -> Country:
    """A country by its code or name, with the names of its parts. Raises Invalid with the nearest ones."""
    known = countries()
    wanted = _folded(text)
    spelled = {_folded(entry[place]): entry[1] for entry in COUNTRIES.values() for place in (0, 1, 2)}
    found = known.get(spelled.get(wanted, ""))
    if found is None:
        close = get_close_matches(wanted, spelled, 3, _NEAR)
        near = ", ".join(dict.fromkeys(f"{known[spelled[one]].code} ({known[spelled[one]].name})" for one in close))
        message = f'no holidays are known of a country "{text[:50]}"'
        raise Invalid.one("country", "INVALID_OPTION", f"{message}; near it: {near}" if near else message)
    aliases: Mapping[str, str] = getattr(_class(found.code), "subdivisions_aliases", {})
    return Country(found.code, found.name, {**found.subdivisions, **{code: name for name, code in aliases.items()}})


def subdivision(of: Country, text: str) -> str:
    """The code of a part of a country, by code or name. Raises Invalid with the nearest ones."""
    spelled = {_folded(one): code for code, name in of.subdivisions.items() for one in (code, name) if one}
    found = spelled.get(_folded(text))
    if found is not None:
        return found
    close = [spelled[one] for one in get_close_matches(_folded(text), spelled, 3, _NEAR)] or list(of.subdivisions)
    named = ", ".join(f"{code} ({of.subdivisions[code]})" if of.subdivisions[code] else code for code in close)
    message = f'{of.name} has no part "{text[:50]}" with holidays of its own'
    raise Invalid.one("subdivision", "INVALID_OPTION", f"{message}; there are: {named}" if named else message)


def dates(of: Country, part: str | None, years: Iterable[int]) -> dict[date, str]:
    """The public holidays of these years, with their names. Raises Invalid for years of which none are known."""
    wanted = sorted(set(years))
    found = holidays.country_holidays(of.code, subdiv=part, years=wanted)
    there = {day: name for day, name in sorted(found.items()) if day.year in wanted}
    missing = [str(year) for year in wanted if all(day.year != year for day in there)]
    if missing:
        message = f"no holidays of {of.name} are known in {', '.join(missing)}"
        raise Invalid.one("years", "INVALID_OPTION", message)
    return there


def years_of(raw: object) -> Sequence[int]:
    """Years out of a list. Raises Invalid."""
    good = isinstance(raw, list) and all(isinstance(one, int) and not isinstance(one, bool) for one in raw)
    if not good or not isinstance(raw, list) or not 0 < len(raw) <= MOST_YEARS:
        message = f"years must be a list of 1 to {MOST_YEARS} years, such as [2026, 2027]"
        raise Invalid.one("years", "INVALID_TYPE", message)
    if not all(1900 <= one <= 2100 for one in raw):
        raise Invalid.one("years", "INVALID_INTEGER", "years lie between 1900 and 2100")
    return raw


def _class(code: str) -> object:
    return type(holidays.country_holidays(code))


def _folded(text: str) -> str:
    return "".join(one for one in text.casefold() if one.isalnum())
