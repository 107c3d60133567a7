"""HTTP operations that only this service has: timelines, task queues, and old listings that ETL tools read at start."""

from __future__ import annotations

from services.contacts.queues import OPERATIONS as QUEUES
from services.contacts.timeline.doors import OPERATIONS as TIMELINE
from shared.service.web.dialect import COMPANY_OPERATIONS
from shared.service.web.operation import Operation

OPERATIONS: tuple[Operation, ...] = (*TIMELINE, *QUEUES, *COMPANY_OPERATIONS)
