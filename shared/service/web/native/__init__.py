"""The native door: entities of any type as typed JSON under /api/v1/objects, strict about what it is sent.

Use it for new clients; the wire dialect beside it is for clients that exist. One file per kind of call.
"""

from __future__ import annotations

from shared.service.web.native import batch, duplicates, erasing, export, links, mass, merging, query, single

OPERATIONS = (
    *single.OPERATIONS,
    *query.OPERATIONS,
    *batch.OPERATIONS,
    *links.OPERATIONS,
    *export.OPERATIONS,
    *mass.OPERATIONS,
    *merging.OPERATIONS,
    *erasing.OPERATIONS,
    *duplicates.OPERATIONS,
)

__all__ = ["OPERATIONS"]
