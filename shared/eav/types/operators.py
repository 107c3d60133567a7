"""The operators of filters, and the sets of them that kinds of attributes offer.

A kind names its set on its class; nobody else decides what an attribute can be asked.
"""

from __future__ import annotations

from enum import StrEnum


class Operator(StrEnum):
    """An operator by its name on the wire."""

    EQ = "EQ"
    NEQ = "NEQ"
    LT = "LT"
    LTE = "LTE"
    GT = "GT"
    GTE = "GTE"
    BETWEEN = "BETWEEN"
    IN = "IN"
    NOT_IN = "NOT_IN"
    HAS = "HAS_PROPERTY"
    NOT_HAS = "NOT_HAS_PROPERTY"
    CONTAINS_TOKEN = "CONTAINS_TOKEN"  # noqa: S105 - a word to look for, no secret
    NOT_CONTAINS_TOKEN = "NOT_CONTAINS_TOKEN"  # noqa: S105
    STARTS_WITH = "STARTS_WITH"


PRESENCE = frozenset({Operator.HAS, Operator.NOT_HAS})
TOKENS = frozenset({Operator.CONTAINS_TOKEN, Operator.NOT_CONTAINS_TOKEN})
LISTS = frozenset({Operator.IN, Operator.NOT_IN})
CHOICE = PRESENCE | LISTS | {Operator.EQ, Operator.NEQ}
ORDER = frozenset({Operator.LT, Operator.LTE, Operator.GT, Operator.GTE, Operator.BETWEEN})
COMPARISON = CHOICE | ORDER
TEXT = COMPARISON | TOKENS | {Operator.STARTS_WITH}
LONG_TEXT = PRESENCE | TOKENS

# An entity without a value matches these and no others.
MATCHES_MISSING = frozenset({Operator.NOT_HAS, Operator.NOT_IN, Operator.NOT_CONTAINS_TOKEN})
