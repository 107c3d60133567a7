"""Undoing jobs, one after the other and in any order: in the end there is what everybody else wrote."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.service.imports.layers import UNDO_SUFFIX, Back, Change, Writer, plans

KEYS = ("1", "2")
VALUES = st.dictionaries(st.sampled_from(KEYS), st.sampled_from([None, "a", "b", "c"]), min_size=1)
JOBS = 3
UI: Writer = ("UI", "")


def job(number: int) -> Writer:
    return ("IMPORT", str(number))


@dataclass
class Entity:
    """One entity with its history; None values are no values."""

    values: dict[str, Any] = field(default_factory=dict)
    creator: Writer | None = None
    version: int = 0
    history: list[Change] = field(default_factory=list)
    archived: bool = False

    @property
    def there(self) -> bool:
        return self.creator is not None and not self.archived

    def news(self, values: dict[str, Any]) -> dict[str, Any]:
        """What differs: to write what is there is no change, and nobody's word for it."""
        return {key: new for key, new in values.items() if self.values.get(key) != new}

    def write(self, writer: Writer, values: dict[str, Any]) -> None:
        changed = {key: [self.values.get(key), new] for key, new in self.news(values).items()}
        self.values |= values
        if self.creator is None:
            self.creator = writer
        elif changed:
            self.history.append(Change(1, self.version + 1, writer, changed))
        else:
            return
        self.version += 1

    def undo(self, writer: Writer, created: bool, undone: set[Writer]) -> Back:
        assert self.creator is not None
        (back,) = plans([(1, created, self.creator)], self.history, writer, undone - {writer})
        stamp = (writer[0], f"{writer[1]}{UNDO_SUFFIX}")
        if back.archive:
            self.archived = True
        elif back.values:
            for key, (left, _) in back.values.items():
                assert self.values.get(key) == left
            self.write(stamp, {key: before for key, (_, before) in back.values.items()})
        return back


WRITES = st.lists(st.tuples(st.integers(-1, JOBS - 1), VALUES), max_size=8)
"""(job, or -1 for somebody, values), in order."""


@given(st.booleans(), WRITES, st.permutations(range(JOBS)), WRITES)
def test_what_is_left_is_what_others_wrote(existed: bool, writes: Any, order: list[int], later: Any):
    one, others = Entity(), Entity()
    for who, values in [(-1, {"1": "a"}), *writes] if existed else writes:
        if who < 0:
            others.write(UI, one.news(values))
        one.write(job(who) if who >= 0 else UI, values)
    made = one.creator is not None and one.creator[0] == "IMPORT"
    undone: set[Writer] = set()
    for place, number in enumerate(order):
        undone.add(job(number))
        wrote = one.creator == job(number) or any(change.writer == job(number) for change in one.history)
        if one.there and wrote:
            one.undo(job(number), one.creator == job(number), undone)
        for _, values in later if place == 0 and one.there and not made else ():
            others.write(UI, one.news(values))
            one.write(UI, values)
    if one.creator is not None and not made:
        assert one.there
        assert {key: one.values.get(key) for key in KEYS} == {key: others.values.get(key) for key in KEYS}
    elif made:
        # Somebody's value stays, and so does what has it.
        assert one.archived or any(change.writer[0] == "UI" for change in one.history)
        assert not one.archived or not any(one.values.get(key) != was for key, was in others.values.items())


def test_what_was_written_over_stays_and_is_told():
    history = [
        Change(1, 2, job(1), {"1": ["a", "b"], "2": [None, "x"]}),
        Change(1, 3, job(2), {"1": ["b", "c"]}),
    ]
    assert plans([(1, False, UI)], history, job(1), set()) == [Back(1, 3, values={"2": ("x", None)}, kept=["1"])]
    assert plans([(1, False, UI)], history, job(2), set()) == [Back(1, 3, values={"1": ("c", "b")})]
    assert plans([(1, False, UI)], history, job(2), {job(1)}) == [Back(1, 3, values={"1": ("c", "a")})]


def test_what_an_undone_job_wrote_alike_goes_too():
    """Undoing job 0 found nothing to take back: below it lay the same."""
    history = [
        Change(1, 2, job(1), {"1": [None, "a"]}),
        Change(1, 3, job(0), {"1": ["a", None]}),
        Change(1, 4, job(0), {"1": [None, "a"]}),
    ]
    assert plans([(1, False, UI)], history, job(1), {job(0)}) == [Back(1, 4, values={"1": ("a", None)})]
    assert plans([(1, False, UI)], history, job(1), set()) == [Back(1, 4, kept=["1"])]


def test_a_job_that_ran_again_after_it_was_undone_goes_back_once_more():
    again = [
        Change(1, 2, job(1), {"1": ["a", "b"]}),
        Change(1, 3, ("IMPORT", f"1{UNDO_SUFFIX}"), {"1": ["b", "a"]}),
    ]
    assert plans([(1, False, UI)], again, job(1), set()) == [Back(1, 3)]
    again.append(Change(1, 4, job(1), {"1": ["a", "b"]}))
    assert plans([(1, False, UI)], again, job(1), set()) == [Back(1, 4, values={"1": ("b", "a")})]


def test_what_a_job_made_stays_while_others_count_on_it():
    history = [Change(1, 2, job(2), {"1": ["a", "b"]})]
    assert plans([(1, True, job(1))], history, job(1), set()) == [Back(1, 2, kept=[""])]
    assert plans([(1, False, job(1))], history, job(2), {job(1)}) == [Back(1, 2, archive=True)]
    assert plans([(1, True, job(1))], history, job(1), {job(2)}) == [Back(1, 2, archive=True)]
    restored = [*history, Change(1, 3, UI, {})]
    assert plans([(1, True, job(1))], restored, job(1), {job(2)}) == [Back(1, 3, kept=[""])]


def test_what_was_made_by_a_run_before_and_brought_back_is_not_emptied():
    history = [
        Change(1, 2, ("IMPORT", f"1{UNDO_SUFFIX}"), {}),
        Change(1, 3, UI, {}),
        Change(1, 4, job(1), {"1": ["a", "b"]}),
    ]
    assert plans([(1, False, job(1))], history, job(1), set()) == [Back(1, 4, values={"1": ("b", "a")})]


def test_what_the_system_worked_out_is_nobodys_change():
    history = [Change(1, 2, job(1), {"1": ["a", "b"]}), Change(1, 3, ("LINKS", None), {}, derived=True)]
    assert plans([(1, True, job(1))], history, job(1), set()) == [Back(1, 3, archive=True)]
    assert plans([(1, False, UI)], history, job(1), set()) == [Back(1, 3, values={"1": ("b", "a")})]
    somebody = [*history, Change(1, 4, UI, {})]
    assert plans([(1, True, job(1))], somebody, job(1), set()) == [Back(1, 4, kept=[""])]
