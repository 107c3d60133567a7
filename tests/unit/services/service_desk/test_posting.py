"""Mail servers in settings, and what is not handed to them."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from services.service_desk.mail.away import Away
from services.service_desk.mail.post_office import post_office
from services.service_desk.mail.posting import Outcome, Server, ServerProblem, post, server_of
from shared.kernel.config import Settings
from tests.factories.smtp import mail_server

MESSAGE = b"Subject: x\n\n.dot\n"


def test_servers_in_settings() -> None:
    assert server_of("smtp://mail.example.org") == Server("mail.example.org", 25)
    assert server_of("smtps://u%40x:p%2Fw@mail.example.org") == Server("mail.example.org", 465, "u@x", "p/w", tls=True)
    assert server_of("smtp://h:587?starttls=required").starttls == "required"
    for bad in ("http://x", "smtp://", "smtp://h:x", "smtp://h?starttls=perhaps", "smtp://h?cafile=x", "mail"):
        with pytest.raises(ServerProblem):
            server_of(bad)
    assert "secret" not in repr(server_of("smtp://u:secret@h"))


@pytest.mark.parametrize(
    ("url", "sender", "problem"),
    [
        (None, "a@b.c", "SMTP_URL is not set"),
        ("smtp://", "a@b.c", "name a host"),
        ("smtp://h", "nobody", "CRM_MAIL_FROM"),
        ("smtp://h", None, "CRM_MAIL_FROM"),
        ("smtp://desk%40b.c:p@h", None, ""),
    ],
)
def test_mail_is_off_unless_all_is_told(url: str | None, sender: str | None, problem: str) -> None:
    office = post_office(Settings(smtp_url=SecretStr(url) if url else None, mail_from=sender))
    assert problem in office.problem
    assert (office.server is not None) == (problem == "")


def test_lines_that_would_end_it_are_quoted_and_passwords_not_sent_in_the_clear() -> None:
    with mail_server() as box:
        handed: list[int] = []
        plain = Server("127.0.0.1", box.port)
        assert post(plain, "a@b.c", "d@e.f", MESSAGE, lambda: handed.append(1)).outcome is Outcome.ACCEPTED
        assert box.letters[0].get_content().splitlines() == [".dot"]
        for careful in (
            Server("127.0.0.1", box.port, starttls="required"),
            Server("127.0.0.1", box.port, "user", "secret"),
        ):
            found = post(careful, "a@b.c", "d@e.f", MESSAGE, lambda: handed.append(1))
            assert (found.outcome, "encryption" in found.reason) == (Outcome.AWAY, True)
        box.at_rcpt.append("421 shutting down")
        assert post(plain, "a@b.c", "d@e.f", MESSAGE, lambda: handed.append(1)).outcome is Outcome.AWAY
        assert (len(box.letters), len(handed)) == (1, 1)


def test_who_is_away_is_left_alone_for_a_while() -> None:
    away = Away(60)
    away.note("mail", "refused")
    assert (away.why("mail"), away.why("other")) == ("refused", None)
    assert Away(0).why("mail") is None
