"""Unique values while the items of a call are judged: who has them, who takes them, who must let go. Pure.

An item may take a value whose owner a later item names, so that values can swap; it is a debt until the owner has
let go of the value, and the item is refused when it never does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.eav.attempts import Clash
from shared.eav.bulk.finding import Found, Key, held_key
from shared.eav.bulk.plan import Claim, Entries, Entry
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.kernel.errors import CrmError, FieldError, InvalidValues


@dataclass(slots=True)
class Debt:
    """A unique value taken before its owner let go of it."""

    place: int
    attribute: AttributeDef
    key: Key
    owner: Entry


class Claims:
    """The unique values of one pass. `last`: the place of the last item about a stored entity. `taken`: all keys that
    were taken, whoever has them in the database, and the places of the items."""

    def __init__(self, live: LiveType, found: Found, entries: Entries, last: Mapping[int, int]) -> None:
        self._live, self._found, self._entries, self._last = live, found, entries, last
        self._holders: dict[Key, Entry | None] = {}
        self._debts: list[Debt] = []
        self.taken: dict[Key, list[int]] = {}

    def holder(self, key: Key) -> Entry | None:
        """Who has a unique value by now."""
        if key in self._holders:
            return self._holders[key]
        ident = self._found.owners.get(key)
        if ident is None:
            return None
        entry = self._entries.of(ident)
        # An owner nobody refers to: no more than its id is known, and no more is asked of it.
        return entry if entry is not None else Entry(None, ident, 0, {})

    def take(self, place: int, entry: Entry, claims: Sequence[Claim], names: Mapping[str, str]) -> None:
        """Take the unique values that are written, and let go of those they replace. Raises InvalidValues.

        names: internal name -> the name the caller used.
        """
        debts: list[Debt] = []
        errors: list[FieldError] = []
        for attribute, key in claims:
            holder = None if key is None else self.holder(key)
            if holder is None or key is None or holder is entry:
                continue
            if self._may_let_go(holder, attribute, key, place):
                debts.append(Debt(place, attribute, key, holder))
            else:
                errors.append(self._taken(names.get(attribute.name, attribute.wire), attribute, holder))
        if errors:
            raise InvalidValues(errors)
        for attribute, _ in claims:
            before = held_key(attribute, entry.values)
            if before is not None and self._holders.get(before, entry) is entry:
                self._holders[before] = None
        for _, key in claims:
            if key is not None:
                self._holders[key] = entry
                self.taken.setdefault(key, []).append(place)
        self._debts += debts

    def unpaid(self) -> dict[int, CrmError]:
        """The items that took a value whose owner kept it, in the end."""
        errors: dict[int, CrmError] = {}
        for debt in self._debts:
            if held_key(debt.attribute, debt.owner.values) == debt.key:
                assert debt.owner.id is not None
                errors[debt.place] = Clash(debt.attribute.id, debt.owner.id).as_conflict(self._live)
        return errors

    def _may_let_go(self, holder: Entry, attribute: AttributeDef, key: Key, place: int) -> bool:
        """Whether a later item names the holder, and the value is really its own (no alias that a merge left)."""
        if holder.stored is None or self._last.get(holder.stored.id, -1) <= place:
            return False
        return held_key(attribute, holder.values) == key

    def _taken(self, name: str, attribute: AttributeDef, holder: Entry) -> FieldError:
        label = self._live.defn.label
        if holder.id is None:
            message = f'{label} already exists: an earlier row has the same value of "{attribute.wire}"'
        else:
            message = f"{label} already exists. Existing ID: {holder.id}"
        return FieldError(name, "CONFLICT", message)
