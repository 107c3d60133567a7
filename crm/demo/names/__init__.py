"""Words that invented people and companies are made of, by culture. Data only, written for this project."""

from __future__ import annotations

from crm.demo.names.culture import Culture
from crm.demo.names.latin import BRAZIL, FRANCE, GERMANY, SPAIN, TURKEY, UNITED_KINGDOM, UNITED_STATES
from crm.demo.names.other_scripts import CHINA, EGYPT, GREECE, JAPAN, KAZAKHSTAN

CULTURES = (
    UNITED_STATES,
    CHINA,
    GERMANY,
    JAPAN,
    UNITED_KINGDOM,
    FRANCE,
    TURKEY,
    EGYPT,
    BRAZIL,
    SPAIN,
    KAZAKHSTAN,
    GREECE,
)

__all__ = ["CULTURES", "Culture"]
