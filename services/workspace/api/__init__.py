"""HTTP operations that only this service has: imports, tokens, labels of links, owners, custom types, the account."""

from __future__ import annotations

from services.workspace.api import dialect, import_operations
from shared.service.web import relations, tokens
from shared.service.web.dialect import WORKSPACE_OPERATIONS
from shared.service.web.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *tokens.OPERATIONS,
    *relations.OPERATIONS,
    *import_operations.OPERATIONS,
    *dialect.OPERATIONS,
    *WORKSPACE_OPERATIONS,
)
