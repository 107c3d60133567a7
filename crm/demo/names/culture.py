"""What a culture's words are, and how they are written down. See the package for the words themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Culture:
    """Where a customer is from: names, places and habits. `weight` is its share among all.

    A word may carry its Latin spelling after a slash (`北京/beijing`), used in e-mail addresses and domains; without
    one the Latin spelling is made from the word itself. In `phones`, international patterns, `#` stands for any digit;
    where a country sets numbers aside for fiction (United States, United Kingdom, Germany), those are used.
    `joint` parts the words of a firm's name.
    """

    code: str
    country: str
    weight: int
    given: tuple[str, ...]
    family: tuple[str, ...]
    firm: tuple[str, ...]
    trade: tuple[str, ...]
    legal: tuple[str, ...]
    cities: tuple[str, ...]
    titles: tuple[str, ...]
    phones: tuple[str, ...]
    joint: str = " "


def words(text: str) -> tuple[str, ...]:
    """Words parted by spaces."""
    return tuple(text.split())


def phrases(text: str) -> tuple[str, ...]:
    """Phrases parted by commas."""
    return tuple(part.strip() for part in text.split(","))
