"""What is united when deals are merged. Data only; everything else is won by one of them: the facts of its end by the
one whose stage is, for that is when it ended."""

from __future__ import annotations

from collections.abc import Mapping

from shared.service.merging import Gathering

GATHERINGS: Mapping[str, Gathering] = {"deal": Gathering("merged_ids", along={"stage": ("closes_at", "closed_at")})}
