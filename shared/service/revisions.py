"""Where the schema revisions of a service lie, and whether its database has them all."""

from __future__ import annotations

from pathlib import Path

from shared.eav.install import MIGRATIONS as EAV_MIGRATIONS
from shared.kernel.migrate import pending

_KIT = Path(__file__).parent / "migrations"
_BUS = Path(__file__).parent.parent / "bus" / "migrations"


def migration_folders(own: Path | None) -> list[Path]:
    """Every folder of revisions that makes up a service's schema; `own` is the service's, if it has one."""
    return [EAV_MIGRATIONS, _BUS, _KIT, *([own] if own else [])]


def is_behind(url: str, own: Path | None) -> bool:
    """Whether revisions are waiting. Opens a connection of its own: not for hot paths."""
    return pending(url, migration_folders(own))
