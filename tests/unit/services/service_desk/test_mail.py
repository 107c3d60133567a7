"""Reading e-mails: threads, machines, characters, and what is no e-mail."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.service_desk.domain.mail import MailProblem, read_mail
from tests.factories.bounces import bounce

HEADS = [b"", b"From: a@b.c\n", b"From: a@b.c\nContent-Type: text/html; charset="]


def message(text: str = "It burns.", **headers: str) -> EmailMessage:
    """An e-mail from Ada."""
    made = EmailMessage()
    given_headers = {"From": "Ada <ADA@example.org>", "Subject": "Help", "Message-ID": "<1@example.org>"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    for name, value in given_headers.items():
        made[name] = value
    made.set_content(text)
    return made


def test_who_writes_what() -> None:
    mail = read_mail(message("Zoë, 打印机 🔥", Subject="打印机着火").as_bytes())
    assert (mail.sender, mail.subject, mail.text) == ("ada@example.org", "打印机着火", "Zoë, 打印机 🔥")
    assert (mail.message_id, mail.references, mail.automatic) == ("<1@example.org>", (), False)


def test_what_it_answers_the_nearest_first() -> None:
    mail = read_mail(message(In_Reply_To="<9@x>", References="<7@x> <8@x> <9@x>").as_bytes())
    assert mail.references == ("<9@x>", "<8@x>", "<7@x>")


@pytest.mark.parametrize(
    ("subject", "topic", "ticket"),
    [
        ("Re: AW: Help", "Help", None),
        ("RE[2]: Fwd: Help [#42]", "Help", 42),
        ("回复：打印机", "打印机", None),
        ("Report: all is well", "Report: all is well", None),
    ],
)
def test_topics(subject: str, topic: str, ticket: int | None) -> None:
    mail = read_mail(message(Subject=subject).as_bytes())
    assert (mail.topic, mail.ticket) == (topic, ticket)


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied; owner=ada"},
        {"Precedence": "bulk"},
        {"X_Autoreply": "yes"},
        {"List_Id": "<friends.example.org>"},
        {"Return_Path": "<>"},
        {"From": "MAILER-DAEMON@example.org"},
    ],
    ids=lambda one: next(iter(one)),
)
def test_what_machines_write(headers: dict[str, str]) -> None:
    assert read_mail(message(**headers).as_bytes()).automatic
    assert not read_mail(message(Auto_Submitted="no").as_bytes()).automatic


def test_html_alone_is_read_as_text() -> None:
    made = message()
    made.set_content("<style>p{}</style><p>It  burns.<br>Come &amp; see</p><script>x()</script>", subtype="html")
    assert read_mail(made.as_bytes()).text == "It burns.\nCome & see"


def test_of_two_parts_the_plain_one_counts() -> None:
    made = message("plain")
    made.add_alternative("<p>html</p>", subtype="html")
    made.add_attachment(b"x" * 10, maintype="image", subtype="png", filename="fire.png")
    assert read_mail(made.as_bytes()).text == "plain"


def test_the_same_bytes_are_the_same_message() -> None:
    raw = b"From: ada@example.org\n\nIt burns."
    assert read_mail(raw).message_id == read_mail(raw).message_id != read_mail(raw + b"!").message_id


def test_broken_html_is_no_reason_to_lose_a_message() -> None:
    raw = b"From: a@b.c\nContent-Type: text/html\n\n<p>It burns <![if x]> <!DOCTYPE [<!x>"
    assert "It burns" in read_mail(raw).text


def test_somebody_sent_it() -> None:
    with pytest.raises(MailProblem):
        read_mail(b"Subject: hello\n\nnobody")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(HEADS))
def test_anything_is_read_or_refused(raw: bytes, head: bytes) -> None:
    try:
        mail = read_mail(head + raw)
    except MailProblem:
        return
    for text in (mail.subject, mail.text, mail.message_id, mail.sender):
        assert "\0" not in text
        text.encode()


def test_reports_of_mail_servers_answer_what_they_are_about() -> None:
    ours = message(Message_ID="<entry-7.abc@example.com>")
    for kind, part in (
        ("message/rfc822", ours.as_bytes()),
        ("text/rfc822-headers", b"Message-ID: <entry-7.abc@example.com>"),
    ):
        raw = (
            b"From: MAILER-DAEMON@example.org\nSubject: Undelivered\nMessage-ID: <r@x>\n"
            b'Content-Type: multipart/report; boundary="b"\n\n--b\n\nIt bounced.\n--b\nContent-Type: '
            + kind.encode() + b"\n\n" + part + b"\n--b--\n"
        )  # fmt: skip
        mail = read_mail(raw)
        assert (mail.references, mail.automatic, mail.quiet) == (("<entry-7.abc@example.com>",), True, True)


@pytest.mark.parametrize("back", ["message/rfc822", "text/rfc822-headers"])
def test_reports_say_what_could_not_be_delivered_and_why(back: str) -> None:
    mail = read_mail(bounce("<ours@x>", "r1@x", back=back))
    assert (mail.undelivered, mail.automatic) == (("<ours@x>",), True)
    assert mail.failure == "returned: 5.1.1 ada@example.org: 550 5.1.1 <ada@example.org>: no such user"


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed"])
def test_what_is_late_or_has_arrived_is_no_failure(action: str) -> None:
    mail = read_mail(bounce("<ours@x>", "r2@x", action))
    assert (mail.undelivered, mail.failure) == ((), "")


def test_people_may_ask_for_silence() -> None:
    mail = read_mail(message(X_Auto_Response_Suppress="DR, OOF").as_bytes())
    assert (mail.automatic, mail.quiet) == (False, True)
    assert not read_mail(message(X_Auto_Response_Suppress="DR, RN").as_bytes()).quiet
    assert read_mail(message(From='"Lovelace, Ada" <ada@example.org>').as_bytes()).name == "Lovelace, Ada"


def test_words_of_html_keep_the_spaces_between_them() -> None:
    made = message()
    made.set_content("<p>Try <b>turning</b> it <i>off</i></p>", subtype="html")
    assert read_mail(made.as_bytes()).text == "Try turning it off"


@pytest.mark.parametrize(
    ("said", "raw"),
    [
        ("", "Grüße 你好".encode()),
        ("us-ascii", "Grüße 你好".encode()),
        ("x-unknown", "Grüße 你好".encode()),
        ("iso-8859-1", "Grüße".encode("latin-1")),
        ("unknown-8bit", "Grüße".encode("cp1252")),
        ("windows-31j", "こんにちは".encode("cp932")),
        ("iso-8859-8-i", "שלום".encode("iso-8859-8")),
        ("utf-8", "Grüße".encode("cp1252")),
    ],
)
def test_what_a_message_says_of_its_characters_is_believed_if_it_can_be(said: str, raw: bytes) -> None:
    kind = f"Content-Type: text/plain; charset={said}\r\n" if said else ""
    head = f"From: a@b.example\r\n{kind}Content-Transfer-Encoding: 8bit\r\n\r\n".encode()
    assert read_mail(head + raw).text in {"Grüße 你好", "Grüße", "こんにちは", "שלום"}
