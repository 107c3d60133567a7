"""Settings of a process, read once from the environment by whoever starts it, then handed in.

Never read the environment elsewhere. Secrets are SecretStr, so that printing settings shows none.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_home() -> Path:
    """Where state lives when CRM_HOME is not set: root's system-wide folder, else the user's own."""
    if os.geteuid() == 0:
        return Path("/var/lib/tupelo")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "tupelo"


class Settings(BaseSettings):
    """All settings. `database_url` is an administrator's URL; each service has its own database and role made from it.

    `<SERVICE>_DATABASE_URL` (see `service_database_url`) overrides one service's.
    """

    # The prefix, because fields are read from the environment by their own names as well: HOME is not CRM_HOME.
    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_prefix="CRM_")

    home: Path = Field(default_factory=default_home, validation_alias="CRM_HOME")
    host: str = Field("127.0.0.1", validation_alias="CRM_HOST")
    port: int = Field(8000, validation_alias="PORT", ge=1, le=65535)
    database_url: SecretStr | None = Field(None, validation_alias="DATABASE_URL")
    redis_url: SecretStr | None = Field(None, validation_alias="REDIS_URL")
    public_url: str | None = Field(None, validation_alias="CRM_PUBLIC_URL")
    front_url: str | None = Field(None, validation_alias="CRM_FRONT_URL")
    workspace_url: str | None = Field(None, validation_alias="CRM_WORKSPACE_URL")
    service_token: SecretStr | None = Field(None, validation_alias="CRM_SERVICE_TOKEN")
    admin_token_file: Path | None = Field(None, validation_alias="CRM_ADMIN_TOKEN_FILE")
    prepare: bool = Field(True, validation_alias="CRM_PREPARE")
    pool_size: int = Field(8, validation_alias="CRM_POOL_SIZE", ge=1)
    log_level: str = Field("INFO", validation_alias="CRM_LOG_LEVEL")
    erasure_secrets: SecretStr | None = Field(None, validation_alias="CRM_ERASURE_SECRETS")
    erasure_block: bool = Field(True, validation_alias="CRM_ERASURE_BLOCK")
    smtp_url: SecretStr | None = Field(None, validation_alias="SMTP_URL")
    mail_from: str | None = Field(None, validation_alias="CRM_MAIL_FROM")
    mail_automatic_per_hour: int = Field(5, validation_alias="CRM_MAIL_AUTOMATIC_PER_HOUR", ge=0)
    max_body: int = Field(10 * 1024 * 1024, validation_alias="CRM_MAX_BODY", ge=1024)
    max_upload: int = Field(1024 * 1024 * 1024, validation_alias="CRM_MAX_UPLOAD", ge=1024)

    @property
    def base_url(self) -> str:
        """The address clients use: CRM_PUBLIC_URL, else host and port."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def front(self) -> str:
        """Where services reach each other: CRM_FRONT_URL, else the address that clients use."""
        return (self.front_url or self.base_url).rstrip("/")

    @property
    def workspace(self) -> str:
        """Where the workspace service answers: CRM_WORKSPACE_URL, else the front."""
        return (self.workspace_url or self.front).rstrip("/")

    @property
    def admin_token(self) -> str | None:
        """The first admin token, from the file that the starter of the system wrote."""
        return self.admin_token_file.read_text().strip() if self.admin_token_file else None

    def service_database_url(self, service: str) -> str | None:
        """`<SERVICE>_DATABASE_URL`, or None when only the administrator's URL is known."""
        return os.environ.get(f"{service.upper()}_DATABASE_URL") or None
