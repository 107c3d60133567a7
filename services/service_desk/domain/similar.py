"""How alike two texts are by the words they share, rare ones counting more. Without any language's grammar.

For suggestions, where a poor one is passed over; not for deciding anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log, sqrt

_WORD = re.compile(r"[^\W_]+")
_TAG = re.compile(r"<[^<>]{0,500}>")
# Scripts that put no spaces between words: pairs of letters stand for them.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]+")
_SHORTEST = 3
_MOST_WORDS = 2000
# Words so usual that they tell nothing.
_USUAL = frozenset(
    "about and any are aus bei but can das dass dem den der des die does ein eine einen for from das haben hat has have"
    " hello how ich ist its kann mein meine mit nicht not our por que sein sich sie sind the their there this und unser"
    " vom von war was wenn when why wir wird with yes you your zum zur please thanks help problem".split()
)


def words(text: str) -> Counter[str]:
    """The words of a text that may tell something, and how often each occurs; markup aside."""
    plain = unicodedata.normalize("NFKC", _TAG.sub(" ", text)).casefold()
    found: Counter[str] = Counter()
    for word in _WORD.findall(plain)[:_MOST_WORDS]:
        if _UNSPACED.fullmatch(word):
            found.update(word[place : place + 2] for place in range(max(len(word) - 1, 1)))
        elif len(word) >= _SHORTEST and word not in _USUAL:
            found[word] += 1
    return found


def telling(text: str, most: int) -> list[str]:
    """The words by which to look for something alike: the most frequent first, then the longest."""
    counted = words(text)
    return sorted(counted, key=lambda word: (-counted[word], -len(word), word))[:most]


def ranked(asked: str, texts: Mapping[int, Sequence[str]], least: float = 0.05) -> list[tuple[int, float]]:
    """(key, likeness from 0 to 1) of texts, the likest first; those below `least` are left out.

    A text is a sequence of parts, the first of which (a title) counts three times.
    """
    counted = {key: _parts(parts) for key, parts in texts.items()}
    wanted = words(asked)
    spread = Counter(word for one in counted.values() for word in one)
    weights = {word: log(1 + (len(counted) + 1) / (1 + spread[word])) for word in {*spread, *wanted}}
    found = [(key, _likeness(wanted, one, weights)) for key, one in counted.items()]
    return sorted(((key, score) for key, score in found if score >= least), key=lambda one: (-one[1], one[0]))


def _parts(parts: Iterable[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for place, part in enumerate(parts):
        for word, count in words(part).items():
            found[word] += count if place else 3 * count
    return found


def _likeness(one: Counter[str], other: Counter[str], weights: Mapping[str, float]) -> float:
    """The cosine of both, each word weighing more the rarer it is and less the more often it is repeated."""

    def weight(counted: Counter[str], word: str) -> float:
        return (1 + log(counted[word])) * weights[word]

    shared = sum(weight(one, word) * weight(other, word) for word in one.keys() & other.keys())
    if not shared:
        return 0.0
    lengths = (sqrt(sum(weight(counted, word) ** 2 for word in counted)) for counted in (one, other))
    return min(shared / (next(lengths) * next(lengths)), 1.0)
