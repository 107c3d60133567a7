"""The OpenAPI 3.1 document of a service, made from its operations and the live catalog, and the page that shows it.

`document` is pure; `doors` serves it per service and merged; `docs` is the page. Custom attributes appear as soon as
they exist, since the catalog's versions name the document.
"""

from __future__ import annotations

from shared.service.web.openapi.docs import docs_operations
from shared.service.web.openapi.document import build, merge
from shared.service.web.openapi.doors import operations

__all__ = ["build", "docs_operations", "merge", "operations"]
