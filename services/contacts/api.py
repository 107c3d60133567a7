"""HTTP operations that only this service has: timelines, task queues, what owners are told, and old listings that ETL
tools read at start."""

from __future__ import annotations

from services.contacts.named_queues import OPERATIONS as NAMED_QUEUES
from services.contacts.queues import OPERATIONS as QUEUES
from services.contacts.reminders import TASK
from services.contacts.timeline.doors import OPERATIONS as TIMELINE
from shared.service.web import notices
from shared.service.web.dialect import COMPANY_OPERATIONS
from shared.service.web.operation import Operation

NOTICES = notices.operations(
    "/api/v1/contacts/owners/{owner}/notices",
    TASK,
    "Activities",
    description="Owners of open tasks are told when a reminder comes due.",
)
OPERATIONS: tuple[Operation, ...] = (*TIMELINE, *QUEUES, *NAMED_QUEUES, *NOTICES, *COMPANY_OPERATIONS)
