"""The page /docs: Swagger UI from an installed package, showing the API's document, without any outside network.

For the app that stands in front: it answers /docs with `page_response`, /docs/static/{name} with `file_response` and
/docs/openapi.json with its document told in 3.0 (`older.as_3_0`), since the packaged viewer knows no 3.1.

Only static files of that package are used; its code is never imported. Requests go to the same host with the token
pasted under Authorize. A strict Content-Security-Policy lets the page load nothing else.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Response, request
from swagger_ui_bundle import swagger_ui_path

from shared.kernel.errors import NotFound

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FILES = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
START = """window.onload = () => {
  window.ui = SwaggerUIBundle({
    url: "/docs/openapi.json", dom_id: "#docs", deepLinking: true, docExpansion: "none", filter: true,
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
<link rel="icon" href="/docs/static/favicon-32x32.png">
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


@lru_cache(maxsize=8)
def content(name: str) -> tuple[bytes, str]:
    """A static file and its content type. Raises NotFound."""
    if name == "start.js":
        return START.encode(), "text/javascript; charset=utf-8"
    if name not in FILES:
        raise NotFound("file", [name])
    return (Path(swagger_ui_path) / name).read_bytes(), FILES[name]


def page_response() -> Response:
    """The page itself."""
    return Response(PAGE, 200, {"Content-Security-Policy": POLICY}, content_type="text/html; charset=utf-8")


def file_response(name: str) -> Response:
    """One of the page's files, `/docs/static/{name}`. Raises NotFound."""
    body, kind = content(name)
    etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"Cache-Control": "public, max-age=3600", "ETag": etag}
    if etag in request.headers.get("If-None-Match", ""):
        return Response(b"", 304, headers)
    return Response(body, 200, headers, content_type=kind)
