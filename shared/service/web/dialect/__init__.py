"""The wire dialect: the doors of compatible clients. Words such as object, property and record live here alone.

TYPE_OPERATIONS are for every service: each names its entity type in the path. WORKSPACE_OPERATIONS belong to the
service that keeps owners and custom types, COMPANY_OPERATIONS to the one that keeps companies.
"""

from __future__ import annotations

from shared.service.web.dialect import (
    account,
    association_batches,
    association_labels,
    associations,
    associations_v3,
    batch,
    erasing,
    groups,
    merging,
    objects,
    owners,
    pipelines,
    properties,
    schemas,
    search,
)
from shared.service.web.dialect.dated import rewrite
from shared.service.web.operation import Operation

__all__ = ["COMPANY_OPERATIONS", "TYPE_OPERATIONS", "WORKSPACE_OPERATIONS", "rewrite"]

TYPE_OPERATIONS: tuple[Operation, ...] = (
    *objects.OPERATIONS,
    *batch.OPERATIONS,
    *search.OPERATIONS,
    *merging.OPERATIONS,
    *erasing.OPERATIONS,
    *properties.OPERATIONS,
    *groups.OPERATIONS,
    *pipelines.OPERATIONS,
    *associations.OPERATIONS,
    *association_batches.OPERATIONS,
    *associations_v3.OPERATIONS,
    *schemas.READ_OPERATIONS,
)
WORKSPACE_OPERATIONS: tuple[Operation, ...] = (
    *schemas.OPERATIONS,
    *owners.OPERATIONS,
    *association_labels.OPERATIONS,
    *account.OPERATIONS,
)
COMPANY_OPERATIONS: tuple[Operation, ...] = properties.COMPANY_OPERATIONS
