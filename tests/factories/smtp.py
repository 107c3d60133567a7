"""A real mail server for tests, which does as it is told: takes, refuses, puts off, or dies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from deploy.local.ports import free_port

Answer = str
DIE = "die"
"""Instead of an answer: the connection is cut."""


class PostBox:
    """What came, and what is answered next. After the queue is used up, everything is accepted."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.senders: list[str] = []
        self.recipients: list[str] = []
        self.tries = 0
        self.at_rcpt: list[Answer] = []
        self.at_end: list[Answer] = []
        self.kept_before_dying = False
        self.port = 0

    @property
    def url(self) -> str:
        """For settings."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(self, server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        """A recipient is named."""
        self.tries += 1
        answer = self.at_rcpt.pop(0) if self.at_rcpt else ""
        if answer == DIE:
            return await self._die(server)
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        """A message is complete."""
        answer = self.at_end.pop(0) if self.at_end else ""
        if not answer or (answer == DIE and self.kept_before_dying):
            found = message_from_bytes(envelope.content, policy=default)
            assert isinstance(found, EmailMessage)
            self.letters.append(found)
            self.senders.append(envelope.mail_from)
            self.recipients += envelope.rcpt_tos
        if answer == DIE:
            return await self._die(server)
        return answer or "250 taken"

    async def _die(self, server: Any) -> str:
        server.transport.abort()
        await asyncio.sleep(0)
        return "421 gone"


@contextmanager
def mail_server() -> Iterator[PostBox]:
    """A server on a free port."""
    box = PostBox()
    box.port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=box.port, ready_timeout=60)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
