"""Attributes of every kind, an entity type in force made of them, and strategies for their raw values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from shared.eav.declare import AttributeDef, OptionDef, TypeDef
from shared.eav.types import KINDS
from shared.kernel.errors import Invalid

OPTIONS = (
    OptionDef("new", "New", id=11),
    OptionDef("in_progress", "In Progress", id=12),
    OptionDef("done", "Done", id=13),
    OptionDef("预计", "预计收入", id=14),
)
RETIRED = (OptionDef("lost", "Lost", id=19),)


def attribute(kind: str, **given: Any) -> AttributeDef:
    """An attribute of a kind, named after it."""
    number = list(KINDS).index(kind) + 1
    chosen = {"options": OPTIONS, "retired": RETIRED} if "enumeration" in kind else {}
    return AttributeDef(**{"name": kind, "label": kind.title(), "kind": kind, "id": number, **chosen, **given})


ATTRIBUTES = {kind: attribute(kind) for kind in KINDS}


@dataclass(frozen=True)
class SampleType:
    """As little of an entity type in force as checking filters asks for."""

    attributes: dict[str, AttributeDef]
    defn: TypeDef

    def attribute(self, name: str) -> AttributeDef:
        """By name; raises Invalid."""
        if name not in self.attributes:
            raise Invalid.one(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        return self.attributes[name]


LIVE = SampleType(ATTRIBUTES, TypeDef("thing", "things", "Thing", "Things", searchable=("string", "email", "phone")))

text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=300)
numbers = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20)
instants = st.datetimes(timezones=st.just(UTC))
option = st.sampled_from([one.value for one in OPTIONS])

RAW: dict[str, st.SearchStrategy[Any]] = {
    "string": text,
    "long_text": text,
    "phone": st.one_of(text, st.sampled_from(["+49 (30) 123-4567", "5551234"])),
    "url": text,
    "number": st.one_of(numbers, st.integers(-(10**30), 10**30), st.floats(-1e15, 1e15)),
    "boolean": st.one_of(st.booleans(), st.sampled_from(["true", "FALSE", " True "])),
    "date": st.dates(date(1, 1, 1), date(9999, 12, 31)).map(date.isoformat),
    "datetime": instants.map(datetime.isoformat),
    "enumeration": option,
    "multi_enumeration": st.lists(option, min_size=1, max_size=6),
    "email": st.from_regex(r"[a-zA-Z0-9]{1,20}@[a-z]{1,20}\.(example|com|test|local)", fullmatch=True),
    "reference": st.integers(1, 2**63 - 1),
}

json_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=50),
    st.text("0123456789-+.eE:TZ;*", max_size=40),
)
anything = st.one_of(
    st.recursive(
        json_scalars, lambda one: st.lists(one, max_size=4) | st.dictionaries(st.text(max_size=5), one, max_size=3)
    ),
    st.decimals(),
    st.datetimes(),
    st.dates(),
    # Made while drawing: a number of 5000 digits has no repr, which a strategy that failed would want to show.
    st.sampled_from([400, 5000]).map(lambda digits: -(10**digits)),
    st.sampled_from([Decimal("1e999999"), Decimal("sNaN"), "9" * 500, "1e999999", "\ud800", "\x00"]),
)
