"""Whether revisions are waiting: not fooled by branches that depend on each other."""

from __future__ import annotations

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
