"""HTTP operations that only this service has."""

from __future__ import annotations

from services.opportunities.api.conversion import OPERATIONS as CONVERSION
from services.opportunities.api.forecast import OPERATIONS as FORECAST
from services.opportunities.api.rates import OPERATIONS as RATES
from shared.service.web.operation import Operation

OPERATIONS: tuple[Operation, ...] = (*RATES, *FORECAST, *CONVERSION)
