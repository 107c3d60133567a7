"""Entity tags: an entity's version as ETag, and what If-Match and If-None-Match ask of it. Pure.

Weak and strong forms count as the same: the version says everything about an entity's values, and proxies weaken tags.
"""

from __future__ import annotations

import re

from shared.kernel.errors import VersionMismatch
from shared.service.web.errors import ProtocolError

_TAG = re.compile(r'\s*(?:W/)?"([^"\x00-\x20\x7f]*)"\s*')
ANY = "*"


def etag(version: int) -> str:
    """The tag of a version."""
    return f'"{version}"'


def read_tags(header: str, name: str) -> tuple[str, ...]:
    """The tags of a header, `("*",)` for any. Raises ProtocolError 400 for what is no list of entity tags."""
    if header.strip() == ANY:
        return (ANY,)
    tags = []
    for part in header.split(","):
        match = _TAG.fullmatch(part)
        if match is None:
            raise ProtocolError(400, f'{name} must be * or entity tags such as "3", as the ETag header gives them')
        tags.append(match[1])
    return tuple(tags)


def is_known(header: str | None, version: int) -> bool:
    """Whether If-None-Match names this version, so that 304 is the answer."""
    if header is None:
        return False
    tags = read_tags(header, "If-None-Match")
    return tags == (ANY,) or str(version) in tags


def expected_versions(header: str | None) -> tuple[int, ...] | None:
    """The versions If-Match allows; None when any will do. Tags that we never gave match nothing (version -1)."""
    if header is None:
        return None
    tags = read_tags(header, "If-Match")
    if tags == (ANY,):
        return None
    return tuple(int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 10 else -1 for tag in tags)


def check(expected: tuple[int, ...] | None, actual: int) -> None:
    """Raises VersionMismatch unless the actual version is among the expected ones."""
    if expected is not None and actual not in expected:
        raise VersionMismatch(expected[0], actual)
