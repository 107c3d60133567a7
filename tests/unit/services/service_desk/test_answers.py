"""Every door of the desk says what it answers; what it does answer is held against that wherever tests ask it."""

from __future__ import annotations

from services.service_desk.manifest import MANIFEST
from services.service_desk.promises.answers import Both, Previewed
from services.service_desk.queues.doors import QueueOut
from tests.factories.answers import unlike


def test_every_door_says_what_it_answers() -> None:
    silent = [one.name for one in MANIFEST.operations if one.response is None and not one.produces]
    assert [name for name in silent if not name.startswith("withdraw")] == []
    told = {one.name for one in MANIFEST.operations if one.response is not None and not one.response.__doc__}
    assert told == set()


def test_an_answer_that_is_none_is_noticed() -> None:
    assert unlike(Both, {"today": 1, "draft": 2}) == []
    assert unlike(Both, {"today": 1}) == ["draft: Field required"]
    assert unlike(Both, {"today": 1, "draft": 2, "more": 3}) == [".more is not told of"]
    assert unlike(Previewed, {"tickets": "x"})[0].startswith("tickets: ")
    assert QueueOut.model_fields.keys() >= {"filter", "pool", "open", "breaching_soon"}
