"""What is united when tickets are merged. Data only; everything else is won by one of them."""

from __future__ import annotations

from collections.abc import Mapping

from shared.service.merging import Gathering

GATHERINGS: Mapping[str, Gathering] = {"ticket": Gathering("merged_ids", lists=("followers",))}
