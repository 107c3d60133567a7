"""Date-versioned paths."""

from __future__ import annotations

import pytest

from shared.service.web.dialect import rewrite


@pytest.mark.parametrize(
    ("dated", "plain"),
    [
        ("/crm/objects/2026-03/contacts", "/crm/v3/objects/contacts"),
        ("/crm/objects/2026-03/0-3/batch/read", "/crm/v3/objects/0-3/batch/read"),
        ("/crm/objects/2025-09/contacts/7", "/crm/v3/objects/contacts/7"),
        ("/crm/properties/2026-03/contacts/email", "/crm/v3/properties/contacts/email"),
        ("/crm/owners/2026-03", "/crm/v3/owners"),
        ("/crm/owners/2026-03/", "/crm/v3/owners/"),
        ("/crm/pipelines/2026-03/deals", "/crm/v3/pipelines/deals"),
        ("/crm/imports/2026-03", "/crm/v3/imports"),
        ("/crm/lists/2026-03/7", "/crm/v3/lists/7"),
        ("/crm/exports/2026-03/export/async", "/crm/v3/exports/export/async"),
        (
            "/crm/associations/2026-03/contacts/companies/batch/read",
            "/crm/v4/associations/contacts/companies/batch/read",
        ),
        ("/crm/objects/2026-03/contacts/7/associations/companies", "/crm/v4/objects/contacts/7/associations/companies"),
        (
            "/crm/objects/2026-03/contacts/7/associations/default/companies/9",
            "/crm/v4/objects/contacts/7/associations/default/companies/9",
        ),
        ("/crm-object-schemas/2026-03/schemas", "/crm-object-schemas/v3/schemas"),
        ("/crm-object-schemas/2026-03/schemas/car", "/crm-object-schemas/v3/schemas/car"),
        ("/crm-object-schemas/2026-03", "/crm-object-schemas/v3/schemas"),
        ("/account-info/2026-03/details", "/account-info/v3/details"),
        ("/settings/users/2026-03/7", "/settings/v3/users/7"),
        ("/settings/2026-03/users", "/settings/v3/users"),
        ("/webhooks/2026-03/7/settings", "/webhooks/v3/7/settings"),
        ("/files/2026-03/files", "/files/v3/files"),
        ("/marketing/emails/2026-03/7", "/marketing/v3/emails/7"),
        ("/oauth/2026-03/token", "/oauth/v1/token"),
    ],
)
def test_dates_become_versions(dated: str, plain: str) -> None:
    assert rewrite(dated) == plain


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/crm/v3/objects/contacts",
        "/crm/v3/objects/contacts/2026-03",
        "/crm/v3/objects/2026-03/7",
        "/crm/objects/2026-13/contacts",
        "/crm/objects/1999-03/contacts",
        "/crm/objects/2026-3/contacts",
        "/api/v1/objects/2026-03",
        "/crm/../2026-03/x",
    ],
)
def test_other_paths_stay(path: str) -> None:
    assert rewrite(path) == path
