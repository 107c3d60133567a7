"""One database and one login role per service, made from an administrator's URL.

A role can connect to its own database only. Running it again changes nothing but heals what is missing. A service
whose `<SERVICE>_DATABASE_URL` is given brings its own database and is left out here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy.local.trouble import Trouble

EXTENSIONS = ("pg_trgm", "btree_gin")


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """A service's database; `name` is the role's name too."""

    service: str
    name: str
    password: str

    def url(self, admin_url: str) -> str:
        """The URL the service connects with: the administrator's, with other name, password and database."""
        parts = urlsplit(plain_url(admin_url))
        _, _at, address = parts.netloc.rpartition("@")
        credentials = f"{self.name}:{quote(self.password, safe='')}"
        return urlunsplit(parts._replace(netloc=f"{credentials}@{address}", path=f"/{self.name}"))


def database_of(service: str, url: str) -> ServiceDatabase:
    """The database that a service's URL names. Raises Trouble where role and database have two names, or none."""
    parts = urlsplit(plain_url(url)) if url else None
    name = parts.path.removeprefix("/") if parts else ""
    if parts is None or not name or parts.username != name or not parts.password:
        raise Trouble(f"{service.upper()}_DATABASE_URL must be like postgresql://NAME:PASSWORD@HOST:5432/NAME")
    return ServiceDatabase(service, name, unquote(parts.password))


def plain_url(url: str) -> str:
    """A URL that libpq understands. Raises Trouble for other databases."""
    scheme, colon, rest = url.partition("://")
    if not colon or scheme.partition("+")[0] not in ("postgresql", "postgres"):
        raise Trouble("DATABASE_URL must start with postgresql://")
    return f"postgresql://{rest}"


def ensure_databases(admin_url: str, databases: Iterable[ServiceDatabase]) -> None:
    """Make or heal all. Raises Trouble when the server cannot be reached, refuses, or holds a database of another
    encoding."""
    url = plain_url(admin_url)
    try:
        with psycopg.connect(url, connect_timeout=10, autocommit=True) as connection:
            for database in databases:
                _ensure_role(connection, database)
                _ensure_database(connection, database)
                _ensure_inside(url, database)
    except psycopg.Error as error:
        raise Trouble(f"preparing the databases failed: {str(error).strip().splitlines()[0]}") from error


def _ensure_role(connection: psycopg.Connection, database: ServiceDatabase) -> None:
    known = connection.execute("select 1 from pg_roles where rolname = %s", [database.name]).fetchone()
    verb = "alter" if known else "create"
    connection.execute(
        sql.SQL(verb + " role {} login nosuperuser nocreatedb nocreaterole password {}").format(
            sql.Identifier(database.name), sql.Literal(database.password)
        )
    )


def _ensure_database(connection: psycopg.Connection, database: ServiceDatabase) -> None:
    name, role = sql.Identifier(database.name), sql.Identifier(database.name)
    found = connection.execute(
        "select pg_encoding_to_char(encoding), datctype from pg_database where datname = %s", [database.name]
    ).fetchone()
    if found is None:
        connection.execute(
            sql.SQL(
                "create database {} template template0 encoding 'UTF8' locale_provider libc locale 'C.UTF-8'"
            ).format(name)
        )
    elif found[0] != "UTF8" or found[1].lower().replace("-", "") != "c.utf8":
        raise Trouble(f"the database {database.name} is {found[0]} with ctype {found[1]}; it must be UTF8 with C.UTF-8")
    connection.execute(sql.SQL("revoke all on database {} from public").format(name))
    connection.execute(sql.SQL("grant connect, temporary, create on database {} to {}").format(name, role))


def _ensure_inside(admin_url: str, database: ServiceDatabase) -> None:
    inside = urlunsplit(urlsplit(admin_url)._replace(path=f"/{database.name}"))
    with psycopg.connect(inside, connect_timeout=10, autocommit=True) as connection:
        for extension in EXTENSIONS:
            connection.execute(sql.SQL("create extension if not exists {}").format(sql.Identifier(extension)))
        connection.execute(sql.SQL("grant all on schema public to {}").format(sql.Identifier(database.name)))
