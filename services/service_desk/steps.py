"""What happens with every write, in its transaction, whichever process writes: doors, imports, triggers."""

from __future__ import annotations

from collections.abc import Callable

from services.service_desk import parents
from services.service_desk.attachments import claiming
from services.service_desk.joining import Joining
from services.service_desk.mail.emptying import forget_requester
from services.service_desk.mail.queueing import Queueing
from services.service_desk.promises import recording
from services.service_desk.promises.books import Books
from services.service_desk.promises.keeping import Keeping
from services.service_desk.queues import followers
from services.service_desk.reopening import Reopening
from services.service_desk.satisfaction.entities import Surveying
from shared.service.steps import LiveType, Steps


def steps(type_of: Callable[[str], LiveType]) -> Steps:
    """Merged tickets have one conversation, clocks move, customers wake tickets, e-mail to go out is queued, who
    follows what is kept; what clocks came to and customers thought stays."""
    joining = Joining(type_of)
    keeping = Keeping(Books(), type_of)
    moving = Reopening(type_of, keeping, lambda: every)
    before = (recording.guard, parents.keep, claiming.claim, joining.said)
    after = (moving, joining.merged, Surveying(type_of), Queueing(), followers.keep, forget_requester)
    every = Steps((keeping.ride,), (*before, *after))
    return every
