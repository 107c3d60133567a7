"""Writing e-mails: characters, threads, headers that nobody can add to, and what cannot be written."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.service_desk.domain.letters import (
    MOST_REFERENCES,
    Letter,
    LetterProblem,
    Sender,
    plain_address,
    readable,
    sender_of,
    written,
)
from services.service_desk.domain.mail import read_mail

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
HEADERS = ["Message-ID", "From", "To", "Subject", "Date", "MIME-Version", "Content-Type"]


def letter(**more: Any) -> Letter:
    """A letter to Ada."""
    usual = {
        "sender": Sender("desk@example.com", "Desk"), "to_address": "ada@example.org", "to_name": "Ada", "ticket": 42,
        "subject": "Help", "text": "Hello", "message_id": "<entry-7.abc@example.com>", "references": (), "at": AT,
        "automatic": False,
    }  # fmt: skip
    return Letter(**{**usual, **more})


@given(st.text(max_size=300), st.text(max_size=150), st.text(max_size=300), st.booleans())
def test_whatever_people_write_there_is_no_header_more(subject: str, name: str, text: str, automatic: bool) -> None:
    raw = written(letter(subject=subject, to_name=name, text=text, automatic=automatic))
    found = message_from_bytes(raw, policy=default)
    more = ["Auto-Submitted", "X-Auto-Response-Suppress"] if automatic else []
    assert sorted(found.keys()) == sorted(HEADERS + more)
    assert [one.addr_spec for one in found["To"].addresses] == ["ada@example.org"]
    assert all(len(line) <= 998 and line.isascii() for line in raw.decode().split("\r\n"))
    mail = read_mail(raw)
    assert (mail.ticket, mail.automatic, mail.sender) == (42, automatic, "desk@example.com")
    assert raw == written(letter(subject=subject, to_name=name, text=text, automatic=automatic))


def test_long_threads_keep_their_beginning_and_their_ids_whole() -> None:
    ids = [f"<{'x' * 80}{n}@mail.example.org>" for n in range(50)]
    raw = written(letter(references=[*ids, "<not an id>", "evil\r\nBcc: eve@example.org"]))
    mail = read_mail(raw)
    assert mail.references == (*reversed(ids[-MOST_REFERENCES:]), ids[0])
    assert message_from_bytes(raw, policy=default)["In-Reply-To"] == ids[-1]
    assert mail.subject == "Re: Help [#42]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dear <Ada>,\r\n1 < 2", "Dear <Ada>,\n1 < 2"),
        ("<p>Dear <b>Ada</b>,</p><p>all&nbsp;is well</p>", "Dear Ada,\nall is well"),
        ("Try <b>this</b>\nor that", "Try this\nor that"),
    ],
)
def test_markup_of_editors_is_read_as_text(text: str, expected: str) -> None:
    assert readable(text) == expected


def test_addresses() -> None:
    assert plain_address(" ada@münchen.example ") == "ada@xn--mnchen-3ya.example"
    for bad in (
        "ada",
        "ada@",
        "@example.org",
        "a b@c.d",
        "ada@ex\r\nample.org",
        "ädä@example.org",
        "a@b@c.d",
        "<a@b.c>",
    ):
        with pytest.raises(LetterProblem):
            plain_address(bad)
    assert sender_of('"Zoë, Desk" <desk@example.com>') == Sender("desk@example.com", "Zoë, Desk")
    with pytest.raises(LetterProblem):
        sender_of("nobody")
