"""Links that nobody can make up: what was asked, of which ticket, cycle and agent, until when, signed (HMAC-SHA256).

The keys are made of the secrets that the system keeps (`shared.service.erasure.secret`), for this purpose only: the
first one signs, all of them are good. Whoever holds a link can answer that one question, and nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from shared.kernel.config import Settings
from shared.service.erasure.secret import secrets_of

PURPOSE = b"links of satisfaction"
_FACTS = struct.Struct(">QQIQQ")
_MAC = 32
_LENGTH = 91


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says. agent: 0 for nobody; expires: in seconds since 1970."""

    survey: int
    ticket: int
    cycle: int
    agent: int
    expires: int


def keys_of(settings: Settings) -> Sequence[bytes]:
    """The keys in force, the one that signs first. Raises OSError when secrets cannot be kept."""
    return [hmac.digest(one.key, PURPOSE, "sha256") for one in secrets_of(settings)]


def signed(link: Link, keys: Sequence[bytes]) -> str:
    """The link as text."""
    facts = _FACTS.pack(*astuple(link))
    return base64.urlsafe_b64encode(facts + hmac.digest(keys[0], facts, "sha256")).decode().rstrip("=")


def read(text: str, keys: Sequence[bytes]) -> Link | None:
    """What a link says, None for one that we did not sign. Whether it has expired is not asked."""
    if len(text) != _LENGTH or not text.isascii():
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    facts, mac = raw[: _FACTS.size], raw[_FACTS.size :]
    if len(mac) != _MAC:
        return None
    good = [hmac.compare_digest(mac, hmac.digest(key, facts, "sha256")) for key in keys]
    return Link(*_FACTS.unpack(facts)) if any(good) else None
