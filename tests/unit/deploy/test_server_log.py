"""The log of our PostgreSQL holds nothing that people entered."""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.local import postgres
from deploy.local.account import dropped_account, give
from deploy.local.ports import free_port
from deploy.local.waiting import wait_until

_VALUE = "lin@example.org"
_WRONG = (
    ("INSERT INTO people VALUES (%s)", psycopg.errors.UniqueViolation),
    ("SELECT %s::text::bigint", psycopg.errors.InvalidTextRepresentation),
    ("UPDATE people SET email = %s, other = 1", psycopg.errors.UndefinedColumn),
)


@pytest.fixture
def server() -> Iterator[tuple[postgres.Server, Path]]:
    """A server with the settings of `make up`, and its log."""
    with tempfile.TemporaryDirectory() as directory:
        home, account = Path(directory), dropped_account()
        home.chmod(0o755)
        give(home, account)
        engine = postgres.find_engine(home, account)
        made = postgres.Server(engine, home / "cluster", free_port(), secrets.token_hex(8), account)
        postgres.make_cluster(made)
        options = account.as_popen if account else {}
        log = home / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                made.command, stdout=output, stderr=output, cwd="/", env=postgres.clean_environment(), **options
            )
        try:
            assert wait_until(made.answers, 60), log.read_text()
            yield made, log
        finally:
            process.terminate()
            process.wait(60)


def test_what_a_statement_did_wrong_is_told_to_its_client_alone(server: tuple[postgres.Server, Path]) -> None:
    made, log = server
    with psycopg.connect(made.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE people (email text UNIQUE)")
        connection.execute("INSERT INTO people VALUES (%s)", (_VALUE,))
        for statement, error in _WRONG:
            with pytest.raises(error):
                connection.execute(statement, (_VALUE,))
            with pytest.raises(error):  # and with the value in the statement itself
                connection.execute(statement.replace("%s", f"'{_VALUE}'"))
        number = connection.info.backend_pid
        with psycopg.connect(made.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (number,))
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT %s::text", (_VALUE,))
    assert wait_until(lambda: "terminating connection" in log.read_text(), 60)  # what matters is still told
    assert _VALUE not in log.read_text()
