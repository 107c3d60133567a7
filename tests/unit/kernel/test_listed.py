"""A single row travels by its columns, several as a list; what they mean is tested where they are written."""

from __future__ import annotations

from datetime import datetime

from shared.kernel.json import loads
from shared.kernel.listed import Listed

COLUMNS = {"id": "bigint", "at": "timestamp", "of": "jsonb", "on": "bool", "by": "text"}
PAIRS = Listed("insert into t select * from {given} g", "pair", COLUMNS)
SORTED = Listed("select * from {given} g", "pair", {"id": "bigint"}, by="id")
ROW = {"id": 2**40, "at": datetime(2026, 3, 2, 9, 30), "of": [1, {"a": None}], "on": True, "by": None}  # noqa: DTZ001


def test_one_row_is_its_columns_and_numbers_are_text() -> None:
    sql, params = PAIRS.of([ROW])
    assert sql == (
        "insert into t select * from (select %(pair_id)s::bigint as id, %(pair_at)s::timestamp as at, "
        "%(pair_of)s::jsonb as of, %(pair_on)s::bool as on, %(pair_by)s::text as by) g"
    )
    assert params == {
        "pair_id": "1099511627776",
        "pair_at": "2026-03-02 09:30:00",
        "pair_of": '[1,{"a":null}]',
        "pair_on": True,
        "pair_by": None,
    }


def test_any_other_number_of_rows_is_a_list() -> None:
    for rows in ([], [ROW, ROW]):
        sql, params = PAIRS.of(rows)
        assert "from (select * from json_to_recordset(%(pair)s::json) as listed(id bigint, at timestamp," in sql
        assert len(loads(params["pair"])) == len(rows)


def test_only_several_are_put_in_order() -> None:
    several, _ = SORTED.of([{"id": 2}, {"id": 1}])
    assert "order by id limit (select json_array_length(%(pair)s::json))) g" in several
    assert "order" not in SORTED.one
