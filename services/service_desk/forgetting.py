"""What is kept of erased tickets and entries besides, taken out in the transaction of the erasure."""

from __future__ import annotations

from collections.abc import Collection

from services.service_desk.attachments import store as attachments
from services.service_desk.mail import outbox
from services.service_desk.promises import forgetting as promises
from services.service_desk.promises import recording
from services.service_desk.queues import telling
from shared.kernel.db import Connection


def forget(connection: Connection, entity_type: str, ids: Collection[int]) -> None:
    """Clocks, what is noted of messages, and who follows and was told."""
    promises.forget(connection, entity_type, ids)
    recording.forget(connection, entity_type, ids)
    outbox.forget(connection, entity_type, ids)
    telling.forget(connection, entity_type, ids)
    attachments.forget(connection, entity_type, ids)
