"""Which HTTP operations a service answers: the kit's doors for every entity type, and the service's own."""

from __future__ import annotations

from shared.service.manifest import Manifest
from shared.service.web import assignment, bus, changes, health, holdings, native, pipelines, types, views, visits
from shared.service.web.dialect import TYPE_OPERATIONS as DIALECT
from shared.service.web.native import erasing
from shared.service.web.openapi import doors as documents
from shared.service.web.operation import Operation


def operations_of(manifest: Manifest) -> tuple[Operation, ...]:
    """Everything the service answers."""
    name = manifest.name
    return (
        *native.OPERATIONS,
        *types.OPERATIONS,
        *types.operations(name),
        *pipelines.OPERATIONS,
        *visits.OPERATIONS,
        *assignment.OPERATIONS,
        *views.OPERATIONS,
        *DIALECT,
        *manifest.operations,
        *changes.operations(name),
        *bus.operations(name),
        *holdings.operations(name),
        *erasing.operations(name),
        *health.operations(name),
        *documents.operations(name),
    )
