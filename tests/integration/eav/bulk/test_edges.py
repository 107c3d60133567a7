"""Bulk calls at their edges: references of all sorts, values that swap, what is refused, what is not written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from shared.eav.bulk.items import MAX_ITEMS, BulkItem, BulkOutcome
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.install import install
from shared.eav.requests import Ref
from shared.eav.validation import NoJudge
from shared.kernel.db import Database
from shared.kernel.errors import FieldError, Invalid, NotFound
from tests.factories.asking import CONTEXT, create, held_exactly
from tests.factories.kinds import RAW, attribute, entity_type, every_kind
from tests.factories.schema import Schema
from tests.integration.eav.bulk.outcomes import by, codes, results

MakeType = Callable[..., LiveType]


def test_later_items_see_what_earlier_ones_wrote(engine: Engine, live: LiveType) -> None:
    """One entity from four items, found by what they themselves make of it."""
    items = [
        BulkItem({"code": "b1", "name": "x"}, by("code", "b1")),
        BulkItem({"name": "y"}, by("code", "B1")),
        BulkItem({"name": "y"}, by("name", "Y")),
        BulkItem({"name": "z", "code": "b2"}, by("code", "b1")),
        BulkItem({"name": "new"}, by("code", "b1")),
        BulkItem({"name": "again"}, by("name", "y")),
    ]
    found = engine.bulk.write(live.name, items, CONTEXT)
    assert results(found) == ["created", "updated", "unchanged", "updated", "created", "created"]
    assert [one.version for one in found] == [1, 2, 2, 3, 1, 1]
    first, second, third = found[0].id, found[4].id, found[5].id
    assert [one.id for one in found] == [first, first, first, first, second, third]
    assert first
    assert second
    assert third
    held_exactly(
        engine,
        live.name,
        {
            first: (3, {"name": "z", "code": "b2"}),
            second: (1, {"name": "new", "code": "b1"}),
            third: (1, {"name": "again"}),
        },
    )


@pytest.mark.parametrize("key", ["name", "amount", "stage"])
def test_references_by_what_need_not_be_unique(engine: Engine, live: LiveType, key: str) -> None:
    """One match is meant, none is made, several are refused by name of all."""
    one, other = {"name": ("Anna", "ANNA"), "amount": ("7", 7.0), "stage": ("done", "Done")}[key]
    first, second = (made.id for made in create(engine, live.name, {key: one}, {"code": "t"}))
    found = engine.bulk.write(
        live.name,
        [
            BulkItem({"code": "a"}, by(key, other)),
            BulkItem({key: one, "code": "t"}, by("code", "t")),
            BulkItem({"code": "b"}, by(key, other)),
            BulkItem({key: None}, by("code", "a")),
            BulkItem({"code": "c"}, by(key, other)),
        ],
        CONTEXT,
    )
    assert results(found) == ["updated", "updated", "rejected", "updated", "updated"]
    assert codes(found)[2] == ["AMBIGUOUS"]
    assert f"{first}, {second}" in found[2].errors[0].message
    assert found[4].id == second


def test_very_many_matches_are_not_all_named(engine: Engine, live: LiveType) -> None:
    """Ten say enough."""
    create(engine, live.name, *({"name": "Same"} for _ in range(12)))
    (one,) = engine.bulk.write(live.name, [BulkItem({"amount": 1}, by("name", "same"))], CONTEXT)
    assert codes([one]) == [["AMBIGUOUS"]]
    assert one.errors[0].message.count(",") == 9


def test_a_key_whose_index_is_not_built_yet(engine: Engine, make_type: MakeType) -> None:
    """It works as well, by one walk through the table."""
    live = make_type(*(attribute(f"text{n}", "string") for n in range(12)), pool=(12, 2, 1, 1))
    create(engine, live.name, {f"text{n}": f"v{n}" for n in range(12)}, {"text11": "v"})
    late = next(one for one in engine.catalog.type(live.name).attributes.values() if one.column == "t12")
    assert not late.indexed
    items = [BulkItem({"text0": "found"}, by(late.name, value)) for value in (f"v{late.name[4:]}", "v", "nobody")]
    found = engine.bulk.write(live.name, items, CONTEXT)
    assert results(found)[::2] == ["updated", "created"]


def test_unique_values_swap(engine: Engine, live: LiveType) -> None:
    """Within one call, also in a circle of three, and from an old entity to a new one."""
    ids = [one.id for one in create(engine, live.name, *({"code": c, "email": f"{c}@y.test"} for c in "abc"))]
    moves = zip(ids, "bca", strict=True)
    items = [BulkItem({"email": f"{to}@y.test"}, Ref(ident)) for ident, to in moves]
    items.insert(0, BulkItem({"code": "new", "email": "old@y.test"}))
    items.append(BulkItem({"code": "a2"}, Ref(ids[0])))
    items.append(BulkItem({"code": "A", "email": None}))
    found = engine.bulk.write(live.name, items, CONTEXT)
    assert results(found) == ["created", *["updated"] * 4, "created"]
    held_exactly(
        engine,
        live.name,
        {
            ids[0]: (3, {"code": "a2", "email": "b@y.test"}),
            ids[1]: (2, {"code": "b", "email": "c@y.test"}),
            ids[2]: (2, {"code": "c", "email": "a@y.test"}),
            found[0].id or 0: (1, {"code": "new", "email": "old@y.test"}),
            found[-1].id or 0: (1, {"code": "A"}),
        },
    )


def test_who_waits_in_vain_is_refused(engine: Engine, live: LiveType) -> None:
    """The owner is named by a later item, but keeps the value; and what rested on the refused item falls with it."""
    a, b, c = (one.id for one in create(engine, live.name, *({"code": c} for c in "abc")))
    found = engine.bulk.write(
        live.name,
        [
            BulkItem({"code": "c"}, Ref(b)),
            BulkItem({"code": "b"}, Ref(a)),
            BulkItem({"name": "kept"}, Ref(c)),
            BulkItem({"name": "b stays"}, Ref(b)),
        ],
        CONTEXT,
    )
    assert results(found) == ["rejected", "rejected", "updated", "updated"]
    assert codes(found)[:2] == [["CONFLICT"], ["CONFLICT"]]
    assert f"Existing ID: {c}" in found[0].errors[0].message
    held_exactly(
        engine,
        live.name,
        {a: (1, {"code": "a"}), b: (2, {"code": "b", "name": "b stays"}), c: (2, {"code": "c", "name": "kept"})},
    )


def test_taken_values_are_refused_under_the_callers_names(engine: Engine, live: LiveType) -> None:
    """Taken by what is stored, by an item before, by an item that was itself refused."""
    (old,) = create(engine, live.name, {"email": "x@y.test"})
    found = engine.bulk.write(
        live.name,
        [
            BulkItem({"code": "a", "The email": "X@y.test"}),
            BulkItem({"code": "A"}),
            BulkItem({"code": "a"}),
            BulkItem({"code": "b", "email": "nonsense", "amount": "much"}),
            BulkItem({"code": "b"}),
        ],
        CONTEXT,
    )
    assert results(found) == ["rejected", "created", "rejected", "rejected", "created"]
    assert [(one.name, one.code) for one in found[0].errors] == [("The email", "CONFLICT")]
    assert str(old.id) in found[0].errors[0].message
    assert {one.name for one in found[3].errors} == {"email", "amount"}


def test_modes(engine: Engine, live: LiveType) -> None:
    """Create makes, update changes, upsert does either; each refuses what it cannot do."""
    (old,) = create(engine, live.name, {"code": "old"})
    there, gone, away = by("code", "old"), by("code", "new"), Ref(2**62)
    found = engine.bulk.write(
        live.name,
        [
            BulkItem({"name": "1"}, there, "create"),
            BulkItem({"name": "2"}, there, "update"),
            BulkItem({"name": "3"}, there, "upsert"),
            BulkItem({"name": "4"}, gone, "update"),
            BulkItem({"name": "5"}, gone, "create"),
            BulkItem({"name": "6"}, gone, "create"),
            BulkItem({"name": "7"}, away, "upsert"),
            BulkItem({"name": "8"}, None, "update"),
            BulkItem({"name": "9"}),
            BulkItem({"name": "10"}, Ref(2**70)),
            BulkItem({"name": "11"}, Ref(-1)),
            BulkItem({"name": "12"}, by("notes", "x")),
            BulkItem({"name": "13"}, by("created_at", "2020-01-01")),
            BulkItem({"name": "14"}, by("nmae", "x")),
            BulkItem({"name": "15"}, by("code", None), "update"),
            BulkItem({"name": "16"}, by("email", "no address")),
        ],
        CONTEXT,
    )
    made = ["rejected", "updated", "updated", "rejected", "created", "rejected", "rejected", "rejected", "created"]
    assert results(found) == [*made, *["rejected"] * 7]
    assert found[1].id == old.id
    assert [one[0] if one else "" for one in codes(found)] == [
        "CONFLICT", "", "", "OBJECT_NOT_FOUND", "", "CONFLICT", "OBJECT_NOT_FOUND", "REQUIRED_FIELD", "",
        "OBJECT_NOT_FOUND", "OBJECT_NOT_FOUND", "NOT_UNIQUE", "NOT_UNIQUE", "PROPERTY_DOESNT_EXIST",
        "OBJECT_NOT_FOUND", "INVALID_EMAIL",
    ]  # fmt: skip
    assert found[13].errors[0].nearest


def test_all_errors_of_an_item_are_told(engine: Engine, live: LiveType) -> None:
    """Those found beforehand, those of the reference, those of every value."""
    known = (FieldError("company", "UNKNOWN", "no such company"),)
    item = BulkItem({"amount": "much", "stage": "none", "nope": 1}, by("code", "nobody"), "update", errors=known)
    (one,) = engine.bulk.write(live.name, [item], CONTEXT)
    assert {error.code for error in one.errors} >= {
        "INVALID_INTEGER", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST", "UNKNOWN", "OBJECT_NOT_FOUND",
    }  # fmt: skip
    (one,) = engine.bulk.write(live.name, [BulkItem({"code": "fine"}, errors=known)], CONTEXT)
    assert (one.outcome, one.errors) == ("rejected", known)
    held_exactly(engine, live.name, {})


def test_an_item_without_anything(engine: Engine, live: LiveType) -> None:
    """No values: an entity nonetheless. No items: nothing, but what comes with it is done."""
    (one,) = engine.bulk.write(live.name, [BulkItem({})], CONTEXT)
    assert one.outcome == "created"
    calls: list[Sequence[BulkOutcome]] = []
    assert engine.bulk.write(live.name, [], CONTEXT, also=lambda _, outcomes: calls.append(outcomes)) == []
    assert calls == [[]]
    with pytest.raises(NotFound):
        engine.bulk.write("nothing_of_the_kind", [BulkItem({})], CONTEXT)
    with pytest.raises(Invalid):
        engine.bulk.write(live.name, [BulkItem({})] * (MAX_ITEMS + 1), CONTEXT)


def test_values_of_every_kind_across_banks(engine: Engine, make_type: MakeType) -> None:
    """First values take their slots, further banks are made; changed, cleared, and left alone."""
    twins = [attribute(f"{kind.name}{n}", kind.kind) for kind in every_kind() for n in (2, 3)]
    live = make_type(attribute("code", "string", unique=True), *every_kind(), *twins, pool=(2, 2, 1, 1))
    rows = [
        {"code": f"{n}"} | {f"{kind}{i}": raws[(n + place) % len(raws)] for kind, raws in RAW.items()
                            for place, i in enumerate(("", 2, 3))}
        for n in range(8)
    ]  # fmt: skip
    items = [BulkItem(row, by("code", row["code"])) for row in rows]
    made = engine.bulk.write(live.name, items, CONTEXT)
    assert results(made) == ["created"] * 8
    assert engine.catalog.type(live.name).banks >= 6
    held_exactly(engine, live.name, {one.id or 0: (1, row) for one, row in zip(made, rows, strict=True)})
    assert results(engine.bulk.write(live.name, items, CONTEXT)) == ["unchanged"] * 8
    half = [name for name in rows[0] if name.endswith("3")]
    changed = [BulkItem(dict.fromkeys(half), by("code", row["code"])) for row in rows[:4]]
    changed += [BulkItem({name: rows[0][name] for name in half}, by("code", row["code"])) for row in rows[4:]]
    engine.bulk.write(live.name, changed, CONTEXT)
    expected = {
        one.id or 0: (
            2,
            {name: value for name, value in row.items() if name not in half}
            | ({name: rows[0][name] for name in half} if place > 3 else {}),
        )
        for place, (one, row) in enumerate(zip(made, rows, strict=True))
    }
    held_exactly(engine, live.name, expected)


def test_only_changed_words_are_indexed_anew(engine: Engine, live: LiveType) -> None:
    """Documents of entities whose texts change, the last text of all cleared among them; others stay as they are."""
    a, b, c = (one.id for one in create(engine, live.name, {"name": "x"}, {"code": "b"}, {"code": "c", "amount": 1}))
    items = [
        BulkItem({"name": None, "amount": 2}, Ref(a)),
        BulkItem({"code": "bb"}, Ref(b)),
        BulkItem({"amount": 2}, Ref(c)),
    ]
    assert results(engine.bulk.write(live.name, items, CONTEXT)) == ["updated"] * 3
    held_exactly(engine, live.name, {a: (2, {"amount": 2}), b: (2, {"code": "bb"}), c: (2, {"code": "c", "amount": 2})})


def test_archived_attributes_keep_their_values(engine: Engine, schema: Schema, live: LiveType) -> None:
    """They are no names to write to, and a changed entity keeps what it has of them."""
    (one,) = create(engine, live.name, {"code": "a", "name": "kept", "tags": "new", "notes": "long"})
    for name in ("name", "tags", "notes"):
        schema.archive(live.name, name)
    found = engine.bulk.write(
        live.name, [BulkItem({"name": "x"}, by("code", "a")), BulkItem({"amount": 1}, by("code", "a"))], CONTEXT
    )
    assert results(found) == ["rejected", "updated"]
    assert codes(found)[0] == ["PROPERTY_DOESNT_EXIST"]
    assert results(engine.bulk.write(live.name, [BulkItem({}, by("name", "kept"))], CONTEXT)) == ["rejected"]
    for name in ("name", "tags", "notes"):
        schema.add(live.name, attribute(name, live.attributes[name].kind))
    held = {"code": "a", "name": "kept", "tags": "new", "notes": "long", "amount": 1}
    held_exactly(engine, live.name, {one.id: (2, held)})


def test_absorbed_ids_and_aliases(engine: Engine, live: LiveType) -> None:
    """What a merge left behind leads to the survivor, and cannot be taken from it."""
    a, b = (one.id for one in create(engine, live.name, {"code": "a"}, {"code": "b"}))
    with engine.database.connect() as connection:
        # As merges leave it; their own tests show that they do.
        merge = connection.row(
            "insert into eav_merge(type_id, survivor, version, absorbed, sources, aliases)"
            " values (%(t)s, %(a)s, 1, array[%(b)s::bigint], '{}', '[]') returning id",
            {"t": live.id, "a": a, "b": b},
        )
        assert merge is not None
        connection.run(
            "insert into eav_absorbed(id, type_id, survivor, into_id, merge_id)"
            " values (%(b)s, %(t)s, %(a)s, %(a)s, %(m)s)",
            {"t": live.id, "a": a, "b": b, "m": merge[0]},
        )
        connection.run(
            "update eav_unique set entity_id = %(a)s, alias = true where entity_id = %(b)s", {"a": a, "b": b}
        )
        connection.run(f"delete from eav_entity_{live.table} where id = %(b)s", {"b": b})
        connection.run(f"delete from eav_search_{live.table} where id = %(b)s", {"b": b})
    found = engine.bulk.write(
        live.name,
        [
            BulkItem({"name": "by id"}, Ref(b)),
            BulkItem({"name": "by alias"}, by("code", "B")),
            BulkItem({"code": "b"}),
            BulkItem({"code": "B"}, Ref(a)),
        ],
        CONTEXT,
    )
    assert results(found) == ["updated", "updated", "rejected", "updated"]
    assert {one.id for one in found} == {a, None}
    with engine.database.connect() as connection:
        keys = connection.rows("select key, alias from eav_unique where entity_id = %(a)s", {"a": a})
    assert keys == [("b", False)]


def test_large_ids(new_database: Callable[[], str]) -> None:
    """Ids past 32 bits."""
    database = Database(new_database())
    install(database)
    engine = Engine(database)
    Schema(engine).add_type(entity_type("thing", attribute("code", "string", unique=True), attribute("n", "number")))
    with database.connect() as connection:
        connection.run(f"alter sequence eav_entity_id restart with {2**53}")
    made = engine.bulk.write("thing", [BulkItem({"code": c}) for c in "ab"], CONTEXT)
    assert [one.id for one in made] == [2**53, 2**53 + 1]
    items = [BulkItem({"n": 1}, Ref(2**53)), BulkItem({"n": 2}, by("code", "b")), BulkItem({"n": 3}, by("n", 2))]
    assert results(engine.bulk.write("thing", items, CONTEXT)) == ["updated"] * 3
    held_exactly(engine, "thing", {2**53: (2, {"code": "a", "n": 1}), 2**53 + 1: (3, {"code": "b", "n": 3})})
    database.dispose()


class Careless(NoJudge):
    """Rules that give an entity a unique value nobody wrote."""

    def judged(self, live, old, new, context):  # type: ignore[no-untyped-def]
        """The code follows the name."""
        return ({**new, "code": new["name"]} if new.get("name") else new), ()


def test_values_that_rules_complete(database: Database, live: LiveType) -> None:
    """They are looked up, kept unique and given slots like any others."""
    engine = Engine(database, judge=Careless())
    found = engine.bulk.write(live.name, [BulkItem({"name": "n"}), BulkItem({"name": "N"}), BulkItem({})], CONTEXT)
    assert results(found) == ["created", "rejected", "created"]
    (again,) = engine.bulk.write(live.name, [BulkItem({"name": "N"})], CONTEXT)
    assert f"Existing ID: {found[0].id}" in again.errors[0].message


def test_retired_options_stay_and_appended_ones_are_added(engine: Engine, schema: Schema, live: LiveType) -> None:
    """What an entity holds decides how a cell is read, also when the same cell stands in another row."""
    a, b = (one.id for one in create(engine, live.name, {"stage": "done", "tags": "new"}, {"tags": "done"}))
    left = tuple(one for one in live.attributes["stage"].options if one.value != "done")
    schema.offer(live.name, "stage", left)
    engine.catalog.refresh()
    same: dict[str, object] = {"stage": "done", "tags": ";50%_off"}
    items = [BulkItem({"tags": same["tags"]}), BulkItem(same, Ref(b)), BulkItem(same, Ref(a))]
    assert results(engine.bulk.write(live.name, items, CONTEXT)) == ["created", "rejected", "updated"]
    (held,) = engine.reads.read(live.name, [Ref(a)], View("text", ("stage", "tags")))
    assert held is not None
    assert (held.values["stage_w"], held.values["tags_w"]) == ("done", "new;50%_off")
