"""The service as a value: see README.md beside it for what it owns, publishes and hears."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.service_desk.attachments.doors import OPERATIONS as ATTACHMENTS
from services.service_desk.attachments.store import tidy as forget_files
from services.service_desk.forgetting import forget
from services.service_desk.gathering import GATHERINGS
from services.service_desk.joining import join_earlier
from services.service_desk.knowledge.suggesting import OPERATIONS as KNOWLEDGE
from services.service_desk.macros.doors import OPERATIONS as MACROS
from services.service_desk.mail.doors import OPERATIONS as MAIL
from services.service_desk.mail.introducing import IntroducingKind, requester, writer
from services.service_desk.mail.keeping import tidy
from services.service_desk.mail.outbox_doors import OPERATIONS as OUTBOX
from services.service_desk.mail.queueing import INTRODUCING, JOINING, SENDING
from services.service_desk.mail.sending import SendingKind
from services.service_desk.metrics import METRICS
from services.service_desk.mirrors import MIRRORS
from services.service_desk.parents import PARENT
from services.service_desk.pipelines import PIPELINES
from services.service_desk.promises.books import Books
from services.service_desk.promises.doors import OPERATIONS as PROMISES
from services.service_desk.promises.holiday_doors import OPERATIONS as HOLIDAYS
from services.service_desk.promises.keeping import TICKET
from services.service_desk.promises.linked import Heeding
from services.service_desk.promises.sweeping import CLOCKS, Desk
from services.service_desk.queues import telling
from services.service_desk.queues.doors import OPERATIONS as QUEUES
from services.service_desk.queues.follower_doors import OPERATIONS as FOLLOWERS
from services.service_desk.queues.routing import ASSIGNED
from services.service_desk.references import QUEUE
from services.service_desk.rules import RULES
from services.service_desk.satisfaction.carrying import carry_earlier
from services.service_desk.satisfaction.doors import OPERATIONS as SATISFACTION
from services.service_desk.schema import TYPES
from services.service_desk.splitting.doors import OPERATIONS as SPLITTING
from services.service_desk.steps import steps
from services.service_desk.triggers.doors import OPERATIONS as TRIGGERS
from services.service_desk.triggers.following import subscriptions
from services.service_desk.triggers.following import sweep as ring
from shared.kernel.config import Settings
from shared.service.erasure.belonging import Claim
from shared.service.following import Subscription
from shared.service.home import Home
from shared.service.manifest import Manifest

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def follows(settings: Settings) -> tuple[Subscription, ...]:
    """Its own log, for what follows from it."""
    return (*subscriptions(settings), *telling.subscriptions(settings))


def desk(service: Runtime) -> Desk:
    """What the doors of promises need."""
    return Desk(Home(service.engine), Books())


MANIFEST = Manifest(
    name="service_desk",
    types=TYPES,
    rules=RULES,
    pipelines=PIPELINES,
    mirrors=MIRRORS,
    gatherings=GATHERINGS,
    trees={TICKET: PARENT},
    metrics=METRICS,
    assigned=ASSIGNED,
    refers=frozenset({QUEUE}),
    operations=(
        *PROMISES,
        *HOLIDAYS,
        *MAIL,
        *OUTBOX,
        *ATTACHMENTS,
        *SPLITTING,
        *KNOWLEDGE,
        *MACROS,
        *TRIGGERS,
        *SATISFACTION,
        *QUEUES,
        *FOLLOWERS,
    ),
    belongings={"contact": ("ticket",)},
    parts={"ticket": tuple((one, "ticket_id") for one in ("ticket_entry", "ticket_clock", "ticket_survey"))},
    claims={
        "contact": (
            Claim("email", "ticket", "requester_email", besides=("requester_name", "csat_comment")),
            Claim("email", "ticket_survey", "requester_email", besides=("comment",), listed=False),
            Claim("email", "ticket_entry", "author_email", whole=True),
        )
    },
    forgets=forget,
    work={SENDING: SendingKind(), INTRODUCING: IntroducingKind(requester), JOINING: IntroducingKind(writer)},
    upkeep={
        "messages_forgotten": tidy,
        "triggers_due": ring,
        "entries_joined": join_earlier,
        "surveys_carried": carry_earlier,
        "attachments_forgotten": forget_files,
    },
    prompt={"clocks": CLOCKS},
    follows=follows,
    own=desk,
    steps=steps,
    heeding=Heeding(),
    migrations=Path(__file__).parent / "migrations",
)
