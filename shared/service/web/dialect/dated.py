"""Date-versioned paths, rewritten to the paths that doors answer at. Pure; run on a path before routing.

`/crm/objects/2026-03/contacts` is `/crm/v3/objects/contacts`: same bodies, another spelling of the version.
"""

from __future__ import annotations

import re

_DATE = r"20\d\d-(?:0[1-9]|1[0-2])"
_LINKS_OF_ONE = re.compile(rf"/crm/objects/{_DATE}/([^/]+/[^/]+/associations(?:/.*)?)")
_LINKS = re.compile(rf"/crm/associations/{_DATE}(/.*)?")
_CRM = re.compile(rf"/crm/([a-z][a-z-]*)/{_DATE}(/.*)?")
_SCHEMAS = re.compile(rf"/crm-object-schemas/{_DATE}(/.*)?")
_FIRST = re.compile(rf"/(account-info|settings|webhooks|files|marketing)/((?:[a-z-]+/)?){_DATE}(/.*)?")
_OAUTH = re.compile(rf"/oauth/{_DATE}(/.*)?")


def rewrite(path: str) -> str:
    """The path without a date in it; any other path unchanged."""
    if "/20" not in path:
        return path
    if found := _LINKS_OF_ONE.fullmatch(path):
        return f"/crm/v4/objects/{found[1]}"
    if found := _LINKS.fullmatch(path):
        return f"/crm/v4/associations{found[1] or ''}"
    if found := _CRM.fullmatch(path):
        return f"/crm/v3/{found[1]}{found[2] or ''}"
    if found := _SCHEMAS.fullmatch(path):
        rest = found[1] or ""
        return f"/crm-object-schemas/v3{rest if rest.startswith('/schemas') else f'/schemas{rest}'}"
    if found := _FIRST.fullmatch(path):
        return f"/{found[1]}/v3/{found[2]}{(found[3] or '').removeprefix('/')}"
    if found := _OAUTH.fullmatch(path):
        return f"/oauth/v1{found[1] or ''}"
    return path
