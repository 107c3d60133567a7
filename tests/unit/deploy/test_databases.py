"""One database per service, closed to the others."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex

import psycopg
import pytest
from psycopg import sql

from deploy.local.databases import ServiceDatabase, ensure_databases, plain_url
from deploy.local.trouble import Trouble


@pytest.fixture
def pair(pg_url: str) -> Iterator[tuple[ServiceDatabase, ServiceDatabase]]:
    prefix = f"t_{token_hex(4)}"
    both = tuple(ServiceDatabase(name, f"{prefix}_{name}", f"p@ss/{name}%") for name in ("alpha", "beta"))
    yield both
    with psycopg.connect(pg_url, autocommit=True) as connection:
        for one in both:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(one.name)))
            connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(one.name)))


def test_a_role_works_in_its_own_database_only(pg_url: str, pair: tuple[ServiceDatabase, ServiceDatabase]) -> None:
    alpha, beta = pair
    ensure_databases(pg_url, pair)
    with psycopg.connect(alpha.url(pg_url)) as connection:
        connection.execute("create table mine (name text)")
        connection.execute("create index on mine using gin (name gin_trgm_ops)")
        assert connection.execute("select 'Ü' ilike 'ü'").fetchone() == (True,)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(ServiceDatabase("x", beta.name, "").url(pg_url).replace(f"{beta.name}:", _login(alpha), 1))


def _login(database: ServiceDatabase) -> str:
    return database.url("postgresql://a:b@host/x").split("//")[1].split("@")[0]


def test_again_heals_a_lost_password_and_keeps_the_rest(
    pg_url: str, pair: tuple[ServiceDatabase, ServiceDatabase]
) -> None:
    ensure_databases(pg_url, pair)
    with psycopg.connect(pair[0].url(pg_url)) as connection:
        connection.execute("create table mine (name text)")
    renewed = ServiceDatabase("alpha", pair[0].name, "another")
    ensure_databases(pg_url, [renewed])
    with psycopg.connect(renewed.url(pg_url)) as connection:
        assert connection.execute("select count(*) from mine").fetchone() == (0,)


def test_another_encoding_is_refused(pg_url: str, pair: tuple[ServiceDatabase, ServiceDatabase]) -> None:
    with psycopg.connect(pg_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template template0 encoding 'UTF8' locale 'C'").format(
                sql.Identifier(pair[0].name)
            )
        )
    with pytest.raises(Trouble, match="must be UTF8 with C"):
        ensure_databases(pg_url, pair)


def test_what_is_no_postgresql_url_is_refused() -> None:
    assert plain_url("postgresql+psycopg://u@h/d?sslmode=require") == "postgresql://u@h/d?sslmode=require"
    with pytest.raises(Trouble):
        plain_url("mysql://u@h/d")


def test_an_unreachable_server_is_one_line() -> None:
    with pytest.raises(Trouble) as caught:
        ensure_databases("postgresql://u:p@127.0.0.1:1/d", [ServiceDatabase("a", "a", "b")])
    assert "\n" not in str(caught.value)
