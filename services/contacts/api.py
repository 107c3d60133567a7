"""HTTP operations that only this service has: old listings of company properties that ETL tools read at start."""

from __future__ import annotations

from shared.service.web.dialect import COMPANY_OPERATIONS
from shared.service.web.operation import Operation

OPERATIONS: tuple[Operation, ...] = COMPANY_OPERATIONS
