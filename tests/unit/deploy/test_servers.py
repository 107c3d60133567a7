"""The test servers themselves."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
import redis


def test_databases_are_fresh_and_utf8(new_database: Callable[[], str], database_url: str) -> None:
    other = new_database()
    assert other != database_url
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "select datcollate, datctype, pg_encoding_to_char(encoding) from pg_database"
            " where datname = current_database()"
        ).fetchone()
        connection.execute("create table only_here (id int)")
        extensions = {name for (name,) in connection.execute("select extname from pg_extension")}
    assert row == ("C.UTF-8", "C.UTF-8", "UTF8")
    assert {"pg_trgm", "btree_gin"} <= extensions
    with psycopg.connect(other) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("select * from only_here")


@pytest.mark.parametrize("number", range(4))
def test_redis_answers(redis_url: str, number: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("here", number)
        assert client.get("here") == str(number).encode()
