"""The route table as nginx's configuration: a `map` from the decoded path to an address, and one proxied location.

nginx hands the request's path on as it came. It answers `/healthz` itself, and its own errors are JSON as everywhere.
With a resolver, addresses are names that are looked up while it runs: a service may come, go, move, and have several
processes behind its name. Nothing is logged by nginx, since paths hold what people entered; services log requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from deploy.routes import FALLBACK, LABELS, OWN, TYPED, RouteTable

FRONT = "front"
"""Who answers the front's own paths, among the addresses."""

_CONFIG = """\
{head}map $uri $crm_address {{
{rules}
    default {fallback};
}}

server {{
    listen {listen};
    access_log off;
    error_log stderr crit;
    client_max_body_size 10m;
    large_client_header_buffers 4 72k;
    merge_slashes off;
{resolver}{errors}
    location = /healthz {{
        default_type application/json;
        return 200 '{{"status":"ok"}}';
    }}

    location / {{
{proxied}
    }}

    # Files: the application has a limit of its own, and takes them in as they come.
    location ~ {uploads} {{
        client_max_body_size 0;
        proxy_request_buffering off;
{proxied}
    }}
}}
"""
_PROXIED = """\
        proxy_pass http://$crm_address;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_connect_timeout 5s;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_read_timeout 60s;"""
UPLOADS = r"^/(?:api/v1|crm/v3)/imports/?$"
"""The paths that take files."""


_ERROR = """
    error_page {codes} ={status} /.nginx/{name};
    location = /.nginx/{name} {{
        internal;
        default_type application/json;
        add_header X-Correlation-Id $request_id always;{retry}
        return {status} '{{"status":"error","message":"{text}","correlationId":"$request_id","category":"{category}"}}';
    }}
"""
_RETRY = "\n        add_header Retry-After 1 always;"
_ERRORS = (
    ("400", 400, "unreadable", "The request could not be read", "VALIDATION_ERROR"),
    ("494", 431, "long_headers", "The headers are too large", "HEADERS_TOO_LARGE"),
    ("502 504", 503, "unavailable", "The service does not answer", "SERVICE_UNAVAILABLE"),
    ("413", 413, "too_large", "The request body is too large", "PAYLOAD_TOO_LARGE"),
    ("414", 414, "too_long", "The address is too long", "URI_TOO_LONG"),
)


_RESOLVER = """\
    # Names are looked up anew every two seconds: `--scale` and restarts are noticed.
    resolver {resolver} valid=2s ipv6=off;
    resolver_timeout 5s;
"""


def nginx_config(
    table: RouteTable, addresses: Mapping[str, str], listen: str = "8080", *, resolver: str = "", head: str = ""
) -> str:
    """A file for nginx's `conf.d`. `addresses`: service, or FRONT, -> host:port. `resolver`: the name server's address,
    needed where hosts are names. `head`: comment lines."""
    return _CONFIG.format(
        head=head,
        rules="\n".join(f"    {_quoted(pattern)} {addresses[service]};" for pattern, service in map_rules(table)),
        fallback=addresses[FALLBACK],
        listen=listen,
        resolver=_RESOLVER.format(resolver=resolver) if resolver else "",
        proxied=_PROXIED,
        uploads=UPLOADS,
        errors="".join(
            _ERROR.format(
                codes=codes, status=status, name=name, text=text, category=category, retry=_RETRY * (status == 503)
            )
            for codes, status, name, text, category in _ERRORS
        ),
    )


def map_rules(table: RouteTable) -> Iterator[tuple[str, str]]:
    """nginx takes the first expression that matches, so they come in the order in which the table decides."""
    typed = "|".join(TYPED)
    yield rf"^{OWN}$", FRONT
    yield rf"^{LABELS}$", FALLBACK
    for service in sorted(table.services):
        names = sorted(name for name, owner in table.types.items() if owner == service)
        if names:
            choice = "|".join(re.escape(name) for name in names)
            yield rf"^(?:{typed})/(?:p\d+_)?(?i:{choice})(?:/|$)", service
    yield rf"^(?:{typed})/[^/]", FALLBACK
    for beginning, service in table.claims.items():
        yield rf"^{re.escape(beginning)}(?:/|$)", service
    for service in sorted(table.services):
        yield rf"^/(?:api/v1/)?{re.escape(service)}(?:/|$)", service


def _quoted(pattern: str) -> str:
    escaped = pattern.replace("\\", "\\\\").replace('"', '\\"')
    return f'"~{escaped}"'
