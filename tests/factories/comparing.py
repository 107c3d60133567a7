"""Comparing what an engine shows of entities with what the model holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.entity import Entity, View
from shared.eav.types import ValueProblem, kind_of
from shared.kernel import json
from shared.kernel.context import Context
from shared.kernel.errors import AlreadyExists, CrmError
from tests.factories.model import Held


def compare(live: LiveType, entity: Entity, held: Held, view: View | None) -> None:
    """Version, marks and every shown value are as the model has them; what a view asks for is shown."""
    assert (entity.id, entity.version) == (held.id, held.version)
    assert entity.created_at <= entity.updated_at
    if view is not None:
        wanted = {one.wire if view.form == "text" else one.name for one in _wanted(live, view)}
        assert wanted == set(entity.values)
    for name, value in entity.values.items():
        assert json.dumps(value) in _forms(live.attribute(name), entity, held), (name, value)


def compare_history(live: LiveType, entity: Entity, held: Held, context: Context) -> None:
    """Every value every attribute had, under which version, by whom."""
    assert set(entity.history or ()) == set(live.stored)
    for name, entries in (entity.history or {}).items():
        expected = held.history.get(live.attributes[name].id, [])
        assert [(one.version, one.value) for one in reversed(entries)] == expected
        assert {(one.source, one.actor) for one in entries} <= {(context.source, context.actor.id)}


def _wanted(live: LiveType, view: View) -> list[AttributeDef]:
    system = [one for one in live.attributes.values() if one.system]
    rest = [one for one in live.attributes.values() if not one.system]
    if view.attributes is None:
        return system + ([one for one in rest if one.default] or rest)
    return system + [one for one in rest if {one.name, one.wire} & set(view.attributes)]


def _forms(attribute: AttributeDef, entity: Entity, held: Held) -> list[bytes]:
    """How a value may be shown: its text form and its typed one."""
    if attribute.system:
        return [json.dumps({"id": str(entity.id)}.get(attribute.name) or getattr(entity, attribute.name, None))]
    value = held.values.get(attribute.id)
    if value is None:
        return [json.dumps(None)]
    kind = kind_of(attribute)
    return [json.dumps(kind.to_text(value)), json.dumps(kind.to_native(value))]


def tried(step: Callable[[], Any]) -> tuple[Any, CrmError | None]:
    """What it gives, or the error a caller can cause; any other error is a failure of the test."""
    try:
        return step(), None
    except (AlreadyExists, CrmError) as error:
        return None, error
    except ValueProblem as problem:
        raise AssertionError(f"a refused value is no answer: {problem}") from problem
