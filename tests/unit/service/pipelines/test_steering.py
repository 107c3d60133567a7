"""What follows and what must hold when something goes from stage to stage; without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef, OptionDef, TypeDef
from shared.kernel.context import Context
from shared.service.pipelines import Pipeline, Pipelined, PipelineDraft, Stage, StageTimes
from shared.service.pipelines.declare import days, probability
from shared.service.pipelines.steering import refuses, steered, weighed
from shared.service.pipelines.timing import attributes_for
from shared.service.rules import NO_RULES

T0 = datetime(2026, 1, 1, tzinfo=UTC)
TIMES = StageTimes("entered_at", "rotting_at", "g")
DECLARED = Pipelined("pipeline", "stage", defaults=(PipelineDraft("P", id="p"),), times=TIMES)
KEPT: dict[str, Any] = {"kind": "enumeration", "builtin": True, "external_options": True}
STAGES = {
    "a": {"nextStages": "b", "isClosed": "false"},
    "b": {"requiredAttributes": "amount", "rottingDays": "2.5", "isClosed": "false"},
    "end": {"isClosed": "true", "rottingDays": "1"},
}


def bare(**policy: str) -> LiveType:
    """A type whose stages have no attributes of their own yet."""
    options = tuple(OptionDef(name, parent="p", detail=detail) for name, detail in STAGES.items())
    every = [
        AttributeDef("amount", "Amount", "number"),
        AttributeDef("pipeline", "P", options=(OptionDef("p", detail=policy),), **KEPT),
        AttributeDef("stage", "S", options=options, **KEPT),
        AttributeDef("entered_at", "E", "datetime"),
        AttributeDef("rotting_at", "R", "datetime"),
    ]
    return _live(every)


def _live(every: list[AttributeDef]) -> LiveType:
    defn = TypeDef("deal", "deals", "Deal", "Deals", builtin=True, attributes=tuple(every))
    numbered = [replace(one, id=n) for n, one in enumerate(every, 1)]
    by_name = {one.name: one for one in numbered}
    by_wire = {one.wire: one for one in numbered}
    return LiveType(1, 1, 1, defn.pool, 1, defn, by_name, {}, by_wire, {}, {one.id: one for one in numbered})


def made() -> Pipeline:
    """The pipeline as a value."""
    stages = tuple(Stage(name, name.upper(), n, {}, T0, T0) for n, name in enumerate(STAGES))
    return Pipeline("p", "P", 0, stages, T0, T0)


def live(**policy: str) -> LiveType:
    """The type with the times of its stages."""
    before = bare(**policy)
    return _live([*before.attributes.values(), *attributes_for(before, DECLARED, made())])


def move(
    old: dict[str, Any] | None, at: datetime, context: Context | None = None, **new: Any
) -> tuple[dict[str, Any], Any]:
    values, errors = steered(DECLARED, NO_RULES, live(), old, new, context or Context(), at)
    return dict(values), [(one.name, one.code) for one in errors]


def test_every_stage_gets_its_times_once():
    found = attributes_for(bare(), DECLARED, made())
    assert {one.wire for one in found if one.wire.endswith("_a")} == {
        "hs_v2_date_entered_a",
        "hs_v2_date_exited_a",
        "hs_v2_latest_time_in_a",
        "hs_v2_cumulative_time_in_a",
    }
    assert all(one.read_only and one.builtin and one.group == "g" for one in found)
    assert attributes_for(live(), DECLARED, made()) == []


def test_ids_that_make_the_same_name_do_not_clash():
    stages = tuple(Stage(ident, ident, n, {}, T0, T0) for n, ident in enumerate(("A-b", "a_b")))
    found = attributes_for(bare(), DECLARED, replace(made(), stages=stages))
    assert len({one.name for one in found}) == len({one.wire for one in found}) == 8


def test_times_along_the_way():
    values, errors = move(None, T0, stage="a")
    assert errors == []
    assert (values["entered_at"], values["entered_a"], values["left_a"]) == (T0, T0, None)
    later = T0 + timedelta(hours=1)
    values, errors = move(values, later, stage="b", amount=Decimal(1))
    assert errors == []
    assert (values["left_a"], values["time_in_a"], values["total_time_in_a"]) == (later, 3_600_000, 3_600_000)
    assert values["rotting_at"] == later + timedelta(days=2.5)
    back, _ = move({**values, "stage": "b"}, later, Context(effective_at=T0), stage="end")
    assert (back["entered_at"], back["time_in_b"], back["rotting_at"]) == (later, 0, None)


@pytest.mark.parametrize("text", ["1_0", "\u0663", "0_1", "x", ""])
def test_numbers_of_stages_are_ascii(text: str):
    for read in (days, probability):
        with pytest.raises(ValueError, match="must be a number"):
            read(text)


def test_staying_is_no_move():
    old, _ = move(None, T0, stage="a")
    values, _ = move(old, T0 + timedelta(days=1), stage="a")
    assert values == {"stage": "a"}


@pytest.mark.parametrize(
    ("old", "new", "errors"),
    [
        ({"pipeline": "p", "stage": "a"}, {"stage": "end"}, [("stage", "STAGE_NOT_ALLOWED")]),
        ({"pipeline": "p", "stage": "a"}, {"stage": "b"}, [("amount", "REQUIRED_FIELD")]),
        ({"pipeline": "p", "stage": "b", "amount": 1}, {"amount": None}, [("amount", "REQUIRED_FIELD")]),
        ({"pipeline": "p", "stage": "b"}, {"entered_at": None}, []),
        ({"pipeline": "p", "stage": "b", "amount": 1}, {"stage": "a"}, []),
        (None, {"stage": "end"}, []),
        (None, {"stage": "b"}, [("amount", "REQUIRED_FIELD")]),
        (None, {"stage": "b", "amount": " \t\u00a0"}, [("amount", "REQUIRED_FIELD")]),
        ({"pipeline": "p", "stage": "b", "amount": "1"}, {"amount": " "}, [("amount", "REQUIRED_FIELD")]),
        ({"pipeline": "p", "stage": "a", "amount": Decimal(0)}, {"stage": "b"}, []),
    ],
)
def test_what_stages_demand(old: dict[str, Any] | None, new: dict[str, Any], errors: list[tuple[str, str]]):
    assert move(old, T0, **new)[1] == errors


@pytest.mark.parametrize("door", ["native", "dialect"])
@pytest.mark.parametrize("old", ["a", "b"])
def test_a_stage_is_not_cleared_while_its_pipeline_stays(door: str, old: str):
    """Else allowed moves would be gone round: from no stage one goes to any."""
    standing = {"pipeline": "p", "stage": old, "amount": 1}
    expected = [("stage", "REQUIRED_FIELD")]
    assert move(standing, T0, Context(door=door), stage=None)[1] == expected
    assert move(standing, T0, Context(source="IMPORT"), stage=None)[1] == expected
    assert move({"pipeline": "p"}, T0, Context(door=door), stage=None)[1] == []
    assert move(standing, T0, Context(source="MERGE_OBJECTS"), stage=None)[1] == []


@pytest.mark.parametrize("pipeline", ["p", None])
def test_allowed_moves_are_not_gone_round_with_the_pipeline(pipeline: str | None):
    """One leaves with the pipeline where no moves are named, and nowhere else."""
    gone = {"stage": None, "pipeline": pipeline}
    assert move({"pipeline": "q", "stage": "a"}, T0, **gone)[1] == [("stage", "STAGE_NOT_ALLOWED")]
    assert move({"pipeline": "q", "stage": "b"}, T0, **gone)[1] == []


def test_what_rots_after_the_last_day_never_rots():
    last = datetime(9999, 12, 31, 23, tzinfo=UTC)
    assert move(None, last, stage="b", amount=Decimal(1))[0]["rotting_at"] is None


NATIVE, DIALECT, FILE = Context(door="native"), Context(door="dialect"), Context(source="IMPORT")


@pytest.mark.parametrize(
    ("enforce", "context", "expected"),
    [
        (None, NATIVE, "refused"),
        (None, Context(), "refused"),
        (None, DIALECT, "passed"),
        (None, FILE, "warned"),
        (None, Context(source="MERGE_OBJECTS", door="native"), "passed"),
        ("all", DIALECT, "refused"),
        ("all", FILE, "refused"),
        ("none", NATIVE, "passed"),
        ("none", FILE, "passed"),
    ],
)
def test_how_strictly_rules_are_meant(enforce: str | None, context: Context, expected: str):
    policy = {} if enforce is None else {"enforce": enforce}
    ((_, errors),) = [
        steered(DECLARED, NO_RULES, live(**policy), {"pipeline": "p", "stage": "a"}, {"stage": "end"}, context, T0)
    ]
    told = {(False,): "refused", (True,): "warned", (): "passed"}[tuple(one.warning for one in errors)]
    assert told == expected
    assert refuses(context, policy) == (expected == "refused")
    assert weighed(context, policy, ()) == ()
