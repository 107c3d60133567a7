"""What is united when contacts or companies are merged. Data only; everything else is won by one of them."""

from __future__ import annotations

from collections.abc import Mapping

from shared.service.merging import Gathering

GATHERINGS: Mapping[str, Gathering] = {
    "contact": Gathering("merged_ids", {"email": "additional_emails"}),
    "company": Gathering("merged_ids", {"domain": "additional_domains"}),
}
