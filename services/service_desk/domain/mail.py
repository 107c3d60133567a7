"""Reading an e-mail: who writes, what, in answer to what, and whether a machine wrote it. Nothing is trusted.

Of several parts the plain text counts, else the text of the HTML; files come along (`attachments`).
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import parseaddr
from html.parser import HTMLParser

from services.service_desk.domain.attachments import Attachment, LeftOut, attached
from services.service_desk.domain.bounces import failure, returned

MOST_TEXT = 60_000
_MOST_REFERENCES = 50
_MOST_ID = 500
_MOST_SUBJECT = 500
_MOST_NAME = 200
_ID = re.compile(r"<[^<>\s]{1,500}>")
_ANSWER = re.compile(r"^(?:\s*(?:re|aw|antw|sv|fwd?|wg|回复|转发)\s*(?:\[\d+\])?\s*[:：])+\s*", re.IGNORECASE)
_TICKET = re.compile(r"\[#(\d{1,18})\]")
# What the standard library's parsers raise on headers and parts that are broken enough.
_UNREADABLE = (MessageError, LookupError, ValueError, AttributeError, TypeError, AssertionError)
# Names of character sets that mail uses and Python does not.
_CHARSETS = {"iso-8859-8-i": "iso-8859-8", "iso-8859-6-i": "iso-8859-6", "windows-31j": "cp932", "us-ascii": "utf-8"}
_HIDDEN = frozenset({"script", "style", "head", "title"})
_BREAKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "blockquote"})
_SUPPRESSING = frozenset({"all", "autoreply", "oof"})
_UNSAFE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127))


class MailProblem(ValueError):
    """What cannot be read as an e-mail: the message says why."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail. references: message ids it answers, the nearest first. automatic: written by a machine.
    ticket: a number named in its subject as [#42]. quiet: wants no automatic answer. name: what its sender is called.
    undelivered: ids of the messages that it says could not be delivered; failure: why. left_out: files it brought
    that are too much.
    """

    message_id: str
    references: tuple[str, ...]
    sender: str
    subject: str
    text: str
    automatic: bool
    ticket: int | None = None
    quiet: bool = False
    name: str = ""
    undelivered: tuple[str, ...] = ()
    failure: str = ""
    attachments: tuple[Attachment, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def topic(self) -> str:
        """The subject without what answers put before it."""
        return _TICKET.sub("", _ANSWER.sub("", self.subject)).strip()


def read_mail(raw: bytes) -> Mail:
    """The e-mail. Raises MailProblem when nobody sent it."""
    try:
        message = message_from_bytes(raw, policy=default)
        name, sender = parseaddr(_header(message, "From"))
        sender = sender.strip().lower()
        text = _text(message)
    except _UNREADABLE as problem:
        raise MailProblem(f"it cannot be read as an e-mail: {type(problem).__name__}") from None
    if "@" not in sender:
        raise MailProblem("it has no sender: a From header with an address is needed")
    subject = _plain(_header(message, "Subject"))[:_MOST_SUBJECT]
    named = _TICKET.search(subject)
    own = _ID.findall(_header(message, "Message-ID"))
    # Without an id of its own, the same bytes are the same message.
    ident = own[0] if own else f"<{hashlib.sha256(raw).hexdigest()}@unnamed.invalid>"
    asked = (*_ID.findall(_header(message, "In-Reply-To")), *reversed(_ID.findall(_header(message, "References"))))
    back = returned(message)
    known = (one for one in (*asked, *back) if one != ident)
    references = tuple(dict.fromkeys(known))[:_MOST_REFERENCES]
    ticket = int(named[1]) if named else None
    automatic = _automatic(message, sender)
    quiet = automatic or _quiet(message)
    name = " ".join(_plain(name).split())[:_MOST_NAME]
    failed = failure(message)
    return Mail(
        ident[:_MOST_ID], references, sender, subject, text, automatic, ticket, quiet, name,
        tuple(dict.fromkeys(back))[:_MOST_REFERENCES] if failed else (), failed, *attached(message),
    )  # fmt: skip


def _quiet(message: EmailMessage) -> bool:
    """Whether its sender, a person perhaps, asks for no automatic answers."""
    asked = {one.strip().lower() for one in _header(message, "X-Auto-Response-Suppress").split(",")}
    return bool(asked & _SUPPRESSING) or _header(message, "Precedence").strip().lower() == "list"


def _automatic(message: EmailMessage, sender: str) -> bool:
    """Whether it must not be answered, nor taken for somebody waiting: out of office, bounces, lists."""
    submitted = _header(message, "Auto-Submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no":
        return True
    if _header(message, "Precedence").strip().lower() in ("bulk", "junk", "list", "auto_reply"):
        return True
    if any(_header(message, name) for name in ("X-Autoreply", "X-Autorespond", "List-Id")):
        return True
    if _header(message, "Return-Path").strip() == "<>" or message.get_content_type() == "multipart/report":
        return True
    return sender.partition("@")[0] in ("mailer-daemon", "postmaster", "no-reply", "noreply")


def _text(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    content = _decoded(part)
    if part.get_content_type() == "text/html":
        content = text_of_html(content)
    return _plain(content).strip()[:MOST_TEXT]


def _decoded(part: Message) -> str:
    """A part's text. What it says of its characters is believed if it can be: many do not say, or say what nobody
    knows, and mean UTF-8 or Windows' own."""
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    said = (part.get_content_charset() or "utf-8").lower()
    for charset in (_CHARSETS.get(said, said), "utf-8"):
        with suppress(LookupError, UnicodeError, ValueError):
            return raw.decode(charset).replace("\r\n", "\n")
    return raw.decode("cp1252", errors="replace").replace("\r\n", "\n")


def text_of_html(html: str) -> str:
    """The words of HTML, in lines."""
    reader = _Words()
    # The parser gives up on some declarations nobody needs: what was read up to there is better than nothing.
    with suppress(AssertionError):
        reader.feed(html)
    return reader.text().strip()


def _header(message: EmailMessage, name: str) -> str:
    found = message.get(name)
    return "" if found is None else str(found)


def _plain(text: str) -> str:
    """Without control characters and halves of characters, which no database holds."""
    return text.replace("\r\n", "\n").translate(_UNSAFE).encode("utf-8", "replace").decode()


class _Words(HTMLParser):
    """The text of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._found: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block begins a line."""
        self._hidden += tag in _HIDDEN
        if tag in _BREAKS:
            self._found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """What is hidden ends."""
        if tag in _HIDDEN and self._hidden:
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        """Words, unless nobody sees them."""
        if not self._hidden:
            self._found.append(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        """All words."""
        spaced = re.sub(r" {2,}", " ", "".join(self._found))
        return re.sub(r"\n{3,}", "\n\n", re.sub(r" *\n *", "\n", spaced))
