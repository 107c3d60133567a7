"""Random passwords and tokens, made once and kept one per file under CRM_HOME/secrets, for their owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

TOKEN_PREFIX = "crm_"  # noqa: S105 - the public beginning of every token


def kept_secret(file: Path, prefix: str = "") -> str:
    """The secret in the file; made (256 random bits as hex, after `prefix`) when there is none."""
    try:
        found = file.read_text().strip()
    except FileNotFoundError:
        found = ""
    if found:
        return found
    made = prefix + secrets.token_hex(32)
    aside = file.with_name(f"{file.name}.{os.getpid()}.new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as output:
        output.write(made + "\n")
        output.flush()
        os.fsync(descriptor)
    aside.rename(file)
    return made
