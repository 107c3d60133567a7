"""The services of this installation, in the order in which they are migrated."""

from __future__ import annotations

from services.contacts.manifest import MANIFEST as CONTACTS
from services.opportunities.manifest import MANIFEST as OPPORTUNITIES
from services.reporting.manifest import MANIFEST as REPORTING
from services.service_desk.manifest import MANIFEST as SERVICE_DESK
from services.workspace.manifest import MANIFEST as WORKSPACE

ALL = (WORKSPACE, CONTACTS, OPPORTUNITIES, SERVICE_DESK, REPORTING)
