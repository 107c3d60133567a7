"""A just written state as the entity its writer is shown, without reading it again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from shared.eav.catalog import Keyed, LiveType, keyed
from shared.eav.declare import AttributeDef
from shared.eav.entity import Entity, Form, View
from shared.eav.showing import form_name, shown_names
from shared.eav.store.state import State
from shared.eav.types import kind_of


def present(live: LiveType, state: State, view: View, written: Iterable[str] = ()) -> Entity:
    """The entity in the view's form: what the view asks for, and whatever was written."""
    also = [found.name for name in written if (found := live.find(name))]
    system, stored = _parts(keyed(live), shown_names(live, view, also), view.form)
    values: dict[str, Any] = {
        name: str(state.id) if column == "id" else getattr(state, column) for name, column in system
    }
    for name, key, attribute in stored:
        value = state.values.get(key)
        values[name] = value if value is None or attribute is None else _shown(attribute, value, view.form)
    return Entity(state.id, state.version, state.created_at, state.updated_at, values)


Parts = tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str, AttributeDef | None]]]
"""What is shown as what: of the system's own (name, field of the state), of values (name, attribute key, attribute);
None instead of the attribute where the stored form is the one to show."""


@lru_cache(maxsize=1024)
def _parts(key: Keyed, names: tuple[str, ...], form: Form) -> Parts:
    live = key.live
    shown = [(form_name(live, name, form), live.attributes[name]) for name in names]
    return (
        [(name, one.column or "") for name, one in shown if one.system],
        [(name, one.key, None if kind_of(one).plain else one) for name, one in shown if not one.system],
    )


def _shown(attribute: AttributeDef, value: Any, form: Form) -> Any:
    kind = kind_of(attribute)
    typed = kind.from_json(value, attribute)
    return kind.to_text(typed) if form == "text" else kind.to_native(typed)
