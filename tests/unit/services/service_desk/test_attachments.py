"""Files that go with what is said: names, types and headers that harm nobody, and what e-mails bring along."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.service_desk.domain import attachments
from services.service_desk.domain.attachments import (
    Attachment,
    attached,
    disposition,
    left_out_text,
    plain_name,
    plain_type,
    shown_type,
)
from services.service_desk.domain.mail import read_mail
from tests.factories.bounces import bounce


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\bill.pdf", "bill.pdf"),
        ("bill\r\nSet-Cookie: x.pdf", "bill__Set-Cookie_ x.pdf"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("  .. ", "attachment"),
        ("Rechnung für Zoë.pdf", "Rechnung für Zoë.pdf"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        (None, "attachment"),
    ],
)
def test_names_are_plain(given_name: str | None, kept: str) -> None:
    assert plain_name(given_name) == kept


@given(st.text(max_size=400))
def test_whatever_a_file_is_called_its_header_is_one(name: str) -> None:
    plain = plain_name(name)
    assert plain == plain_name(plain)
    assert 0 < len(plain) <= 150
    header = disposition(plain)
    assert header.startswith("attachment; ")
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


def test_what_browsers_run_is_just_bytes() -> None:
    assert plain_type("Image/PNG; name=x") == "image/png"
    assert {plain_type(one) for one in ("", "x", "a/b\r\nc: d", None)} == {attachments.OPAQUE}
    assert shown_type("image/png") == "image/png"
    for one in ("text/html", "image/svg+xml", "application/javascript", "text/xml"):
        assert shown_type(one) == attachments.OPAQUE


def _message(*files: tuple[str, bytes, str]) -> EmailMessage:
    made = EmailMessage(policy=default)
    made["From"], made["Subject"], made["Message-ID"] = "ada@example.org", "Files", "<f@x>"
    made.set_content("See the files.")
    for name, content, kind in files:
        main, _, sub = kind.partition("/")
        made.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return made


def test_an_email_brings_files_along() -> None:
    mail = read_mail(_message(("../a.pdf", b"%PDF", "application/pdf"), ("b.txt", b"b", "text/plain")).as_bytes())
    pdf, words = Attachment("a.pdf", "application/pdf", b"%PDF"), Attachment("b.txt", "text/plain", b"b")
    assert mail.attachments == (pdf, words)
    assert mail.text == "See the files."
    assert read_mail(bounce("<ours@x>", "r@x")).attachments == ()


def test_what_is_too_much_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "MOST_BYTES", 10)
    monkeypatch.setattr(attachments, "MOST_FILES", 2)
    made = _message(("big", b"x" * 11, "a/b"), ("1", b"x" * 6, "a/b"), ("2", b"x" * 6, "a/b"), ("3", b"x" * 4, "a/b"))
    made.add_attachment(b"x", maintype="a", subtype="b", filename="4")
    found, left = attached(message_from_bytes(made.as_bytes(), policy=default))
    assert [one.name for one in found] == ["1", "3"]
    assert [(one.name, one.size) for one in left] == [("big", 11), ("2", 6), ("4", 1)]
    assert left_out_text(left).splitlines() == [
        "big (11 bytes): a file has at most 10 bytes",
        "2 (6 bytes): at most 10 bytes of files go with one entry",
        "4 (1 bytes): at most 2 files go with one entry",
    ]
    assert left_out_text(left * 100).splitlines()[-1] == "and 200 more"
    assert left_out_text(()) == ""
