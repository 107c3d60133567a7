"""Reports of mail servers (RFC 3464): which messages could not be delivered, to whom, and why. Nothing is trusted.

Not for what merely comes late, nor for who tells that they have read something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import EmailMessage, Message

_MOST_REASON = 400
_ID = re.compile(r"<[^<>\s]{1,500}>")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


def returned(message: EmailMessage) -> list[str]:
    """Ids of the messages that a report of a mail server is about, as far as it sends them back."""
    if message.get_content_type() != "multipart/report":
        return []
    found = []
    for part in message.walk():
        if part.get_content_type() == "message/rfc822":
            found += [str(one.get("Message-ID", "")) for one in part.get_payload() if hasattr(one, "get")]
        elif part.get_content_type() in ("text/rfc822-headers", "message/rfc822-headers"):
            found += re.findall(r"(?im)^message-id:(.*(?:\r?\n[ \t].*)*)$", str(part.get_payload()))
    return [ident for one in found for ident in _ID.findall(one)]


def failure(message: EmailMessage) -> str:
    """Why a message could not be delivered, as its report says; "" for what is no report of a failure that lasts."""
    if message.get_content_type() != "multipart/report":
        return ""
    told = [_reason(one) for one in _recipients(message) if _field(one, "Action").lower() == "failed"]
    return "; ".join(dict.fromkeys(told))[:_MOST_REASON]


def _recipients(message: EmailMessage) -> Iterator[Message]:
    """What a report says of each recipient."""
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            groups = part.get_payload()
            yield from (one for one in groups if isinstance(one, Message)) if isinstance(groups, list) else ()


def _reason(recipient: Message) -> str:
    status = _STATUS.search(_field(recipient, "Status"))
    who = _value(recipient, "Final-Recipient") or _value(recipient, "Original-Recipient")
    said = _value(recipient, "Diagnostic-Code")
    parts = [status[0] if status else "", f"{who}:" if who else "", said]
    return "returned: " + (" ".join(one for one in parts if one) or "it could not be delivered")


def _value(recipient: Message, name: str) -> str:
    """A field without the kind it begins with, such as `rfc822; ada@example.org`."""
    kind, mark, value = _field(recipient, name).partition(";")
    return (value if mark else kind).strip()


def _field(recipient: Message, name: str) -> str:
    text = str(recipient.get(name, ""))
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
