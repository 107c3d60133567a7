"""The page /docs: Swagger UI from an installed package, showing /openapi.json, without any outside network.

For the app that stands in front: it answers /docs with `page_response` and /docs/static/{name} with `file_response`.

Only static files of that package are used; its code is never imported. Requests go to the same host with the token
pasted under Authorize. A strict Content-Security-Policy lets the page load nothing else.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from flask import Response, request

from shared.kernel.errors import NotFound

PACKAGE = "flask_openapi3_swagger"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FILES = {
    "swagger-ui.css": ("css/swagger-ui.css", "text/css; charset=utf-8"),
    "swagger-ui-bundle.js": ("js/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    "swagger.svg": ("images/swagger.svg", "image/svg+xml"),
}
START = """window.onload = () => {
  window.ui = SwaggerUIBundle({
    url: "/openapi.json", dom_id: "#docs", deepLinking: true, docExpansion: "none", filter: true,
    defaultModelsExpandDepth: -1, displayRequestDuration: true, persistAuthorization: false, validatorUrl: null,
  });
};
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>CRM API</title>
<link rel="icon" href="/docs/static/swagger.svg">
<link rel="stylesheet" href="/docs/static/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<noscript>This page needs JavaScript. The document it shows is at /openapi.json.</noscript>
<script src="/docs/static/swagger-ui-bundle.js"></script>
<script src="/docs/static/start.js"></script>
</body>
</html>
"""


@lru_cache(maxsize=1)
def assets() -> Path | None:
    """The folder of Swagger UI's files, None when the package is not installed."""
    spec = find_spec(PACKAGE)
    found = spec.submodule_search_locations if spec else None
    return Path(next(iter(found))) / "templates" / "swagger" if found else None


@lru_cache(maxsize=8)
def content(name: str) -> tuple[bytes, str]:
    """A static file and its content type. Raises NotFound."""
    if name == "start.js":
        return START.encode(), "text/javascript; charset=utf-8"
    place, kind = FILES.get(name, ("", ""))
    folder = assets()
    if not place or folder is None or not (folder / place).is_file():
        raise NotFound("file", [name])
    return (folder / place).read_bytes(), kind


def page_response() -> Response:
    """The page itself."""
    return Response(PAGE, 200, {"Content-Security-Policy": POLICY}, content_type="text/html; charset=utf-8")


def file_response(name: str) -> Response:
    """One of the page's files, `/docs/static/{name}`. Raises NotFound."""
    body, kind = content(name)
    etag = f'"{PACKAGE}-{len(body)}"'
    headers = {"Cache-Control": "public, max-age=3600", "ETag": etag}
    if etag in request.headers.get("If-None-Match", ""):
        return Response(b"", 304, headers)
    return Response(body, 200, headers, content_type=kind)
