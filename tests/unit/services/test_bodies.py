"""Whatever takes a body says in the document what it takes: by a schema, or it is listed here as taking none."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from deploy.services import ALL
from shared.service.doors import operations_of
from shared.service.manifest import Manifest
from shared.service.web.operation import Operation

TAKES_NONE = {
    "resendMail": "what is queued again is the e-mail of the path",
    "announceTokens": "it tells what is there",
    "dryRunImport": "the import of the path is tried as it was ordered",
    "runImport": "the import of the path is carried out as it was ordered",
    "pauseImport": "steers the import of the path",
    "resumeImport": "steers the import of the path",
    "cancelImport": "steers the import of the path",
    "cancelImportDialect": "steers the import of the path",
    "undoImport": "undoes the import of the path",
    "pauseMassChange": "steers the change of the path",
    "resumeMassChange": "steers the change of the path",
    "cancelMassChange": "steers the change of the path",
    "undoMassChange": "undoes the change of the path",
    "eraseEntity": "erases the entity of the path",
    "settleErasureReview": "settles the line of the path",
    "reapplyErasures": "does once more what was done",
    "linkPlainly": "links the two entities of the path",
    "replayDeadLetter": "repeats the letter of the path",
    "skipDeadLetter": "passes over the letter of the path",
    "verifyReports": "compares everything",
    "verifyMetric": "compares the metric of the path",
    "rebuildMetric": "fills the metric of the path anew",
    "rebuildReplica": "fills the replica of the path anew",
}
WRITING = ("POST", "PUT", "PATCH")


def _writing(manifest: Manifest) -> list[Operation]:
    return [one for one in operations_of(manifest) if one.method in WRITING and not one.upload]


@pytest.mark.parametrize("manifest", ALL, ids=lambda one: one.name)
def test_whatever_takes_a_body_says_which(manifest: Manifest) -> None:
    silent = {one.name for one in _writing(manifest) if one.body is None and not one.hidden}
    assert silent <= TAKES_NONE.keys()


@pytest.mark.parametrize("manifest", ALL, ids=lambda one: one.name)
def test_examples_are_what_bodies_say(manifest: Manifest) -> None:
    for one in _writing(manifest):
        if one.body is not None and isinstance(one.example, dict):
            assert issubclass(one.body, BaseModel)
            one.body.model_validate(one.example)


def test_what_takes_none_is_there() -> None:
    names = {one.name for manifest in ALL for one in _writing(manifest) if one.body is None}
    assert TAKES_NONE.keys() <= names
