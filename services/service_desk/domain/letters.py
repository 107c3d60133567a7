"""Writing an e-mail: a letter as the bytes that go over the wire, the same bytes every time. Pure.

No text of anybody's becomes a header line of its own: line breaks and control characters are taken out beforehand, and
addresses that are none are refused. Not for deciding what is sent to whom.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape

from services.service_desk.domain.attachments import OPAQUE, Attachment, plain_name
from services.service_desk.domain.mail import text_of_html

MOST_REFERENCES = 20
_MOST_SUBJECT = 200
_MOST_NAME = 100
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BLOCK = re.compile(r"</?(?:p|div|br|ul|ol|li|table|h[1-6]|blockquote)\b[^<>]*>", re.IGNORECASE)
_MARKUP = re.compile(r"</?(?:span|b|i|u|em|strong|a|code)\b[^<>]*>", re.IGNORECASE)
_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,500}>")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class LetterProblem(ValueError):
    """Why a letter cannot be written; it never will be."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom letters come from: an address that takes answers, and a name."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """Behind the @."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Letter:
    """What an e-mail says. references: message ids of its thread, the oldest first; the last one is what it answers.
    automatic: no person wrote it."""

    sender: Sender
    to_address: str
    to_name: str
    ticket: int
    subject: str
    text: str
    message_id: str
    references: Sequence[str]
    at: datetime
    automatic: bool
    attachments: Sequence[Attachment] = ()


def sender_of(text: str) -> Sender:
    """A sender as settings spell it: `Support <support@example.org>`. Raises LetterProblem."""
    name, address = parseaddr(text)
    return Sender(plain_address(address), one_line(name, _MOST_NAME))


def message_id_of(token: str, entry: int, sender: Sender) -> str:
    """The message id of an entry: always the same, and nobody's guess."""
    return f"<entry-{entry}.{token}@{sender.domain}>"


def plain_address(text: str) -> str:
    """An address as servers take it, its domain in ASCII. Raises LetterProblem."""
    local, at, domain = text.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode() if not domain.isascii() else domain
    except UnicodeError:
        raise LetterProblem("the domain of the address cannot be spelled in ASCII") from None
    if not at or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise LetterProblem("it is no e-mail address that mail can be sent to")
    return f"{local}@{domain}"


def one_line(text: str, most: int) -> str:
    """Text for a header: one line without control characters."""
    cleaned = _CONTROL.sub(" ", text).encode("utf-8", "replace").decode()
    return " ".join(cleaned.split())[:most].strip()


def written(letter: Letter) -> bytes:
    """The letter as bytes. Raises LetterProblem."""
    text = readable(letter.text)
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address(letter.sender.name, addr_spec=letter.sender.address)
        name = one_line(letter.to_name, _MOST_NAME)
        message["To"] = Address(name, addr_spec=plain_address(letter.to_address))
        message["Subject"] = subject_of(letter.subject, letter.ticket, answers=bool(letter.references))
        message["Date"] = format_datetime(letter.at)
        if letter.automatic:
            message["Auto-Submitted"] = "auto-generated"
            message["X-Auto-Response-Suppress"] = "All"
        message.set_content(text, cte="base64")
        message.add_alternative(as_html(text), subtype="html", cte="base64")
        for file in letter.attachments:
            main, _, sub = file.content_type.partition("/")
            if main in ("multipart", "message"):  # a part that is to be read as one would be, whatever is in it
                main, _, sub = OPAQUE.partition("/")
            message.add_attachment(file.content, maintype=main, subtype=sub, filename=plain_name(file.name))
        mark = letter.message_id.strip("<>").partition("@")[0]
        for depth, part in enumerate(one for one in message.walk() if one.is_multipart()):
            part.set_boundary(f"=_{depth}{mark}" if depth else f"=_{mark}")
        return _thread(letter) + message.as_bytes()
    except (MessageError, ValueError, UnicodeError) as problem:
        raise LetterProblem(f"it cannot be written as an e-mail: {type(problem).__name__}") from None


def subject_of(subject: str, ticket: int, *, answers: bool) -> str:
    """The subject with the ticket's number, by which answers find it that refer to nothing."""
    cleaned = one_line(subject, _MOST_SUBJECT) or "Your request"
    return f"{'Re: ' if answers else ''}{cleaned} [#{ticket}]"


def readable(text: str) -> str:
    """Plain text: markup of an editor becomes lines."""
    lines = text.replace("\r\n", "\n").strip()
    if _BLOCK.search(lines):
        return text_of_html(lines)
    return text_of_html(lines.replace("\n", "<br>")) if _MARKUP.search(lines) else lines


def as_html(text: str) -> str:
    """The same as HTML; nothing in it is markup but ours."""
    paragraphs = (escape(one).replace("\n", "<br>\n") for one in re.split(r"\n{2,}", text))
    return "<!doctype html>\n<html><body>\n" + "\n".join(f"<p>{one}</p>" for one in paragraphs) + "\n</body></html>\n"


def _thread(letter: Letter) -> bytes:
    """Message ids as lines, one each: the library would encode those that are longer than a line."""
    known = [one for one in letter.references if _ID.fullmatch(one)]
    kept = [*known[:1], *known[1:][-MOST_REFERENCES:]]
    lines = [f"Message-ID: {letter.message_id}"]
    if kept:
        lines += [f"In-Reply-To: {kept[-1]}", "References: " + "\r\n ".join(kept)]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")
