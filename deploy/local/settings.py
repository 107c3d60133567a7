"""Settings that only the one-command run knows, on top of those every process reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from deploy.local.trouble import Trouble
from shared.kernel.config import Settings


class LocalSettings(Settings):
    """`database_prefix` keeps installations on one database server apart.

    `pg_bin` (a directory) and `redis_bin` (a file) pick the binaries of our own servers.
    `server_seconds`: how long to wait for servers given by URL.
    """

    database_prefix: str = Field("crm", validation_alias="CRM_DATABASE_PREFIX", pattern=r"^[a-z][a-z0-9_]{0,30}$")
    pg_bin: Path | None = Field(None, validation_alias="CRM_PG_BIN")
    redis_bin: Path | None = Field(None, validation_alias="CRM_REDIS_BIN")
    server_seconds: float = Field(60, validation_alias="CRM_SERVER_SECONDS", gt=0)

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()


def local_settings(**given: Any) -> LocalSettings:
    """Read the environment. Raises Trouble naming the variable that is wrong."""
    try:
        return LocalSettings(**given)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        raise Trouble(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}") from error
