"""Which account the database server runs under, since PostgreSQL refuses root. Host accounts are never changed."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.trouble import Trouble


@dataclass(frozen=True, slots=True)
class Account:
    """An account of this machine."""

    name: str
    uid: int
    gid: int

    @property
    def as_popen(self) -> dict[str, Any]:
        """Keyword arguments that make `subprocess` run a command under it."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def dropped_account(cluster: Path | None = None) -> Account | None:
    """`postgres` or `nobody` when we are root; None when we are an ordinary user and there is nothing to drop.

    A cluster that exists stays with its owner: an account `postgres` may have come to the machine since.
    Raises Trouble on a machine that has neither.
    """
    if os.geteuid() != 0:
        return None
    if cluster is not None and cluster.exists():
        owner = cluster.stat()
        return Account(cluster.owner(), owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_name, found.pw_uid, found.pw_gid)
    raise Trouble("PostgreSQL does not run as root, and this machine has no account named postgres or nobody")


def give(path: Path, account: Account | None) -> None:
    """Hand a file or directory to the account; nothing to do when there is none."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def can_run(command: list[str], account: Account | None) -> bool:
    """Whether the command starts and ends well under the account (a file below an unreadable directory does not)."""
    options = account.as_popen if account else {}
    try:
        done = subprocess.run(command, capture_output=True, cwd="/", timeout=60, check=False, **options)  # noqa: S603 - our own words
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
