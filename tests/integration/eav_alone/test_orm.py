"""The mapped model shows what the engine answers, for every kind of value, and lets nobody write."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from shared.eav.declare import AttributeDef, OptionDef, TypeDef
from shared.eav.orm import Attribute, Entity, EntityType, Option, ReadOnlyModel, Value
from shared.eav.requests import Ref
from shared.eav.standalone import Standalone
from shared.eav.tables import table_name
from shared.eav.types import KINDS, kind_of
from shared.kernel.context import Context

OPTIONS = (OptionDef("hot", "Very hot", 1), OptionDef("cold", "Cold", 2))
GIVEN = {
    "string": "Straße ŁÓDŹ",
    "long_text": "many words\n" * 300,
    "number": "1234567890.1250",
    "boolean": False,
    "date": "2027-03-31",
    "datetime": "2027-03-31T12:30:00.125+02:00",
    "enumeration": "cold",
    "multi_enumeration": ["cold", "hot"],
    "email": "Ada@Example.ORG",
    "phone": "+48 22 555 01 02",
    "url": "https://example.org/Ł?q=1",
    "reference": 77,
}
THING = TypeDef(
    "thing",
    "things",
    "Thing",
    "Things",
    attributes=tuple(
        AttributeDef(f"a_{kind}", kind.title(), kind, options=OPTIONS if "enumeration" in kind else ())
        for kind in KINDS
    ),
    pool=(2, 24, 8, 8),  # so few text slots that some values live in a second bank
)


@pytest.fixture(scope="module")
def eav(database_url: str) -> Iterator[Standalone]:
    standalone = Standalone.open(database_url)
    standalone.define(THING)
    yield standalone
    standalone.close()


@pytest.fixture(scope="module")
def thing(eav: Standalone) -> int:
    """An entity with a value of every kind; a second one has none."""
    eav.create("thing")
    return eav.create("thing", {f"a_{kind}": value for kind, value in GIVEN.items()})


@pytest.fixture
def session(eav: Standalone) -> Iterator[Session]:
    with Session(eav.engine.database.engine) as opened:
        yield opened


def test_every_kind_is_given():
    assert set(GIVEN) == set(KINDS)


def test_entities_and_their_tuples_are_what_the_engine_answers(eav: Standalone, session: Session, thing: int):
    live = eav.engine.catalog.type("thing")
    assert live.banks > 1
    shown = session.get(Entity, thing)
    assert shown is not None
    answered = eav.get("thing", thing)
    expected = {name: kind_of(live.attributes[name]).to_text(value) for name, value in answered.values.items()}
    assert set(expected) == {f"a_{kind}" for kind in KINDS}
    assert {name: one.value for name, one in shown.values.items()} == expected
    assert {name: one.label for name, one in shown.values.items()} == {
        one.name: one.label for one in live.attributes.values()
    }
    assert (shown.id, shown.entity_type, shown.version) == (answered.id, "thing", answered.version)
    created = shown.created_at.replace(tzinfo=datetime.UTC)
    assert created.isoformat(timespec="milliseconds").replace("+00:00", "Z") == answered.created_at


def test_many_are_read_with_their_tuples_in_two_statements(session: Session, thing: int):
    statements = []
    with session.bind.connect() as connection:
        sa.event.listen(connection, "before_cursor_execute", lambda *given: statements.append(given[2]))
        with Session(connection) as counted:
            found = counted.scalars(sa.select(Entity).options(selectinload(Entity.values)).order_by(Entity.id)).all()
            sizes = [len(one.values) for one in found]
    assert sizes == [0, len(KINDS)]
    assert len(statements) == 2


def test_tuples_are_asked_for_by_attribute_and_value(session: Session, thing: int):
    wanted = sa.select(Entity).join(Entity.values).where(Value.label == "Enumeration", Value.value == "cold")
    assert [one.id for one in session.scalars(wanted)] == [thing]


def test_definitions_are_what_the_catalog_says(eav: Standalone, session: Session):
    live = eav.engine.catalog.type("thing")
    shown = session.scalars(sa.select(EntityType).where(EntityType.name == "thing")).one()
    assert (shown.id, shown.plural, shown.version) == (live.id, live.plural, live.version)
    assert {(one.id, one.name, one.kind, one.column_name) for one in shown.attributes} == {
        (one.id, one.name, one.kind, one.column) for one in live.attributes.values()
    }
    choices = next(one for one in shown.attributes if one.kind == "enumeration").options
    assert [(one.value, one.label) for one in choices] == [(one.value, one.label) for one in OPTIONS]
    assert choices[0].attribute.entity_type is shown


def test_archived_entities_are_not_shown(eav: Standalone, session: Session):
    gone = eav.create("thing", {"a_number": 5})
    assert session.get(Entity, gone) is not None
    eav.engine.writes.archive("thing", [Ref(gone)], Context())
    session.expire_all()
    assert session.scalars(sa.select(Entity).where(Entity.id == gone)).first() is None
    assert session.scalars(sa.select(Value).where(Value.entity_id == gone)).first() is None


@pytest.mark.parametrize("model", [EntityType, Attribute, Option, Entity, Value])
def test_nothing_is_inserted(session: Session, model: type):
    session.add(model())
    with pytest.raises(ReadOnlyModel, match="write through the engine"):
        session.flush()


def test_nothing_is_changed_or_deleted(session: Session, thing: int):
    entity = session.get(Entity, thing)
    entity.version = 99
    with pytest.raises(ReadOnlyModel):
        session.flush()
    session.rollback()
    entity.values["a_string"].value = "other"
    with pytest.raises(ReadOnlyModel):
        session.flush()
    session.rollback()
    session.delete(session.scalars(sa.select(Attribute)).first())
    with pytest.raises(ReadOnlyModel):
        session.flush()


def test_tuples_are_neither_added_nor_taken_away(session: Session, thing: int):
    entity = session.get(Entity, thing)
    with pytest.raises(ReadOnlyModel):
        entity.values["a_new"] = Value(entity_id=thing, attribute="a_new", value="1")
    with pytest.raises(ReadOnlyModel):
        del entity.values["a_string"]
    with pytest.raises(ReadOnlyModel):
        entity.values = {}


def test_the_database_refuses_a_write_to_the_views_too(session: Session, thing: int):
    for statement in (
        "update eav_values set value = 'x'",
        "delete from eav_entities",
        "insert into eav_values(entity_id, attribute, value) values (1, 'a', 'b')",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="cannot"):
            session.execute(sa.text(statement))
        session.rollback()


def test_the_view_follows_a_new_bank(eav: Standalone, thing: int):
    before = eav.engine.catalog.type("thing").banks
    added = [eav.add_attribute("thing", f"More {n}") for n in range(6)]
    eav.set("thing", thing, {one.name: one.label for one in added})
    assert eav.engine.catalog.type("thing").banks > before
    told = {label: value for *_, value, label in eav.tuples(thing)}
    assert {one.label: told[one.label] for one in added} == {one.label: one.label for one in added}
    with eav.engine.database.connect() as connection:
        tables = {name for (name,) in connection.rows("select table_name from information_schema.tables")}
    assert table_name(1, before + 1) in tables
