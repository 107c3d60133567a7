"""Files that go with what is said: their names and types made harmless, and those that an e-mail brings along.

What a sender calls a file, and says that it is, decides nothing here: names become plain ones, types are shown as they
are only where browsers cannot be made to run them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import MessageError
from email.message import EmailMessage, Message
from urllib.parse import quote

MOST_BYTES = 7_500_000
"""Of one file, and of all that go with one entry: what most mail servers take, once it is spelled for them."""
MOST_FILES = 20
_MOST_NAME = 150
_MOST_TOLD = 100
_UNNAMED = "attachment"
OPAQUE = "application/octet-stream"
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")
_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain", "text/csv"})
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f-\x9f]')
_UNSEEN = frozenset({"Cf", "Cs", "Co", "Zl", "Zp"})
_UNREADABLE = (MessageError, LookupError, ValueError, AttributeError, TypeError, AssertionError)


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that an e-mail brought and nobody kept. size: in bytes."""

    name: str
    size: int
    why: str


def plain_name(given: object) -> str:
    """A name without ways, marks that turn it round, or anything that a file system or a header trips over."""
    text = unicodedata.normalize("NFC", str(given or "")).encode("utf-8", "replace").decode()
    last = re.split(r"[/\\]", text)[-1]
    seen = "".join(one for one in _FORBIDDEN.sub("_", last) if unicodedata.category(one) not in _UNSEEN)
    name = " ".join(seen.split()).strip(". ")
    if len(name) > _MOST_NAME:
        stem, dot, ending = name.rpartition(".")
        short = dot and len(ending) <= 10
        name = f"{stem[: _MOST_NAME - len(ending) - 1]}.{ending}" if short else name[:_MOST_NAME]
    return name or _UNNAMED


def plain_type(given: object) -> str:
    """A media type without parameters; what is none is just bytes."""
    text = str(given or "").partition(";")[0].strip().lower()
    return text if _TYPE.fullmatch(text) else OPAQUE


def shown_type(content_type: str) -> str:
    """As what a file is handed out: as bytes, unless no browser runs it."""
    return content_type if content_type in _SHOWN else OPAQUE


def disposition(name: str) -> str:
    """A header by which a file is kept and not opened, whatever it is called."""
    ascii_only = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    return f"attachment; filename=\"{ascii_only}\"; filename*=UTF-8''{quote(name, safe='')}"


def attached(message: EmailMessage) -> tuple[tuple[Attachment, ...], tuple[LeftOut, ...]]:
    """What an e-mail brings along, the first of it, and what of it is too much; reports of mail servers bring
    nothing."""
    if message.get_content_type() == "multipart/report":
        return (), ()
    found: list[Attachment] = []
    left: list[LeftOut] = []
    room = MOST_BYTES
    for part in message.walk():
        one = _part(part)
        if one is None:
            continue
        size = len(one.content)
        if len(found) < MOST_FILES and size <= room:
            room -= size
            found.append(one)
            continue
        left.append(LeftOut(one.name, size, _too_much(size, len(found))))
    return tuple(found), tuple(left)


def _too_much(size: int, files: int) -> str:
    """Why a file is left out, when so many are kept."""
    if size > MOST_BYTES:
        return f"a file has at most {MOST_BYTES:,} bytes"
    several = f"{MOST_FILES} files" if files >= MOST_FILES else f"{MOST_BYTES:,} bytes of files"
    return f"at most {several} go with one entry"


def left_out_text(left: Sequence[LeftOut]) -> str:
    """The same in lines, for the entry: name, size, why."""
    lines = [f"{one.name} ({one.size:,} bytes): {one.why}" for one in left[:_MOST_TOLD]]
    return "\n".join([*lines, *([f"and {len(left) - _MOST_TOLD:,} more"] if len(left) > _MOST_TOLD else [])])


def _part(part: EmailMessage) -> Attachment | None:
    try:
        name, how = part.get_filename(), part.get_content_disposition()
        if part.is_multipart() and part.get_content_type() != "message/rfc822":
            return None
        if how != "attachment" and not name:
            return None
        inner = part.get_payload()
        if part.get_content_type() == "message/rfc822":
            first = inner[0] if isinstance(inner, list) and inner else None
            content: object = first.as_bytes() if isinstance(first, Message) else None
            name = name or "message.eml"
        else:
            content = part.get_payload(decode=True)
    except _UNREADABLE:
        return None
    if not isinstance(content, bytes) or not content:
        return None
    return Attachment(plain_name(name), plain_type(part.get_content_type()), content)
