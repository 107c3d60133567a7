"""Match rules: what two entities of a type must have in common to be shown as possible duplicates. Pure.

A rule makes keys of an entity's values. Entities that share a key are candidates; the rule's score then says how alike
they are. Exact and normalised rules need no more than their keys; a fuzzy rule has keys that catch more than it means
(blocks) and a score that compares. Keys are stored, so a rule whose keys change gets another version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]
"""Canonical JSON by internal name, of a rule's attributes; absent: no value."""

Keys = Callable[[Values], Iterable[str]]
Score = Callable[[Values, Values], float]


def certain(score: float) -> Score:
    """The score of a rule whose keys say it all."""
    return lambda one, other: score


@dataclass(frozen=True, slots=True)
class MatchRule:
    """One rule of one entity type. attributes: what it reads, by internal name. Scores go from 0 to 1; pairs below
    `least` are not shown."""

    name: str
    version: int
    attributes: tuple[str, ...]
    keys: Keys
    score: Score
    least: float = 0.0

    def hashes(self, values: Values) -> frozenset[int]:
        """The keys as stored: 64-bit hashes. That two keys share one costs a comparison more, nothing else."""
        return frozenset([_hash(key) for key in self.keys(values) if key])


def _hash(key: str) -> int:
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


Matching = Mapping[str, tuple[MatchRule, ...]]
"""The rules of a service's entity types, by name."""
