"""The secrets by which the ledger of erasures knows values without holding them: keyed hashes (HMAC-SHA256).

The first secret makes new hashes; all of them are tried when a value is looked up, so that a secret is exchanged by
putting another one before it. A hash of a secret that is no longer given can be found by nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shared.eav.folding import fold, slot_text
from shared.kernel.config import Settings

FILE = Path("secrets") / "erasure"
_SEPARATOR = "\0"
_SIGNS = "@.-_/:+"
_PLAIN, _NUMBER = 8, 12


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret; `id` tells hashes of different ones apart without telling the secret."""

    id: str
    key: bytes

    @classmethod
    def of(cls, text: str) -> Secret:
        """The secret of a line of text."""
        key = text.strip().encode()
        return cls(hashlib.sha256(b"id of " + key).hexdigest()[:12], key)

    def hash(self, entity_type: str, attribute: str, key: str) -> bytes:
        """The hash of a unique value, given by its key; names rather than numbers, which a restore may change."""
        return hmac.digest(self.key, _SEPARATOR.join((entity_type, attribute, key)).encode(), "sha256")


def key_of(text: str) -> str:
    """How a text is spelled as the key of a unique value."""
    return slot_text(fold(text))


def form_of(key: str) -> str | None:
    """By which signs a unique value is known in any text, so that few texts need a closer look; None for a value so
    short or plain that it may well be something else where it stands."""
    distinct = "@" in key or len(key) >= (_NUMBER if key.isdigit() else _PLAIN)
    return "".join(sign for sign in _SIGNS if sign in key) if distinct else None


def secrets_of(settings: Settings) -> Sequence[Secret]:
    """The secrets in force, the newest first: CRM_ERASURE_SECRETS (separated by commas), else the lines of a file in
    CRM_HOME, which is made when there is none. Raises OSError when it cannot be."""
    given = settings.erasure_secrets
    lines = _kept(settings.home / FILE).splitlines() if given is None else given.get_secret_value().split(",")
    return [Secret.of(line) for line in lines if line.strip()]


def _kept(path: Path) -> str:
    """The file's text; of several processes that find none, one makes it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(32) + "\n")
        with suppress(FileExistsError):
            os.link(fresh, path)  # never over a file that is there
        fresh.unlink()
    return path.read_text()
