"""HTTP operations that only this service has: tokens, owners, labels of links, schemas of custom types, the account."""

from __future__ import annotations

from shared.service.web import relations, tokens
from shared.service.web.dialect import WORKSPACE_OPERATIONS
from shared.service.web.operation import Operation

OPERATIONS: tuple[Operation, ...] = (*tokens.OPERATIONS, *relations.OPERATIONS, *WORKSPACE_OPERATIONS)
