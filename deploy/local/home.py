"""Where everything lies under CRM_HOME. Paths only: nothing here starts or reads anything."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.local.account import Account, can_run, give
from deploy.local.trouble import Trouble

_LONGEST_SOCKET_PATH = 100  # Linux takes 107 bytes


@dataclass(frozen=True, slots=True)
class Home:
    """The directory of one installation's state."""

    root: Path

    @property
    def run(self) -> Path:
        """Things of the present run, worthless after it."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One log file per process."""
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        """Passwords and tokens, one per file, 0600."""
        return self.root / "secrets"

    @property
    def postgres(self) -> Path:
        """Belongs to the database server's account: the cluster, and copied binaries."""
        return self.root / "postgres"

    @property
    def cluster(self) -> Path:
        """The database cluster."""
        return self.postgres / "cluster"

    @property
    def redis(self) -> Path:
        """The Redis server's files."""
        return self.root / "redis"

    @property
    def metrics(self) -> Path:
        """Counters shared by the processes of one run."""
        return self.run / "metrics"

    @property
    def admin_token(self) -> Path:
        """The file with the administrator's token."""
        return self.secrets / "admin-token"

    @property
    def lock(self) -> Path:
        """Held for as long as the system runs; says by whom and where."""
        return self.run / "lock"

    @property
    def ports(self) -> Path:
        """Ports of the embedded servers."""
        return self.root / "ports.json"

    @property
    def socket(self) -> Path:
        """The process runner's socket; outside when CRM_HOME is too long for a socket's path."""
        inside = self.run / "supervisor.sock"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET_PATH:
            return inside
        mark = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"crm-{os.geteuid()}-{mark}.sock"


def open_home(root: Path, account: Account | None) -> Home:
    """Make the directories that are missing. Raises Trouble when CRM_HOME cannot be used."""
    home = Home(root)
    try:
        # Passable for the database server's account, which owns a directory below; readable for nobody else.
        home.root.mkdir(mode=0o711 if account else 0o700, parents=True, exist_ok=True)
        for directory in (home.run, home.logs, home.secrets):
            directory.mkdir(mode=0o700, exist_ok=True)
        home.postgres.mkdir(mode=0o700, exist_ok=True)
        give(home.postgres, account)
        if not os.access(home.run, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "it belongs to somebody else")
    except OSError as error:
        raise Trouble(f"CRM_HOME={home.root} cannot be used: {error.strerror or error}") from error
    return home


def check_reachable(home: Home, account: Account | None) -> None:
    """Raises Trouble when the database server's account cannot get at its directory (below /root, say)."""
    if account is not None and not can_run(["test", "-w", str(home.postgres)], account):
        raise Trouble(
            f"CRM_HOME={home.root} lies below a directory that the account {account.name} cannot enter,"
            " and PostgreSQL does not run as root: set CRM_HOME to another place, /var/lib/tupelo for instance"
        )
