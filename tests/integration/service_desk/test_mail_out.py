"""E-mails that go out, through a real mail server: what they say, what comes of them, and answers to them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from pydantic import SecretStr

from services.service_desk.attachments.store import tidy as forget_files
from services.service_desk.domain.attachments import MOST_FILES
from services.service_desk.mail import sending
from services.service_desk.mail.automatic import author
from services.service_desk.mail.keeping import tidy
from shared.kernel.context import SYSTEM, Context
from shared.service.entities import Ref
from shared.service.tokens import token_hash
from shared.service.work import ledger
from shared.service.work.ledger import Job
from shared.service.work.running import run_one
from tests.factories.bounces import bounce
from tests.factories.smtp import DIE, PostBox, mail_server
from tests.integration.service_desk.conftest import ENTRIES, Desk
from tests.integration.service_desk.test_mail import entries, send

MAIL = "/api/v1/service_desk/mail"
FILES = "/api/v1/service_desk/attachments"
MESSAGES = "/api/v1/service_desk/messages"
SAYS = "delivery,message_id"


@pytest.fixture(scope="module")
def server() -> Iterator[PostBox]:
    """One server for all."""
    with mail_server() as box:
        yield box


@pytest.fixture
def box(server: PostBox, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> PostBox:
    """The server, forgetful, and the desk sending through it; what is left of earlier tests is gone."""
    monkeypatch.setattr(desk.runtime.settings, "smtp_url", SecretStr(server.url))
    monkeypatch.setattr(desk.runtime.settings, "mail_from", "Zoë's Desk <desk@example.com>")
    with desk.runtime.db.connect() as connection:
        connection.run("delete from work_job where kind in ('mail', 'requester', 'writer')")
    sending._away.forget()
    for one in (server.letters, server.senders, server.recipients, server.at_rcpt, server.at_end):
        one.clear()
    server.tries, server.kept_before_dying = 0, False
    return server


def work(desk: Desk) -> None:
    """Everything that is queued, pauses included, once."""
    with desk.runtime.db.connect() as connection:
        connection.run("delete from work_job where kind <> 'mail'")
        connection.run("update work_chunk set leased_until = null where lease is null")
    claims = []
    while (claim := ledger.claim(desk.runtime.db)) is not None:
        claims.append(claim)
    for one in claims:
        run_one(desk.runtime, desk.runtime.manifest.work, one)


def delivery(desk: Desk, entry: str) -> Any:
    """What an entry tells of its way."""
    return desk.ask("GET", f"{ENTRIES}/{entry}?attributes={SAYS}")["values"].get("delivery")


def text(letter: EmailMessage, kind: str) -> str:
    """One of a letter's two bodies."""
    part = letter.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def by_machine(because: str) -> dict[str, Any]:
    """Values of an automatic message."""
    return {"body": "We got it.", **author(because)}


def asked(desk: Desk, **values: Any) -> str:
    """A ticket of somebody with an address."""
    return desk.ticket(**{"subject": "Drucker brennt", "requester_email": "ada@example.org", **values})


def test_a_reply_is_sent_once_and_answers_to_it_find_the_ticket(desk: Desk, box: PostBox) -> None:
    made = send(desk, "out1@x", Subject="打印机 🔥", From='"Ada, Countess" <ada@example.org>')
    reply = desk.say(made["ticket"], body="Try <b>turning</b> it off.\n\nYours\n.\nZoë & Co <3")
    assert reply["values"]["delivery"] == "QUEUED"
    work(desk)
    work(desk)
    (letter,) = box.letters
    assert letter["Subject"] == f"Re: 打印机 🔥 [#{made['ticket']}]"
    assert (letter["From"], letter["To"]) == ("Zoë's Desk <desk@example.com>", '"Ada, Countess" <ada@example.org>')
    assert (letter["In-Reply-To"], letter["References"]) == ("<out1@x>", "<out1@x>")
    assert letter["Auto-Submitted"] is None
    assert box.senders == ["desk@example.com"]
    plain, html = (text(letter, kind) for kind in ("plain", "html"))
    assert plain == "Try turning it off.\n\nYours\n.\nZoë & Co <3\n"
    assert "Zoë &amp; Co &lt;3" in html
    found = desk.ask("GET", f"{ENTRIES}/{reply['id']}?attributes={SAYS}")["values"]
    assert (found["delivery"], found["message_id"]) == ("SENT", letter["Message-ID"])
    desk.write(made["ticket"], stage="4")
    answer = send(desk, "out2@x", In_Reply_To=letter["Message-ID"], From="bob@example.org")
    assert (answer["outcome"], answer["ticket"]) == ("added", made["ticket"])
    assert desk.read(made["ticket"])["status"] == "waiting_on_us"
    desk.say(made["ticket"])
    work(desk)
    assert box.letters[-1]["References"].split() == ["<out1@x>", letter["Message-ID"], "<out2@x>"]
    assert box.recipients == ["ada@example.org"] * 2


def test_what_is_not_sent(desk: Desk, box: PostBox) -> None:
    ticket = asked(desk)
    quiet = [
        desk.say(ticket, visibility="INTERNAL"),
        desk.say(ticket, "CUSTOMER"),
        desk.say(ticket, message_id="<went@before>"),
        desk.say(ticket, at="2026-03-02T09:00:00Z"),
        desk.say(ticket, said_at="2026-03-02T09:00:00Z"),
    ]
    nobody = desk.say(desk.ticket(subject="By phone"))
    odd = desk.say(asked(desk, requester_email="ädä@example.org"))
    work(desk)
    assert box.letters == []
    assert [delivery(desk, one["id"]) for one in quiet] == [None] * 5
    assert delivery(desk, nobody["id"]) == "UNADDRESSED"
    assert delivery(desk, odd["id"]) == "FAILED"


def test_without_a_server_an_entry_says_so_and_is_sent_when_told(
    desk: Desk, box: PostBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = asked(desk)
    reply = desk.say(ticket)
    with monkeypatch.context() as patch:
        patch.setattr(desk.runtime.settings, "smtp_url", None)
        work(desk)
        assert delivery(desk, reply["id"]) == "OFF"
        assert desk.ask("GET", f"{MAIL}?ticket={ticket}")["on"] is False
    found = desk.ask("GET", f"{MAIL}?ticket={ticket}&state=off")
    assert found["on"] is True
    assert "SMTP_URL" in found["results"][0]["reason"]
    assert desk.ask("POST", f"{MAIL}/{found['results'][0]['id']}/resend", 202)["state"] == "queued"
    assert delivery(desk, reply["id"]) == "QUEUED"
    work(desk)
    assert delivery(desk, reply["id"]) == "SENT"
    assert len(box.letters) == 1
    desk.ask("POST", f"{MAIL}/{found['results'][0]['id']}/resend", 409)
    desk.ask("POST", f"{MAIL}/999999/resend", 404)


def test_refusals_are_kept_and_hindrances_got_over(desk: Desk, box: PostBox) -> None:
    ticket = asked(desk)
    reply = desk.say(ticket)
    box.at_rcpt += ["451 come again", "", ""]
    box.at_end += ["452 disk full", DIE]
    box.kept_before_dying = True
    for _ in range(3):
        work(desk)
        assert delivery(desk, reply["id"]) == "QUEUED"
    (row,) = desk.ask("GET", f"{MAIL}?ticket={ticket}")["results"]
    assert (row["state"], row["attempts"], row["doubtful"]) == ("queued", 3, 1)
    assert row["next_at"] > row["queued_at"]
    work(desk)
    assert delivery(desk, reply["id"]) == "SENT"
    # The server kept the one during which it died: the second copy has the same id, and the list says that it may be.
    assert [one["Message-ID"] for one in box.letters] == [row["message_id"]] * 2
    refused = desk.say(ticket)
    box.at_rcpt.append("550 no such user")
    work(desk)
    work(desk)
    assert delivery(desk, refused["id"]) == "FAILED"
    (row, _) = desk.ask("GET", f"{MAIL}?ticket={ticket}")["results"]
    assert (row["state"], row["reason"]) == ("failed", "550 no such user")


def test_a_server_that_dies_mid_session_or_is_not_there(
    desk: Desk, box: PostBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = desk.say(asked(desk))
    box.at_rcpt.append(DIE)
    work(desk)
    assert (box.letters, delivery(desk, reply["id"])) == ([], "QUEUED")
    with monkeypatch.context() as patch:
        patch.setattr(desk.runtime.settings, "smtp_url", SecretStr("smtp://127.0.0.1:1"))
        work(desk)
        other = desk.say(asked(desk))
        work(desk)
    (row,) = desk.ask("GET", f"{MAIL}?limit=1")["results"]
    assert (row["entry"], row["attempts"]) == (other["id"], 0)  # it was not even tried: the first one found nobody
    work(desk)
    assert [delivery(desk, one["id"]) for one in (reply, other)] == ["SENT", "SENT"]


def test_whoever_dies_while_the_server_has_it_leaves_it_doubtful(
    desk: Desk, box: PostBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = asked(desk)
    desk.say(ticket)
    with monkeypatch.context() as patch:
        patch.setattr(sending, "_answered", lambda *_: 1 / 0)
        work(desk)
    work(desk)
    (row,) = desk.ask("GET", f"{MAIL}?ticket={ticket}")["results"]
    assert (row["state"], row["doubtful"], len(box.letters)) == ("sent", 1, 2)
    assert box.letters[0].as_bytes() == box.letters[1].as_bytes()


def test_a_lost_lease_sends_nothing(desk: Desk, box: PostBox, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.say(asked(desk))
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "renew", lambda *_: False)
        work(desk)
    assert box.tries == 1
    assert box.letters == []


def test_headers_cannot_be_smuggled_in(desk: Desk, box: PostBox) -> None:
    evil = "Hi\r\nBcc: eve@example.org\r\n\r\nBody"
    ticket = asked(desk, subject=evil, requester_name="Ada\r\nBcc: eve@example.org")
    desk.say(ticket, body="Hello\r\n.\r\nMAIL FROM:<eve@example.org>")
    work(desk)
    (letter,) = box.letters
    assert letter["Bcc"] is None
    assert box.recipients == ["ada@example.org"]
    assert letter["Subject"] == f"Hi Bcc: eve@example.org Body [#{ticket}]"
    assert text(letter, "plain").split() == ["Hello", ".", "MAIL", "FROM:<eve@example.org>"]


def test_automatic_messages(desk: Desk, box: PostBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.runtime.settings, "mail_automatic_per_hour", 2)
    made = send(desk, "auto1@x", From="loop@example.org")
    ticket = made["ticket"]
    said = [desk.say(ticket, **by_machine(f"test/{ticket}/{n}"))["id"] for n in (1, 2, 3)]
    desk.say(ticket, status=409, **by_machine(f"test/{ticket}/1"))
    work(desk)
    assert [delivery(desk, one) for one in said] == ["SENT", "SENT", "HELD"]
    assert (box.letters[0]["Auto-Submitted"], box.senders[0]) == ("auto-generated", "<>")
    assert desk.read(made["ticket"]).get("first_reply_at") is None
    desk.say(made["ticket"])
    work(desk)
    assert len(box.letters) == 3  # a person's answer is held back by nothing


def test_machines_are_not_answered_by_machines(desk: Desk, box: PostBox) -> None:
    made = send(desk, "auto2@x", From="away@example.org", X_Auto_Response_Suppress="OOF, AutoReply")
    assert made["outcome"] == "opened"
    held = desk.say(made["ticket"], **by_machine("test/held"))["id"]
    desk.say(made["ticket"])
    work(desk)
    assert delivery(desk, held) == "HELD"
    assert len(box.letters) == 1
    report = send(desk, "auto3@x", From="MAILER-DAEMON@example.org", In_Reply_To=box.letters[0]["Message-ID"])
    assert (report["outcome"], report["ticket"]) == ("added", made["ticket"])
    assert entries(desk, made["ticket"])[-1]["visibility"] == "INTERNAL"
    ours = send(desk, "auto4@x", From="Desk <DESK@example.com>")
    assert ours == {"outcome": "dropped"}
    (seen,) = desk.ask("GET", "/api/v1/service_desk/messages?outcome=dropped&limit=1")["results"]
    assert (seen["message_id"], seen["sender"], seen["automatic"]) == ("<auto4@x>", "desk@example.com", True)


def test_what_is_erased_or_archived_is_not_sent_and_leaves_no_trace(desk: Desk, box: PostBox) -> None:
    gone, kept = asked(desk, requester_email="gone@example.org"), asked(desk)
    erased, withdrawn = desk.say(gone), desk.say(kept)
    desk.ask("DELETE", f"{ENTRIES}/{withdrawn['id']}", 204)
    desk.runtime.erasure.erase(Context(SYSTEM), "ticket_entry", Ref(int(erased["id"])))
    desk.runtime.erasure.erase(Context(SYSTEM), "ticket", Ref(int(gone)))
    work(desk)
    assert box.letters == []
    assert desk.ask("GET", f"{MAIL}?ticket={gone}")["results"] == []
    (row,) = desk.ask("GET", f"{MAIL}?ticket={kept}")["results"]
    assert row["state"] == "withdrawn"


def test_addresses_are_forgotten_and_what_could_not_be_tried_is_told(desk: Desk, box: PostBox) -> None:
    ticket = asked(desk, requester_email="old@example.org")
    reply = desk.say(ticket)
    work(desk)
    send(desk, "old1@x", Auto_Submitted="auto-generated")
    lost = desk.say(ticket)
    with desk.runtime.db.transaction() as connection:
        connection.run("update mail_out set settled_at = settled_at - interval '91 days'")
        connection.run("update mail_in set at = at - interval '91 days'")
        row = connection.row("select id from mail_out where entry_id = %(id)s", {"id": int(lost["id"])})
        assert row is not None
        job = Job(1, "mail", row[0], "ticket_entry", "once", "failed", {}, None, None, True, "died")
        sending.SendingKind().failed(connection, job)
    assert tidy(desk.runtime.db) > 0
    rows = desk.ask("GET", f"{MAIL}?ticket={ticket}")["results"]
    assert [(one["state"], one.get("to"), one.get("reason")) for one in rows] == [
        ("failed", None, "died"), ("sent", None, None),
    ]  # fmt: skip
    assert [delivery(desk, one["id"]) for one in (reply, lost)] == ["SENT", "FAILED"]
    seen = desk.ask("GET", "/api/v1/service_desk/messages?limit=500")["results"]
    assert {one["sender"] for one in seen} <= {""}
    assert tidy(desk.runtime.db) == 0


def test_what_is_given_back_was_not_delivered(desk: Desk, box: PostBox) -> None:
    ticket = asked(desk)
    reply = desk.say(ticket)["id"]
    work(desk)
    ours = box.letters[-1]["Message-ID"]

    def report(ident: str, **more: str) -> Any:
        return desk.ask("POST", MESSAGES, raw=bounce(ours, ident, **more).decode())

    before = entries(desk, ticket)
    assert report("late@b", action="delayed")["ticket"] == ticket
    assert delivery(desk, reply) == "SENT"
    told = report("gone@b")
    assert (told["outcome"], told["ticket"], delivery(desk, reply)) == ("added", ticket, "FAILED")
    (row,) = desk.ask("GET", f"{MAIL}?ticket={ticket}")["results"]
    assert (row["state"], "no such user" in row["reason"]) == ("failed", True)
    assert len(entries(desk, ticket)) == len(before) + 2
    # Once more, and the same report again: it tells nothing of what was sent since.
    desk.ask("POST", f"{MAIL}/{row['id']}/resend", 202)
    work(desk)
    assert report("gone@b")["outcome"] == "again"
    assert delivery(desk, reply) == "SENT"
    # Of what we never sent, nothing follows: no ticket, no entry.
    stranger = desk.ask("POST", MESSAGES, raw=bounce("<not@ours>", "other@b").decode())
    assert (stranger["outcome"], stranger.get("ticket")) == ("dropped", None)


def upload(desk: Desk, status: int = 201, content: bytes = b"<script>", **more: str) -> Any:
    """A file, uploaded."""
    body = {"name": "../Rechnung für Zoë.html", "content_type": "text/html", **more}
    return desk.ask("POST", FILES, status, content_base64=base64.b64encode(content).decode(), **body)


def test_files_go_out_with_the_reply_and_are_handed_out_harmless(desk: Desk, box: PostBox) -> None:
    file = upload(desk)
    assert (file["name"], file["size"]) == ("Rechnung für Zoë.html", 8)
    path = f"{FILES}/{file['id']}"
    assert desk.client.get(path).status_code == 404  # nobody has said anything with it
    ticket = asked(desk)
    reply = desk.say(ticket, attachment_ids=file["id"])
    work(desk)
    (sent,) = box.letters[-1].iter_attachments()
    assert (sent.get_filename(), sent.get_payload(decode=True)) == (file["name"], b"<script>")
    assert text(box.letters[-1], "plain").strip()
    got = desk.client.get(path)
    assert (got.data, got.content_type) == (b"<script>", "application/octet-stream")
    assert got.headers["Content-Disposition"].startswith('attachment; filename="Rechnung f_r Zo_.html"')
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got.headers["Content-Security-Policy"]
    assert [one["id"] for one in desk.ask("GET", f"{ENTRIES}/{reply['id']}/attachments")["results"]] == [file["id"]]
    # One entry has it; what is said stays said with it.
    assert "attachment_ids" in str(desk.say(ticket, status=400, attachment_ids=file["id"]))
    desk.ask("PATCH", f"{ENTRIES}/{reply['id']}", 400, values={"attachment_ids": ""})
    upload(desk, 400, b"")
    desk.ask("DELETE", f"{ENTRIES}/{reply['id']}", 204)
    assert desk.client.get(path).status_code == 404


def test_files_come_in_with_an_email_and_go_with_who_is_erased(desk: Desk, box: PostBox) -> None:
    made = EmailMessage()
    made["From"], made["Subject"], made["Message-ID"] = "files@example.org", "Files", "<files@in>"
    made.set_content("See the file.")
    made.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="a/b/shot.png")
    for _ in range(MOST_FILES):
        made.add_attachment(b"x", maintype="text", subtype="x", filename="more")
    entry = desk.ask("POST", MESSAGES, raw=made.as_string())["entry"]
    assert desk.ask("POST", MESSAGES, raw=made.as_string())["outcome"] == "again"
    found = desk.ask("GET", f"{ENTRIES}/{entry}/attachments")
    file = found["results"][0]
    noted = desk.ask("GET", f"{ENTRIES}/{entry}?attributes=attachments_left_out")["values"]["attachments_left_out"]
    assert found["left_out"] == [noted] == ["more (1 bytes): at most 20 files go with one entry"]
    assert (file["name"], file["content_type"]) == ("shot.png", "image/png")
    path = f"{FILES}/{file['id']}"
    assert desk.client.get(path).data == b"\x89PNG"
    token = "crm_reads_no_entries_" + "0" * 48
    sql = """insert into service_token (id, name, hash, scopes, created_at, version)
    values (7003, 'no entries', %(hash)s, array['crm.objects.tickets.read'], now() at time zone 'UTC', 1)"""
    with desk.runtime.db.transaction() as connection:
        connection.run(sql, {"hash": token_hash(token)})
    refused = desk.client.get(path, headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 403
    desk.runtime.erasure.erase(Context(SYSTEM), "ticket_entry", Ref(int(entry)))
    assert desk.client.get(path).status_code == 404
    with desk.runtime.db.transaction() as connection:
        sql = "select count(*) from desk_attachment where entry_id = %(id)s"
        assert connection.row(sql, {"id": int(entry)}) == (0,)
    upload(desk)
    with desk.runtime.db.transaction() as connection:
        connection.run("update desk_attachment set created_at = now() - interval '2 days' where entry_id is null")
    assert forget_files(desk.runtime.db) >= 1
