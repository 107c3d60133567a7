"""What is united when deals are merged. Data only; everything else is won by one of them."""

from __future__ import annotations

from collections.abc import Mapping

from shared.service.merging import Gathering

GATHERINGS: Mapping[str, Gathering] = {"deal": Gathering("merged_ids")}
