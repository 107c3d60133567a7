"""Small pure steps from a culture's words to names, addresses and numbers."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from random import Random

from crm.demo.names import CULTURES, Culture

_SPECIAL = str.maketrans({"ß": "ss", "ı": "i", "œ": "oe", "æ": "ae", "ø": "o", "ł": "l"})


@lru_cache(maxsize=4096)
def native(word: str) -> str:
    """How the word is written by the people themselves."""
    return word.partition("/")[0]


@lru_cache(maxsize=4096)
def latin(word: str) -> str:
    """Lower-case Latin letters and digits only, for addresses."""
    own, _slash, spelled = word.partition("/")
    plain = unicodedata.normalize("NFKD", (spelled or own).lower().translate(_SPECIAL))
    return "".join(one for one in plain if one.isascii() and one.isalnum())


def pick(rng: Random, words: tuple[str, ...]) -> str:
    """One of the words; cheaper than `choice`, and the same on every Python."""
    return words[int(rng.random() * len(words))]


def phone(rng: Random, culture: Culture) -> str:
    """A number in international form that is valid in the culture's country."""
    pattern = pick(rng, culture.phones)
    missing = pattern.count("#")
    return pattern[: len(pattern) - missing] + f"{int(rng.random() * 10**missing):0{missing}d}"


def _spread() -> tuple[Culture, ...]:
    """Each culture as often as it weighs, well mixed: the order in which firms' cultures repeat."""
    slots = [((turn + 0.5) / one.weight, one.code, one) for one in CULTURES for turn in range(one.weight)]
    return tuple(one for _place, _code, one in sorted(slots, key=lambda slot: slot[:2]))


SPREAD = _spread()
_PLACES = tuple(SPREAD[:place].count(one) for place, one in enumerate(SPREAD))


def firm_words(index: int, seed: int) -> tuple[Culture, str, str, str, int]:
    """Culture, the three words of the name, and the number it needs (0: none) to be like no other firm's.

    Every index has its own combination: firms of one culture walk through all combinations of its words in a fixed
    order that starts elsewhere for each seed, and get a number when they have to start over.
    """
    cycle, place = divmod(index, len(SPREAD))
    culture = SPREAD[place]
    ordinal = cycle * culture.weight + _PLACES[place]
    count = len(culture.firm) * len(culture.trade)
    around, step = divmod(ordinal, count)
    at = (step * _coprime(count) + seed) % count
    first, second = divmod(at, len(culture.trade))
    return culture, culture.firm[first], culture.trade[second], culture.legal[at % len(culture.legal)], around


@lru_cache(maxsize=64)
def _coprime(count: int) -> int:
    """A step that visits all of `count` places before it comes back: no common divisor with it."""
    return next(step for step in (53, 59, 61, 67, 71) if count % step)
