"""HTTP operations that only this service has: imports, tokens, owners, schemas of custom types, the account."""

from __future__ import annotations

from services.workspace.api import dialect, import_operations
from shared.service.web import tokens
from shared.service.web.dialect import WORKSPACE_OPERATIONS
from shared.service.web.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *tokens.OPERATIONS,
    *import_operations.OPERATIONS,
    *dialect.OPERATIONS,
    *WORKSPACE_OPERATIONS,
)
