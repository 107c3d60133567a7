"""The published language between an import's two halves: every stored sample decodes and is written back the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.contracts import imports as contract
from shared.contracts.event import from_document
from shared.contracts.imports import ChunkDone, JobOrder, PhaseFinished, detail_of
from shared.service.imports.spec import Column, ImportSpec, Key, Link

SAMPLES = json.loads((Path(__file__).parent / "samples" / "imports.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", SAMPLES, ids=lambda one: f"{one['kind']}-{one['detail']['phase']}")
def test_every_sample_decodes_and_is_written_back_the_same(document):
    detail = detail_of(from_document(document))
    assert detail is not None
    assert json.loads(json.dumps(detail.to_document())) == document["detail"]


def test_samples_mean_what_they_meant():
    order, paused, chunk, undone, finished = (detail_of(from_document(one)) for one in SAMPLES)
    assert isinstance(order, JobOrder)
    assert order.chunks == ((0, None), (1, 0))
    assert order.final
    assert ImportSpec.model_validate(order.spec).links[0].missing == "create"
    assert paused == JobOrder("contacts", "paused")
    assert isinstance(chunk, ChunkDone)
    assert chunk.rows == chunk.created + chunk.updated + chunk.unchanged + chunk.rejected
    assert chunk.samples[0].changed == {"converted": (False, True)}
    assert isinstance(undone, ChunkDone)
    assert undone.kept == (contract.KeptValue(42, "converted"), contract.KeptValue(43))
    assert finished == PhaseFinished("run", "failed", "attribute prospect_id could not be made")


def test_fields_of_tomorrow_are_accepted():
    later = {"service": "contacts", "state": "running", "priority": 3}
    assert JobOrder.from_document(later) == JobOrder("contacts", "running")


def test_a_spec_survives_its_json():
    spec = ImportSpec.model_validate(SAMPLES[0]["detail"]["spec"])
    assert ImportSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert spec.model_dump(mode="json", exclude_unset=True) == SAMPLES[0]["detail"]["spec"]


def test_a_spec_tells_all_that_contradicts_itself_at_once():
    with pytest.raises(ValidationError) as refused:
        ImportSpec(
            type="contact",
            mode="upsert",
            key=Key(column=9, attribute="email"),
            id_column=1,
            columns=(Column(index=0, attribute="a"), Column(index=1, attribute="a")),
            links=(Link(column=7, type="company"),),
            header=("x", "y"),
        )
    said = str(refused.value)
    for word in ("key and id_column", "id_column needs mode update", "a is filled by more", "none of them is 7, 9"):
        assert word in said


def test_rows_that_may_update_need_a_way_to_find_their_entity():
    with pytest.raises(ValidationError, match="needs a key"):
        ImportSpec(type="contact", mode="update")
    assert ImportSpec(type="contact", mode="create").key is None
