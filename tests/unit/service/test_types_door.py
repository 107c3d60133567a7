"""Definitions in and out of the native door."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.eav.declare import AttributeDef, TypeDef
from shared.service.web import types
from tests.unit.service.fakes import CONTACT, client, service

PATH = "/api/v1/types"


class FakeDefinitions:
    """Answers what it is given and notes it."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def types(self, ctx: Any, *, archived: bool = False) -> list[TypeDef]:
        return [CONTACT]

    def type(self, ctx: Any, name: str) -> TypeDef:
        return CONTACT

    def add_type(self, ctx: Any, defn: TypeDef) -> TypeDef:
        self.asked.append(defn)
        return defn

    def change_type(self, ctx: Any, name: str, changes: Any) -> TypeDef:
        self.asked.append(changes)
        return replace(CONTACT, **changes)

    def archive_type(self, ctx: Any, name: str) -> None:
        self.asked.append(name)

    def attributes(self, ctx: Any, type: str, *, archived: bool = False) -> list[AttributeDef]:
        return list(CONTACT.attributes)

    def attribute(self, ctx: Any, type: str, name: str, *, archived: bool = False) -> AttributeDef:
        return CONTACT.attributes[1]

    def add_attributes(self, ctx: Any, type: str, defns: Any, *, partial: bool = False) -> list[AttributeDef]:
        self.asked.extend(defns)
        return [replace(one, name=one.name or "made", id=7) for one in defns]

    def change_attribute(self, ctx: Any, type: str, name: str, changes: Any) -> AttributeDef:
        self.asked.append(changes)
        return replace(CONTACT.attributes[1], **changes)

    def archive_attributes(self, ctx: Any, type: str, names: Any) -> None:
        self.asked.append(names)


@pytest.fixture
def definitions() -> FakeDefinitions:
    return FakeDefinitions()


@pytest.fixture
def web(definitions: FakeDefinitions) -> Any:
    return client(service(definitions=definitions), *types.OPERATIONS)


@pytest.mark.parametrize("label", ["预计收入", "Umsatz (€)", "الإيرادات", "ραχ", "💶"])
def test_a_label_alone_is_enough(web: Any, definitions: FakeDefinitions, label: str) -> None:
    made = web.post(f"{PATH}/contacts/attributes", json={"label": label, "type": "number"})
    assert made.status_code == 201
    assert (definitions.asked[-1].name, definitions.asked[-1].label) == ("", label)
    assert (made.json["label"], made.json["type"]) == (label, "number")
    assert made.headers["Location"] == "/api/v1/types/contacts/attributes/made"


def test_options_come_as_texts_or_objects(web: Any, definitions: FakeDefinitions) -> None:
    options = ["red", {"value": "b", "label": "Blue", "hidden": True}, {"label": "Green"}]
    made = web.post(f"{PATH}/contacts/attributes", json={"label": "Colour", "options": options})
    asked = definitions.asked[-1]
    assert asked.kind == "enumeration"
    assert [(one.value, one.label, one.display_order, one.hidden) for one in asked.options] == [
        ("red", "red", 0, False),
        ("b", "Blue", 1, True),
        ("Green", "Green", 2, False),
    ]
    assert made.json["options"][1]["label"] == "Blue"


def test_every_wrong_thing_is_named(web: Any) -> None:
    body = {"options": [1, {}, {"valeu": "x"}], "unique": "yes", "display_order": "first", "group": 5}
    found = web.post(f"{PATH}/contacts/attributes", json=body)
    named = {one["in"] for one in found.json["errors"]}
    assert found.status_code == 400
    assert named == {
        "options[0]",
        "options[1]",
        "options[2].valeu",
        "options[2]",
        "unique",
        "display_order",
        "group",
        "label",
    }
    assert (
        web.post(f"{PATH}/contacts/attributes", json={"lable": "x"}).json["errors"][0]["context"]["nearest"][0]
        == "label"
    )


def test_change_read_archive_attributes(web: Any, definitions: FakeDefinitions) -> None:
    changed = web.patch(f"{PATH}/contacts/attributes/first_name", json={"label": "Given name", "hidden": True})
    assert (changed.status_code, changed.json["label"]) == (200, "Given name")
    assert definitions.asked[-1] == {"label": "Given name", "hidden": True}
    assert web.patch(f"{PATH}/contacts/attributes/x", json={"name": "y"}).status_code == 400
    assert web.get(f"{PATH}/contacts/attributes/first_name").json["wire_name"] == "firstname"
    assert len(web.get(f"{PATH}/contacts/attributes").json["results"]) == len(CONTACT.attributes)
    assert web.delete(f"{PATH}/contacts/attributes/first_name").status_code == 204


def test_types(web: Any, definitions: FakeDefinitions) -> None:
    assert web.get(PATH).json["results"][0]["plural"] == "contacts"
    assert len(web.get(f"{PATH}/contacts").json["attributes"]) == len(CONTACT.attributes)
    body = {"label": "Machine", "attributes": [{"label": "Serial", "unique": True}], "searchable": ["serial"]}
    assert web.post(PATH, json=body).status_code == 201
    made = definitions.asked[-1]
    assert (made.name, made.plural, made.plural_label, made.searchable) == (
        "machine",
        "machines",
        "Machine",
        ("serial",),
    )
    assert made.attributes[0].unique
    bad = web.post(PATH, json={"attributes": [{"typ": "x"}], "required": "name"})
    assert {one["in"] for one in bad.json["errors"]} == {"attributes[0].typ", "required", "label"}
    assert web.patch(f"{PATH}/contacts", json={"label": "Person"}).json["label"] == "Person"
    assert web.delete(f"{PATH}/contacts").status_code == 204
