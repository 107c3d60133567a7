"""The built-in relations: ids of the wire dialect, for all entity types, those of other services included. Data only.

Pairs that stand in no table here have a plain relation whose id the engine works out (`shared.eav.links.relations`);
user-defined labels are rows of the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.eav.links.relations import RelationDef

__all__ = ["BUILTIN", "SPLIT_OFF", "RelationDef"]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A kind of link as one line: the id from the first type to the second, and back. single, first and tree are
    said of the first direction: it is the first type that carries the register."""

    from_type: str
    to_type: str
    ahead: int
    back: int
    name: str = ""
    label: str | None = None
    label_back: str | None = None
    single: bool = False
    first: bool = False
    tree: bool = False


# The relation that every linked pair of these types has.
_PLAIN = (
    _Pair("contact", "company", 279, 280),
    _Pair("deal", "contact", 3, 4),
    _Pair("deal", "company", 341, 342),
    _Pair("contact", "ticket", 15, 16),
    _Pair("ticket", "company", 339, 340),
    _Pair("deal", "ticket", 27, 28),
    _Pair("deal", "line_item", 19, 20),
    _Pair("deal", "quote", 63, 64),
    _Pair("quote", "line_item", 67, 68),
    _Pair("quote", "contact", 69, 70),
    _Pair("quote", "company", 71, 72),
    _Pair("quote", "quote_template", 286, 285),
    _Pair("quote", "discount", 362, 361),
    _Pair("quote", "fee", 364, 363),
    _Pair("quote", "tax", 366, 365),
    _Pair("contact", "contact", 449, 449),
    _Pair("company", "company", 450, 450),
    _Pair("deal", "deal", 451, 451),
    _Pair("ticket", "ticket", 452, 452),
    _Pair("company", "call", 181, 182),
    _Pair("contact", "call", 193, 194),
    _Pair("deal", "call", 205, 206),
    _Pair("ticket", "call", 219, 220),
    _Pair("company", "email", 185, 186),
    _Pair("contact", "email", 197, 198),
    _Pair("deal", "email", 209, 210),
    _Pair("ticket", "email", 223, 224),
    _Pair("company", "meeting", 187, 188),
    _Pair("contact", "meeting", 199, 200),
    _Pair("deal", "meeting", 211, 212),
    _Pair("ticket", "meeting", 225, 226),
    _Pair("company", "note", 189, 190),
    _Pair("contact", "note", 201, 202),
    _Pair("deal", "note", 213, 214),
    _Pair("ticket", "note", 227, 228),
    _Pair("company", "task", 191, 192),
    _Pair("contact", "task", 203, 204),
    _Pair("deal", "task", 215, 216),
    _Pair("ticket", "task", 229, 230),
    _Pair("quote", "task", 217, 218),
    _Pair("call", "meeting", 399, 400),
    _Pair("communication", "contact", 81, 82),
    _Pair("communication", "ticket", 83, 84),
    _Pair("communication", "deal", 85, 86),
    _Pair("communication", "company", 87, 88),
    _Pair("postal_mail", "contact", 453, 454),
    _Pair("postal_mail", "ticket", 455, 456),
    _Pair("postal_mail", "deal", 457, 458),
    _Pair("postal_mail", "company", 459, 460),
    _Pair("contact", "feedback_submission", 97, 98),
    _Pair("ticket", "feedback_submission", 99, 100),
)

# Labels on top of it. A primary falls to the first company that is linked; a parent is given.
_LABELS = (
    _Pair("contact", "company", 1, 2, "primary", "Primary", "Primary", single=True, first=True),
    _Pair("deal", "company", 5, 6, "primary", "Primary", "Primary", single=True, first=True),
    _Pair("ticket", "company", 26, 25, "primary", "Primary", "Primary", single=True, first=True),
    _Pair("company", "company", 14, 13, "parent", "Parent company", "Child company", single=True, tree=True),
    _Pair("quote", "contact", 702, 703, "signer", "Signer", "Signer"),
    _Pair("ticket", "ticket", 461, 462, "split_off", "Split off", "Split from"),
)


def _directions(pair: _Pair, *, plain: bool) -> Iterator[RelationDef]:
    """Both directions of a pair, one when they are the same."""
    suffix = f"_{pair.name}" if pair.name else ""
    yield RelationDef(
        pair.ahead,
        pair.back,
        pair.from_type,
        pair.to_type,
        f"{pair.from_type}_to_{pair.to_type}{suffix}",
        pair.label,
        plain=plain,
        single=pair.single,
        first=pair.first,
        tree=pair.tree,
    )
    if pair.ahead != pair.back:
        other = _BACK.get(pair.name, pair.name)
        name = f"{pair.to_type}_to_{pair.from_type}{f'_{other}' if other else ''}"
        yield RelationDef(pair.back, pair.ahead, pair.to_type, pair.from_type, name, pair.label_back, plain=plain)


_BACK = {"parent": "child", "split_off": "split_from"}
SPLIT_OFF = 461
"""From a ticket to one that was split off it."""
BUILTIN: tuple[RelationDef, ...] = (
    *(one for pair in _PLAIN for one in _directions(pair, plain=True)),
    *(one for pair in _LABELS for one in _directions(pair, plain=False)),
)
