"""Schema migrations by Alembic, from several folders at once (each folder is a branch with its own label).

Safe to run from many processes at the same time: one migrates, the others wait and find nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError

from shared.kernel.db import sqlalchemy_url

_LOCK = 7000
_SCRIPTS = Path(__file__).parent / "migrations"


def _config(folders: Sequence[Path]) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(folder).replace("%", "%%") for folder in folders))
    return config


def _engine(url: str) -> sa.Engine:
    """Unpooled, and without prepared statements, since a pooler may stand in between."""
    return sa.create_engine(sqlalchemy_url(url), poolclass=sa.NullPool, connect_args={"prepare_threshold": None})


def migrate(url: str, folders: Sequence[Path]) -> None:
    """Bring the database to the newest revision of every folder. Refuses a database that is not UTF-8 with C.UTF-8."""
    engine = _engine(url)
    # The lock belongs to a transaction kept open beside: a session's would stay behind in a transaction-mode pooler.
    with engine.begin() as keeper, engine.connect() as connection:
        require_encoding(keeper)
        keeper.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config = _config(folders)
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")
        connection.commit()
    engine.dispose()


def pending(url: str, folders: Sequence[Path]) -> bool:
    """Whether revisions are waiting, for readiness checks."""
    engine = _engine(url)
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_heads()
    engine.dispose()
    script = ScriptDirectory.from_config(_config(folders))
    try:
        # A revision that another branch's depends on is not among the database's heads, though it was applied.
        applied = {one.revision for one in script.iterate_revisions(current, "base")} if current else set()
    except RevisionError:  # of a newer code's schema
        return True
    return not applied.issuperset(script.get_heads())


def require_encoding(connection: sa.Connection) -> None:
    """Raise RuntimeError unless the database is UTF-8 with character type C.UTF-8: folding and trigrams rely on it."""
    encoding, ctype = connection.execute(
        sa.text("select pg_encoding_to_char(encoding), datctype from pg_database where datname = current_database()")
    ).one()
    if encoding != "UTF8" or ctype.upper().replace("-", "") not in ("C.UTF8",):
        raise RuntimeError(f"the database must be UTF8 with LC_CTYPE C.UTF-8, it is {encoding} with {ctype}")
