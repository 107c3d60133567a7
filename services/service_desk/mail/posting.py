"""Handing a message to a mail server by SMTP, and what came of it. Knows no tickets; nothing is tried twice here.

What the server refuses for good (5xx about this message or its address) is told apart from what it refuses for now,
from a server that is not there or turns us away whatever we send, and from an answer that never came: the last of these
is the only one after which nobody knows whether the message went.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

CONNECT_SECONDS = 15.0
ANSWER_SECONDS = 120.0
_PORTS = {"smtp": 25, "smtps": 465}
_ENCRYPTION = ("offered", "required", "never")
_MOST_REASON = 300


class ServerProblem(ValueError):
    """What is wrong with an SMTP URL."""


class Outcome(Enum):
    """What came of handing a message over. away: the server cannot be used now, whatever the message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    LATER = "later"
    AWAY = "away"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Posted:
    """An outcome, and the server's words."""

    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server. starttls: `offered` encrypts where the server can, `required` sends nothing without, `never` does
    not. tls: encrypted from the beginning."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: bool = False
    starttls: str = "offered"

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port})"


def server_of(url: str) -> Server:
    """smtp://user:password@host:port?starttls=required or smtps://...; raises ServerProblem, without the password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ServerProblem("SMTP_URL is no address such as smtp://mail.example.org:587") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ServerProblem("SMTP_URL must begin with smtp:// or smtps:// and name a host")
    user, password = (unquote(one or "") for one in (parts.username, parts.password))
    tls = parts.scheme == "smtps"
    return Server(parts.hostname, port or _PORTS[parts.scheme], user, password, tls, _starttls(parts))


def _starttls(parts: SplitResult) -> str:
    options = parse_qs(parts.query)
    found = options.pop("starttls", ["offered"])[-1]
    if options or found not in _ENCRYPTION:
        raise ServerProblem(f"SMTP_URL: the only option is starttls, one of {', '.join(_ENCRYPTION)}")
    return found


def post(server: Server, sender: str, recipient: str, message: bytes, handing: Callable[[], None]) -> Posted:
    """Hand a message over. handing: called once the server wants it, just before it gets it; what that raises is
    raised, and the server gets nothing."""
    try:
        session = _connected(server)
    except (OSError, smtplib.SMTPException) as error:
        return Posted(Outcome.AWAY, _reason(error))
    try:
        return _posted(session, sender, recipient, message, handing)
    finally:
        session.close()


def _connected(server: Server) -> smtplib.SMTP:
    """A session that is allowed to send. Raises OSError or SMTPException."""
    place: dict[str, Any] = {"host": server.host, "port": server.port, "local_hostname": socket.gethostname()}
    if server.tls:
        context = ssl.create_default_context()
        session: smtplib.SMTP = smtplib.SMTP_SSL(**place, timeout=CONNECT_SECONDS, context=context)
    else:
        session = smtplib.SMTP(**place, timeout=CONNECT_SECONDS)
    try:
        _secured(session, server)
    except BaseException:
        session.close()
        raise
    return session


def _secured(session: smtplib.SMTP, server: Server) -> None:
    session.ehlo_or_helo_if_needed()
    encrypted = server.tls
    if not encrypted and server.starttls != "never" and session.has_extn("starttls"):
        session.starttls(context=ssl.create_default_context())
        session.ehlo_or_helo_if_needed()
        encrypted = True
    if not encrypted and server.starttls == "required":
        raise smtplib.SMTPException("the server offers no encryption")
    if server.user:
        if not encrypted and server.starttls != "never":
            raise smtplib.SMTPException("the server offers no encryption, and a password is not sent without")
        session.login(server.user, server.password)


def _posted(session: smtplib.SMTP, sender: str, recipient: str, message: bytes, handing: Callable[[], None]) -> Posted:
    try:
        for ask in (partial(session.mail, sender), partial(session.rcpt, recipient), partial(session.docmd, "DATA")):
            code, said = ask()
            if code >= 400 or code < 0:
                return _refusal(code, said)
        session.send(_quoted(message))
    except (OSError, smtplib.SMTPException) as error:
        return Posted(Outcome.LATER, _reason(error))
    handing()
    return _ended(session)


def _ended(session: smtplib.SMTP) -> Posted:
    """The line that ends the message: from here on the server may have it without our knowing."""
    try:
        if session.sock is not None:
            session.sock.settimeout(ANSWER_SECONDS)
        session.send(b".\r\n")
        code, said = session.getreply()
    except (OSError, smtplib.SMTPException) as error:
        return Posted(Outcome.UNKNOWN, _reason(error))
    if code < 0:
        return Posted(Outcome.UNKNOWN, "the server's answer makes no sense")
    return Posted(Outcome.ACCEPTED) if code < 400 else _refusal(code, said)


def _quoted(message: bytes) -> bytes:
    """The message as lines, none of which ends it."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    return re.sub(rb"(?m)^\.", b"..", lines if lines.endswith(b"\r\n") else lines + b"\r\n")


def _refusal(code: int, said: bytes | str) -> Posted:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    reason = f"{code} {' '.join(text.split())}"[:_MOST_REASON]
    # 421: the server is closing, whatever the message.
    outcome = Outcome.AWAY if code == 421 else Outcome.REFUSED if code >= 500 else Outcome.LATER
    return Posted(outcome, reason)


def _reason(error: Exception) -> str:
    """The class, and the server's words where it said any: never what we sent."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"{error.smtp_code} {' '.join(text.split())}"[:_MOST_REASON]
    return f"{type(error).__name__}: {error}"[:_MOST_REASON]
