"""Batches through the official SDK."""

from __future__ import annotations

from typing import Any

import hubspot.crm.contacts as contacts
import hubspot.crm.objects as objects
import pytest


def create(sdk: Any, *properties: dict[str, str]) -> Any:
    inputs = [contacts.SimplePublicObjectBatchInputForCreate(properties=one) for one in properties]
    return sdk.crm.contacts.batch_api.create(contacts.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))


def read(sdk: Any, ids: list[str], **more: Any) -> Any:
    given = {"properties": ["firstname"], "properties_with_history": [], **more}
    inputs = [contacts.SimplePublicObjectId(id=one) for one in ids]
    return sdk.crm.contacts.batch_api.read(contacts.BatchReadInputSimplePublicObjectId(inputs=inputs, **given))


def test_create_and_read(sdk: Any, unique: str) -> None:
    made = create(sdk, *({"firstname": f"{unique}{number}"} for number in range(100)))
    assert made.status == "COMPLETE"
    ids = [one.id for one in made.results]
    assert len(set(ids)) == 100
    assert [one.properties["firstname"] for one in made.results] == [f"{unique}{number}" for number in range(100)]
    back = read(sdk, ids[::-1])
    assert [one.id for one in back.results] == ids[::-1]
    assert back.completed_at >= back.started_at


def test_reading_unknown_ids_is_partly_done(sdk: Any) -> None:
    made = create(sdk, {"firstname": "A"}).results[0]
    answer = read(sdk, ["999999999", made.id])
    assert type(answer).__name__ == "BatchResponseSimplePublicObjectWithErrors"
    assert (answer.num_errors, [one.id for one in answer.results]) == (1, [made.id])
    assert answer.errors[0].category == "OBJECT_NOT_FOUND"
    assert answer.errors[0].context["ids"] == ["999999999"]


def test_read_by_address_with_history(sdk: Any, unique: str) -> None:
    made = create(sdk, {"email": f"{unique}@example.org"}).results[0]
    answer = read(sdk, [f"{unique}@example.org"], id_property="email", properties_with_history=["email"])
    assert answer.results[0].id == made.id
    assert answer.results[0].properties_with_history["email"][0].value == f"{unique}@example.org"


def test_one_bad_item_refuses_a_plain_batch(sdk: Any, unique: str) -> None:
    with pytest.raises(contacts.ApiException) as caught:
        create(sdk, {"email": f"{unique}@example.org"}, {"email": "no address"})
    assert caught.value.status == 400
    assert len(create(sdk, {"email": f"{unique}@example.org"}).results) == 1


def test_the_same_address_twice_in_a_batch_is_a_conflict(sdk: Any, unique: str) -> None:
    with pytest.raises(contacts.ApiException) as caught:
        create(sdk, {"email": f"{unique}@example.org"}, {"email": f"{unique.upper()}@example.org"})
    assert caught.value.status in (400, 409)


def test_traced_items_are_written_one_by_one(sdk: Any, unique: str) -> None:
    inputs = [
        contacts.SimplePublicObjectBatchInputForCreate(properties={"email": address}, object_write_trace_id=trace)
        for address, trace in ((f"{unique}@example.org", "good"), ("no address", "bad"), (f"{unique}@example.org", "2"))
    ]
    body = contacts.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs)
    answer = sdk.crm.contacts.batch_api.create(body)
    assert [one.object_write_trace_id for one in answer.results] == ["good"]
    assert answer.num_errors == 2
    assert [one.context["objectWriteTraceId"] for one in answer.errors] == [["bad"], ["2"]]
    assert [one.category for one in answer.errors] == ["VALIDATION_ERROR", "CONFLICT"]
    assert answer.errors[0].errors[0].code == "INVALID_EMAIL"


def test_update(sdk: Any, unique: str) -> None:
    made = create(sdk, {"firstname": "A"}, {"email": f"{unique}@example.org"}).results
    inputs = [
        contacts.SimplePublicObjectBatchInput(id=made[0].id, properties={"lastname": "X"}),
        contacts.SimplePublicObjectBatchInput(
            id=f"{unique}@example.org", id_property="email", properties={"lastname": "Y"}
        ),
        contacts.SimplePublicObjectBatchInput(id="999999999", properties={"lastname": "Z"}),
    ]
    api = sdk.crm.contacts.batch_api
    answer = api.update(contacts.BatchInputSimplePublicObjectBatchInput(inputs=inputs[:2]))
    assert [one.properties["lastname"] for one in answer.results] == ["X", "Y"]
    partly = api.update(contacts.BatchInputSimplePublicObjectBatchInput(inputs=inputs))
    assert (len(partly.results), partly.num_errors) == (2, 1)
    assert partly.errors[0].context["ids"] == ["999999999"]


def test_upsert(sdk: Any, unique: str) -> None:
    known = create(sdk, {"email": f"{unique}@example.org"}).results[0]
    inputs = [
        contacts.SimplePublicObjectBatchInputUpsert(
            id=f"{name}@example.org", id_property="email", properties={"firstname": name}
        )
        for name in (unique.upper(), f"{unique}-new")
    ]
    answer = sdk.crm.contacts.batch_api.upsert(contacts.BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs))
    assert [one.new for one in answer.results] == [False, True]
    assert answer.results[0].id == known.id
    made = sdk.crm.contacts.basic_api.get_by_id(answer.results[1].id)
    assert made.properties["email"] == f"{unique}-new@example.org"


def test_archive(sdk: Any) -> None:
    made = create(sdk, {"firstname": "A"}, {"firstname": "B"}).results
    ids = [contacts.SimplePublicObjectId(id=one) for one in (made[0].id, "999999999")]
    sdk.crm.contacts.batch_api.archive(contacts.BatchInputSimplePublicObjectId(inputs=ids))
    assert [one.id for one in read(sdk, [made[0].id, made[1].id]).results] == [made[1].id]


def test_upsert_of_a_custom_type(sdk: Any, car: str, unique: str) -> None:
    def upsert(model: str) -> Any:
        one = objects.SimplePublicObjectBatchInputUpsert(id=unique, id_property="plate", properties={"model": model})
        return sdk.crm.objects.batch_api.upsert(
            car, objects.BatchInputSimplePublicObjectBatchInputUpsert(inputs=[one])
        ).results[0]

    first, second = upsert("T"), upsert("A")
    assert (first.new, second.new, first.id) == (True, False, second.id)
