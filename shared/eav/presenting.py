"""A just written state as the entity its writer is shown, without reading it again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.entity import Entity, Form, View
from shared.eav.showing import form_name, shown_names
from shared.eav.store.state import State
from shared.eav.types import kind_of


def present(live: LiveType, state: State, view: View, written: Iterable[str] = ()) -> Entity:
    """The entity in the view's form: what the view asks for, and whatever was written."""
    also = [found.name for name in written if (found := live.find(name))]
    values = {
        form_name(live, name, view.form): _shown(live.attributes[name], state, view.form)
        for name in shown_names(live, view, also)
    }
    return Entity(state.id, state.version, state.created_at, state.updated_at, values)


def _shown(attribute: AttributeDef, state: State, form: Form) -> Any:
    if attribute.system:
        return str(state.id) if attribute.column == "id" else getattr(state, attribute.column or "")
    value = state.values.get(attribute.key)
    if value is None:
        return None
    kind = kind_of(attribute)
    typed = kind.from_json(value, attribute)
    return kind.to_text(typed) if form == "text" else kind.to_native(typed)
