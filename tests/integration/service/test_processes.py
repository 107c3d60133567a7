"""What one process of contacts does is known to the others before they refuse, or find nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from shared.eav.catalog import StaleCatalog
from shared.eav.declare import AttributeDef, OptionDef, TypeDef
from shared.kernel.db import Connection
from shared.kernel.errors import NotFound
from shared.service.entities import Draft, Entity, Ref, View
from shared.service.erasure.secret import Secret
from shared.service.runtime import Runtime
from tests.factories.processes import ANYBODY, processes
from tests.integration.service.conftest import System

PLAIN = View("json", ())
_LAST = "select body->'detail' from outbox where kind = 'catalog.attribute' order by id desc limit 1"


@pytest.fixture
def runtime(system: System) -> Runtime:
    """The process that is busy."""
    found: Runtime = system.runtime("contacts")
    return found


@pytest.fixture
def start(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Runtime]]:
    """Starts further processes, with a secret for the ledger and no file of this machine."""
    with processes(runtime) as made:

        def started() -> Runtime:
            found = made()
            monkeypatch.setattr(found.erasure, "_secrets", lambda: [Secret.of("secret of tests")])
            return found

        yield started


def make(runtime: Runtime, name: str, **values: object) -> Entity:
    """A contact."""
    (made,) = runtime.entities.create(ANYBODY, "contact", [Draft({"last_name": name, **values})], PLAIN)
    assert isinstance(made, Entity)
    return made


def test_who_is_put_aside_is_erased_by_a_value_first_written_elsewhere(
    runtime: Runtime, start: Callable[[], Runtime]
) -> None:
    runtime.definitions.add_attributes(ANYBODY, "contact", [AttributeDef("badge", "Badge", "string", unique=True)])
    elsewhere = start()
    made = make(runtime, "Badge", badge="B-1")
    runtime.entities.archive(ANYBODY, "contact", [Ref(made.id)])
    assert elsewhere.erasure.erase(ANYBODY, "contact", Ref(attribute="badge", value="B-1")).keys() == {made.id}


def test_an_attribute_just_made_unique_names_a_person(runtime: Runtime, start: Callable[[], Runtime]) -> None:
    runtime.definitions.add_attributes(ANYBODY, "contact", [AttributeDef("passport", "Passport", "string")])
    made = make(runtime, "Passport", passport="P-1")
    elsewhere = start()
    runtime.definitions.change_attribute(ANYBODY, "contact", "passport", {"unique": True})
    assert elsewhere.erasure.erase(ANYBODY, "contact", Ref(attribute="passport", value="P-1")).keys() == {made.id}


def test_duplicates_are_looked_for_by_values_just_made_possible(runtime: Runtime, start: Callable[[], Runtime]) -> None:
    made, elsewhere = make(runtime, "Twinned", email="twinned@example.com"), start()
    runtime.definitions.add_attributes(ANYBODY, "contact", [AttributeDef("shoe", "Shoe", "string")])
    values = {"last_name": "Twinned", "email": "twinned@example.com", "shoe": "43"}
    assert made.id in {one.id for one in elsewhere.duplicates.check(ANYBODY, "contact", values)}


def test_what_another_process_changes_meanwhile_is_kept_and_told(
    runtime: Runtime, start: Callable[[], Runtime]
) -> None:
    asked = AttributeDef("channel", "Channel", "enumeration", options=(OptionDef("a"),))
    runtime.definitions.add_attributes(ANYBODY, "contact", [asked])
    elsewhere, meanwhile = start(), ["b"]

    def more(attribute: AttributeDef) -> Mapping[str, object]:
        if meanwhile:
            theirs = (*attribute.options, OptionDef(meanwhile.pop()))
            elsewhere.definitions.change_attribute(ANYBODY, "contact", "channel", {"options": theirs, "label": "Way"})
        return {"options": (*attribute.options, OptionDef("c"))}

    runtime.definitions.change_attribute(ANYBODY, "contact", "channel", more)
    with runtime.db.connect() as connection:
        row = connection.row(
            "select body->'detail' from outbox where kind = 'catalog.attribute' order by id desc limit 1"
        )
    assert row is not None
    assert ([one["value"] for one in row[0]["options"]], row[0]["label"]) == (["a", "b", "c"], "Way")


def test_a_type_goes_away_whatever_happens_to_its_attributes_meanwhile(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = system.runtime("workspace").definitions
    name = definitions.add_type(ANYBODY, TypeDef("errand", "errands", "Errand", "Errands")).name
    carried_out, meanwhile = definitions._changed, ["urgent"]

    def slowly(step: Callable[[Connection], None]) -> None:
        if meanwhile:
            elsewhere.definitions.add_attributes(ANYBODY, name, [AttributeDef(meanwhile.pop(), "Urgent", "boolean")])
        carried_out(step)

    with processes(system.runtime("workspace")) as made:
        elsewhere = made()
        monkeypatch.setattr(definitions, "_changed", slowly)
        definitions.archive_type(ANYBODY, name)
    assert name in [one.name for one in definitions.types(ANYBODY, archived=True)]


def test_sums_of_a_type_that_was_removed_are_not_those_of_who_has_its_table_now(system: System) -> None:
    runtime = system.runtime("workspace")
    first = runtime.definitions.add_type(ANYBODY, TypeDef("former", "formers", "Former", "Formers"))
    with processes(runtime) as made:
        elsewhere = made()
        runtime.definitions.archive_type(ANYBODY, first.name)
        runtime.definitions.archive_type(ANYBODY, first.name, hard=True)
        with pytest.raises(NotFound):
            elsewhere.engine.reads.last_id(first.name)


def test_a_history_begins_with_a_value_that_came_between_two_statements(
    runtime: Runtime, start: Callable[[], Runtime]
) -> None:
    runtime.definitions.add_attributes(ANYBODY, "contact", [AttributeDef("medal", "Medal", "string")])
    elsewhere = start()
    made = make(runtime, "Medal", medal="Gold")
    reads, former = elsewhere.engine.reads, elsewhere.catalog.type("contact")
    with runtime.db.connect() as connection, pytest.raises(StaleCatalog):
        reads._add_history(connection, former, {made.id: made}, View("json", (), ("medal",)), archived=False)
