"""The README of the package: its lines run as they stand, and the database then shows what it prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared import eav

README = Path(eav.__file__).with_name("README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
PLACE = "postgresql://localhost/tuples"
SECOND = 'eav.add_attribute("opportunity", "预计关闭日期"'
SHAPE = """
select c.relname, c.relkind, c.relfilenode, a.attname, a.atttypid from pg_class c
left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where c.relnamespace = 'public'::regnamespace order by 1, 4
"""


@pytest.fixture
def shown(database_url: str, capsys: pytest.CaptureFixture[str]) -> Iterator[dict[str, Any]]:
    """The names that the first lines leave behind, and what they printed as `printed`."""
    lines = PYTHON[0].replace(PLACE, database_url)
    assert lines != PYTHON[0]
    before, found, after = lines.partition(SECOND)
    assert found
    names: dict[str, Any] = {}
    exec(before, names)
    shape = _shape(database_url)
    exec(found + after, names)
    assert _shape(database_url) == shape, "the second attribute changed the schema"
    names["printed"] = capsys.readouterr().out
    yield names
    names["eav"].close()


def _shape(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(SHAPE).fetchall()


def test_it_is_fifteen_lines():
    assert len(PYTHON[0].splitlines()) == 15


def test_its_lines_do_what_it_says(shown: dict[str, Any], database_url: str, capsys: pytest.CaptureFixture[str]):
    query, header, *rows = _console()
    with psycopg.connect(database_url) as connection:
        answer = connection.execute(query)
        assert [one.name for one in answer.description] == header
        tuples = sorted(answer.fetchall(), key=lambda one: one[2])
    assert [[str(part) for part in one] for one in tuples] == rows
    assert shown["printed"] == f"{[shown['o']]}\n{tuples}\n"
    exec(PYTHON[1], shown)
    assert capsys.readouterr().out == f"{ {row[4]: row[3] for row in rows} }\n"


def _console() -> list[Any]:
    """The statement of the console block, the column names, and the rows."""
    block = re.search(r"^```console\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert block is not None
    prompt, header, _line, *rows = block[1].splitlines()
    parts = [[part.strip() for part in row.split("|")] for row in (header, *rows)]
    return [prompt.partition("=> ")[2], *parts]
