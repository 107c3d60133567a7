"""What settings say about e-mail: through which server it goes, and whom it comes from; or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from services.service_desk.domain.letters import LetterProblem, Sender, sender_of
from services.service_desk.mail.posting import Server, ServerProblem, server_of
from shared.kernel.config import Settings


@dataclass(frozen=True, slots=True)
class PostOffice:
    """server and sender are both there, or mail is off: `problem` says why."""

    server: Server | None = None
    sender: Sender | None = None
    problem: str = ""


def post_office(settings: Settings) -> PostOffice:
    """Of these settings. Without an address of its own, mail comes from the user of the mail server."""
    url = settings.smtp_url.get_secret_value().strip() if settings.smtp_url else ""
    if not url:
        return PostOffice(problem="mail is off: SMTP_URL is not set")
    try:
        server = server_of(url)
        sender = sender_of(settings.mail_from or server.user)
    except ServerProblem as problem:
        return PostOffice(problem=f"mail is off: {problem}")
    except LetterProblem:
        return PostOffice(problem="mail is off: CRM_MAIL_FROM is no e-mail address")
    return PostOffice(server, sender)
