"""What happens with every write, in its transaction, whichever process writes: doors, imports, triggers."""

from __future__ import annotations

from collections.abc import Callable

from services.service_desk.mail.queueing import Queueing
from services.service_desk.promises.books import Books
from services.service_desk.promises.keeping import Keeping
from services.service_desk.queues import followers
from shared.service.steps import LiveType, Step, in_turn


def steps(type_of: Callable[[str], LiveType]) -> Step:
    """Clocks move, what is to go out by e-mail is queued, and who follows what is kept."""
    return in_turn(Keeping(Books(), type_of), Queueing(), followers.keep)
