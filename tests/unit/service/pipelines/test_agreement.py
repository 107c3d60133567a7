"""What a write of pipeline and stage comes to, and what a stage may say of itself; without a database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef, OptionDef, TypeDef
from shared.kernel.context import Context
from shared.kernel.errors import ErrorList
from shared.service.pipelines import PLAIN_STAGES, PROBABILITY_STAGES, TICKET_STAGES, Pipelined, PipelineDraft
from shared.service.pipelines.agreement import declared_for, disagreement, filled, homeless
from shared.service.pipelines.declare import CUSTOM

DECLARED = Pipelined("pipeline", "stage", defaults=(PipelineDraft("Sales", id="default"),))
KEPT: dict[str, Any] = {"kind": "enumeration", "builtin": True, "external_options": True}


def live(name: str = "deal", *, builtin: bool = True, pipelines: tuple[str, ...] = ("other", "default")) -> LiveType:
    """A type with two pipelines of two stages each, `<pipeline>1` and `<pipeline>2`, and a stage that is gone."""
    stages = tuple(OptionDef(f"{one}{n}", parent=one) for one in pipelines for n in (1, 2))
    attributes = {
        "name": AttributeDef("name", "Name"),
        "pipeline": AttributeDef("pipeline", "P", options=tuple(map(OptionDef, pipelines)), **KEPT),
        "stage": AttributeDef("stage", "S", options=stages, retired=(OptionDef("gone", parent="default"),), **KEPT),
    }
    defn = TypeDef(name, f"{name}s", name, name, builtin=builtin, attributes=tuple(attributes.values()))
    return LiveType(1, 1, 1, defn.pool, 1, defn, attributes, {}, {}, {}, {})


@pytest.mark.parametrize(
    ("old", "new", "written"),
    [
        (None, {}, {"pipeline": "default"}),
        (None, {"stage": "default1"}, {"stage": "default1", "pipeline": "default"}),
        (None, {"pipeline": None}, {"pipeline": "default"}),
        (None, {"pipeline": "other"}, {"pipeline": "other"}),
        ({}, {"name": "x"}, {"name": "x"}),
        ({}, {"stage": "default1"}, {"stage": "default1", "pipeline": "default"}),
        ({"pipeline": "other"}, {"stage": "other1"}, {"stage": "other1"}),
        ({"pipeline": "other"}, {"pipeline": None}, {"pipeline": "default"}),
    ],
)
def test_the_usual_pipeline_is_filled_in(old: Any, new: dict[str, Any], written: dict[str, Any]) -> None:
    assert filled(DECLARED, live(), old, new) == written


@pytest.mark.parametrize(
    ("old", "new", "stage"),
    [
        (None, {}, "default1"),
        (None, {"pipeline": "other", "stage": None}, "other1"),
        (None, {"pipeline": "other", "stage": "default1"}, "default1"),
        ({"pipeline": "default", "stage": "default1"}, {"pipeline": "other"}, None),
    ],
)
def test_who_is_made_begins_in_the_first_stage_where_that_is_declared(
    old: Any, new: dict[str, Any], stage: str | None
) -> None:
    assert filled(replace(DECLARED, begins=True), live(), old, new).get("stage") == stage


def test_without_the_declared_one_the_first_is_usual() -> None:
    assert filled(DECLARED, live(pipelines=("b", "a")), None, {}) == {"pipeline": "b"}
    assert filled(DECLARED, live(pipelines=()), None, {"name": "x"}) == {"name": "x"}


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        (None, {"pipeline": "default", "stage": "other1"}, "stage"),
        ({"pipeline": "default", "stage": "default1"}, {"stage": "other1"}, "stage"),
        ({"pipeline": "default", "stage": "default1"}, {"pipeline": "other"}, "pipeline"),
        ({"pipeline": "default", "stage": "gone"}, {"pipeline": "other"}, "pipeline"),
        (None, {"pipeline": "default", "stage": "default1"}, None),
        ({"pipeline": "default", "stage": "default1"}, {"pipeline": "other", "stage": "other2"}, None),
        ({"pipeline": "default", "stage": "default1"}, {"pipeline": "other", "stage": None}, None),
        ({"pipeline": "default", "stage": "gone"}, {"stage": "gone"}, None),
        ({"pipeline": "default", "stage": "other1"}, {"name": "x"}, None),
    ],
)
def test_stage_and_pipeline_agree(old: Any, new: dict[str, Any], name: str | None) -> None:
    found = disagreement(DECLARED, live(), old, new, Context())
    assert [(one.name, one.code) for one in found] == ([(name, "INVALID_OPTION")] if name else [])


@pytest.mark.parametrize("new", [{"stage": "a1"}, {"pipeline": "a"}, {"pipeline": "a", "stage": "a1"}])
def test_no_stage_of_a_pipeline_that_was_put_away_is_written(new: dict[str, Any]) -> None:
    """Not by who stands there either; what carries on says where it stands."""
    parted, old = away(), {"pipeline": "a", "stage": "a1"}
    found = disagreement(DECLARED, parted, old, new, Context())
    assert [(one.code, '"a" was put away' in one.message) for one in found] == [("INVALID_OPTION", True)]
    assert disagreement(DECLARED, parted, old, new, Context(source="IMPORT")) == []
    assert disagreement(DECLARED, parted, old, {"name": "x"}, Context()) == []
    assert disagreement(DECLARED, parted, old, {"pipeline": "default", "stage": "default1"}, Context()) == []


@pytest.mark.parametrize(
    ("held", "name"),
    [
        ({"pipeline": "a", "stage": "a1"}, "pipeline"),
        ({"pipeline": "default", "stage": "gone"}, "stage"),
        ({"pipeline": "default", "stage": "default1"}, None),
        ({"pipeline": "default"}, None),
        ({}, None),
    ],
)
def test_nothing_comes_back_to_where_nobody_can_stand(held: dict[str, Any], name: str | None) -> None:
    found = homeless(DECLARED, away(), held, Context())
    assert [one.name for one in found] == ([name] if name else [])
    assert all(held["pipeline"] in one.message for one in found)


def away() -> LiveType:
    """The type after pipeline `a` was put away."""
    found = live()
    stage, pipeline = found.attributes["stage"], found.attributes["pipeline"]
    found.attributes["stage"] = replace(stage, retired=(*stage.retired, OptionDef("a1", parent="a")))  # type: ignore[index]
    found.attributes["pipeline"] = replace(pipeline, retired=(OptionDef("a"),))  # type: ignore[index]
    return found


def test_who_has_pipelines() -> None:
    assert declared_for({"deal": DECLARED}, live()) is DECLARED
    assert declared_for({}, live()) is None
    custom = live("car", builtin=False)
    assert declared_for({}, custom) is None
    own = {"hs_pipeline": custom.attributes["pipeline"], "hs_pipeline_stage": custom.attributes["stage"]}
    made = LiveType(1, 1, 1, custom.pool, 1, custom.defn, own, {}, {}, {}, {})
    assert declared_for({}, made) is CUSTOM
    users = {name: AttributeDef(name, name, "enumeration") for name in own}
    assert declared_for({}, LiveType(1, 1, 1, custom.pool, 1, custom.defn, users, {}, {}, {}, {})) is None


@pytest.mark.parametrize(
    ("schema", "given", "kept"),
    [
        (PROBABILITY_STAGES, {"probability": "0.20"}, {"probability": "0.2", "isClosed": "false"}),
        (PROBABILITY_STAGES, {"probability": 1}, {"probability": "1.0", "isClosed": "true"}),
        (PROBABILITY_STAGES, {"probability": "0", "isClosed": "false"}, {"probability": "0.0", "isClosed": "true"}),
        (PROBABILITY_STAGES, {"probability": 0.5, "colour": "red"}, {"probability": "0.5", "isClosed": "false"}),
        (TICKET_STAGES, {}, {"ticketState": "OPEN", "isClosed": "false"}),
        (TICKET_STAGES, {"ticketState": "closed"}, {"ticketState": "CLOSED", "isClosed": "true"}),
        (PLAIN_STAGES, {"isClosed": True, "n": 5, "gone": None}, {"isClosed": "true", "n": "5"}),
        (PLAIN_STAGES, {}, {"isClosed": "false"}),
    ],
)
def test_metadata(schema: Any, given: dict[str, Any], kept: dict[str, str]) -> None:
    errors = ErrorList()
    assert schema.complete(given, errors) == kept
    assert errors.errors == []


@pytest.mark.parametrize(
    ("schema", "given"),
    [
        (PROBABILITY_STAGES, {}),
        (PROBABILITY_STAGES, {"probability": "likely"}),
        (PROBABILITY_STAGES, {"probability": "1.1"}),
        (PROBABILITY_STAGES, {"probability": "NaN"}),
        (PROBABILITY_STAGES, {"probability": "-0.1"}),
        (PROBABILITY_STAGES, {"probability": [1]}),
        (PROBABILITY_STAGES, {"probability": f"0.{'1' * 30}"}),
        (TICKET_STAGES, {"ticketState": "AJAR"}),
        (PLAIN_STAGES, {"isClosed": "perhaps"}),
        (PLAIN_STAGES, {"k": {}}),
        (PLAIN_STAGES, {"k": "x" * 1001}),
        (PLAIN_STAGES, {f"k{n}": "x" for n in range(51)}),
    ],
)
def test_wrong_metadata(schema: Any, given: dict[str, Any]) -> None:
    errors = ErrorList()
    schema.complete(given, errors)
    assert [one.name.startswith("metadata") for one in errors.errors] == [True]
