"""What tells entities of a file apart: the text under which a value counts as the same as another.

The same folding and normalising as the engine's own keys, also for attributes that are only about to be made. Pure.
"""

from __future__ import annotations

from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.types import ValueProblem, kind_of
from shared.eav.validation import Judge, coerce
from shared.service.imports.conversion import Find
from shared.service.imports.spec import BY_ID


class Keys:
    """Keys of one type's values. `find`: attributes in force, and those about to be made."""

    def __init__(self, judge: Judge, live: LiveType, find: Find) -> None:
        self._judge = judge
        self._live = live
        self._find = find

    def text(self, name: str, raw: object) -> str | None:
        """The key of a raw value; None for one that cannot exist, or an attribute without keys."""
        if name == BY_ID:
            return str(raw).strip()
        attribute = self._find(name)
        value = None if attribute is None else self.canonical(attribute, raw)
        if attribute is None or value is None or not kind_of(attribute).can_be_unique:
            return None
        return kind_of(attribute).unique_key(value, attribute)

    def canonical(self, attribute: AttributeDef, raw: object) -> Any:
        """The canonical value of a raw one; None for none, and for one that cannot exist."""
        try:
            return coerce(self._judge, self._live, attribute, raw)
        except ValueProblem:
            return None

    def json(self, name: str, raw: object) -> Any:
        """Canonical JSON of a raw value, None for none."""
        attribute = self._find(name)
        value = None if attribute is None else self.canonical(attribute, raw)
        return None if attribute is None or value is None else kind_of(attribute).to_json(value)
