"""Whether revisions are waiting: not fooled by branches that depend on each other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from shared.kernel.db import Database
from shared.kernel.migrate import migrate, pending
from shared.service.revisions import migration_folders


def test_nothing_waits_after_migrating(database_url: str) -> None:
    folders = migration_folders(None)
    assert pending(database_url, folders)
    migrate(database_url, folders)
    assert not pending(database_url, folders)
    database = Database(database_url)
    with database.connect() as connection:
        heads = connection.rows("select version_num from alembic_version")
        connection.run(
            "update alembic_version set version_num = 'eav_0001' where version_num = %(one)s", {"one": heads[0][0]}
        )
        connection.run("delete from alembic_version where version_num <> 'eav_0001'")
        assert pending(database_url, folders)
        connection.run("update alembic_version set version_num = 'of_the_future'")
        assert pending(database_url, folders)
    database.dispose()


def test_many_may_migrate_at_once_and_no_lock_stays_behind(new_database: Callable[[], str]) -> None:
    url, folders = new_database(), migration_folders(None)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate(url, folders), range(4)))
    assert not pending(url, folders)
    database = Database(url)
    with database.connect() as connection:
        # Other tests migrate other databases of this server at the same time.
        mine = "database = (select oid from pg_database where datname = current_database())"
        asked = f"select objid from pg_locks where locktype = 'advisory' and objid = 7000 and {mine}"
        assert connection.rows(asked) == []
    database.dispose()
