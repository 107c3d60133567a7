"""What clients ask about the account they talk to: `/account-info/v3/details`. One installation is one account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from shared.service.web.dialect import definition_models as models
from shared.service.web.errors import PORTAL_ID
from shared.service.web.operation import Operation, answer

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def details(service: Runtime) -> Response:
    """The account: times are UTC throughout; the currency is only a default for display."""
    return answer(
        {
            "portalId": PORTAL_ID,
            "accountType": "STANDARD",
            "timeZone": "UTC",
            "companyCurrency": "USD",
            "additionalCurrencies": [],
            "utcOffset": "+00:00",
            "utcOffsetMilliseconds": 0,
            "uiDomain": service.settings.base_url.partition("//")[2],
            "dataHostingLocation": "self-hosted",
        }
    )


OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/account-info/v3/details", "readAccount", "Read the account", details,
              response=models.Account, tag="Account"),
)  # fmt: skip
