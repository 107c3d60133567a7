"""The OpenAPI 3.1 document of a service, made from its operations and the live catalog, and the page that shows it.

`document` is pure; `doors` serves it; `docs` is the page, for the app in front, which also merges the documents.
Custom attributes appear as soon as they exist, since the catalog's versions name the document.
"""

from __future__ import annotations

from shared.service.web.openapi.document import build
from shared.service.web.openapi.doors import operations

__all__ = ["build", "operations"]
