"""What bulk calls cost, and what they leave alone: dry runs, unchanged items, statements, what comes along."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from shared.eav.bulk.items import BulkItem, BulkOutcome
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.kernel.db import Connection, Database
from tests.factories.asking import CONTEXT, create, held_exactly
from tests.integration.eav.bulk.outcomes import by, results

MakeType = Callable[..., LiveType]


def test_dry_runs_change_nothing(engine: Engine, database: Database, live: LiveType) -> None:
    """Not a row, not an id, not a slot, not even a transaction that writes; but what comes with it is kept."""
    (old,) = create(engine, live.name, {"code": "a"})
    items = [
        BulkItem({"name": "x", "amount": 5}, by("code", "a")),
        BulkItem({"name": "y"}, by("code", "b")),
        BulkItem({"name": "y"}, by("code", "b")),
        BulkItem({"stage": "none"}),
    ]

    def kept(connection: Connection, outcomes: Sequence[BulkOutcome]) -> None:
        assert connection.row("select pg_current_xact_id_if_assigned() is null") == (True,)
        connection.run("create table if not exists dry_run(n int)")
        connection.run("insert into dry_run values (%(n)s)", {"n": len(outcomes)})

    with database.connect() as connection:
        before = connection.row("select last_value from eav_entity_id")
        outcomes = engine.bulk.write(live.name, items, CONTEXT, dry=True, also=kept, view_changes=True)
        assert connection.row("select last_value from eav_entity_id") == before
        assert connection.rows("select n from dry_run") == [(4,)]
    assert results(outcomes) == ["updated", "created", "unchanged", "rejected"]
    assert [one.id for one in outcomes] == [old.id, None, None, None]
    assert len(outcomes[0].changed) == 2
    held_exactly(engine, live.name, {old.id: (1, {"code": "a"})})
    assert engine.catalog.type(live.name).attributes["name"].column is None


def test_what_comes_with_it_is_the_same_transaction(engine: Engine, live: LiveType) -> None:
    """What it raises undoes everything."""

    def refuse(connection: Connection, outcomes: Sequence[BulkOutcome]) -> None:
        assert connection.row("select count(*) from eav_unique where entity_id = %(id)s", {"id": outcomes[0].id}) == (
            1,
        )
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        engine.bulk.write(live.name, [BulkItem({"code": "a"})], CONTEXT, also=refuse)
    held_exactly(engine, live.name, {})


def test_what_is_unchanged_costs_no_write(engine: Engine, database: Database, live: LiveType) -> None:
    """No lock and no row: the transaction never gets an id."""
    items = [BulkItem({"code": f"{n}", "name": f"n{n}", "tags": "new"}, by("code", f"{n}")) for n in range(50)]
    engine.bulk.write(live.name, items, CONTEXT)

    def nothing(connection: Connection, outcomes: Sequence[BulkOutcome]) -> None:
        assert connection.row("select pg_current_xact_id_if_assigned() is null") == (True,)

    with database.counted() as statements:
        assert set(results(engine.bulk.write(live.name, items, CONTEXT, also=nothing))) == {"unchanged"}
    assert len(statements) == 4


def test_the_number_of_statements_is_constant(engine: Engine, database: Database, live: LiveType) -> None:
    """For one item as for hundreds, new and changed, with chains."""

    def call(start: int, size: int) -> int:
        places = range(start, start + size)
        items = [
            BulkItem({"code": f"s{n}", "name": "x", "tags": "new", "notes": "l"}, by("code", f"s{n}")) for n in places
        ]
        items += [BulkItem({"name": f"y{n}"}, by("code", f"s{n}")) for n in places]
        items += [BulkItem({"email": f"s{n - 1}@y.test"}, by("code", f"s{n - 1}")) for n in places]
        with database.counted() as statements:
            engine.bulk.write(live.name, items, CONTEXT)
        return len(statements)

    call(0, 3)
    assert call(100, 1) == call(1000, 300) <= 13
