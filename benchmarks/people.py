"""The contacts everything is measured on: invented people with 10 built-in and 10 custom attributes.

Everything follows from a seed. Customs have known shares, so that filters of a wanted selectivity can be drawn: options
of `segment` hold 50, 10 and 1 % each, `rating` is uniform. Values are canonical already; what the engine makes of input
that is not is measured nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from crm.demo import Company, Size
from shared.eav.declare import AttributeDef, OptionDef

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BUILT_IN = (
    "email",
    "first_name",
    "last_name",
    "phone",
    "company",
    "job_title",
    "city",
    "country",
    "lifecycle_stage",
    "lead_status",
)
SEGMENTS = {50: ("half",), 10: ("tenth_1", "tenth_2", "tenth_3", "tenth_4"), 1: tuple(f"rare_{n}" for n in range(10))}
TIERS = ("basic", "silver", "gold", "platinum", "partner")
AGENTS = 200
SELECTIVITIES = (1, 10, 50)
ACTIVE_SHARE = 0.8
_SEGMENT_SHARES = [(name, share / 100) for share, names in SEGMENTS.items() for name in names]
_AGENT_SHARES = tuple(accumulate(1 / rank for rank in range(1, AGENTS + 1)))
_REMARKS = "met at the fair,asked for an offer,prefers phone,pays late,wants a demo,knows our partner".split(",")


def _choice(name: str, label: str, values: tuple[str, ...]) -> AttributeDef:
    return AttributeDef(name, label, "enumeration", options=tuple(OptionDef(one, one) for one in values))


CUSTOMS = (
    _choice("segment", "Segment", tuple(name for name, _ in _SEGMENT_SHARES)),
    _choice("tier", "Tier", TIERS),
    AttributeDef("agent", "Agent", "number"),
    AttributeDef("contract_value", "Contract value", "number"),
    AttributeDef("rating", "Rating", "number"),
    AttributeDef("renewal_on", "Renewal", "date"),
    AttributeDef("last_seen_at", "Last seen", "datetime"),
    AttributeDef("active", "Active", "boolean"),
    AttributeDef("account_code", "Account code"),
    AttributeDef("remark", "Remark"),
)
NAMES = BUILT_IN + tuple(one.name for one in CUSTOMS)


@dataclass(frozen=True, slots=True)
class People:
    """So many contacts of a seed."""

    count: int
    seed: int

    def __iter__(self) -> Iterator[dict[str, str]]:
        """Values by internal name; a missing value is absent."""
        rng = Random(self.seed)
        company = Company(self.seed, Size(50, max(1, self.count // 10), self.count), NOW)
        for number, story in enumerate(company.contacts()):
            final = story.final()
            values = {name: final[name] for name in BUILT_IN if name in final}
            yield values | customs(rng, number)


def customs(rng: Random, number: int) -> dict[str, str]:
    """The ten custom values of one contact, some of them missing."""
    values = {
        "segment": rng.choices([name for name, _ in _SEGMENT_SHARES], [share for _, share in _SEGMENT_SHARES])[0],
        "tier": rng.choice(TIERS),
        "contract_value": f"{rng.lognormvariate(9, 1.2):.2f}",
        "rating": f"{rng.random() * 100:.2f}",
        "last_seen_at": _instant(NOW - timedelta(seconds=rng.random() * 3 * 365 * 86400)),
        "active": "true" if rng.random() < ACTIVE_SHARE else "false",
        "account_code": f"Ac-{rng.randrange(10**6):06d}-{number:07d}",
    }
    if rng.random() < 0.7:
        values["agent"] = str(rng.choices(range(AGENTS), cum_weights=_AGENT_SHARES)[0])
    if rng.random() < 0.7:
        values["renewal_on"] = (NOW + timedelta(days=rng.randrange(-365, 730))).date().isoformat()
    if rng.random() < 0.7:
        values["remark"] = f"{rng.choice(_REMARKS)}, {rng.choice(_REMARKS)}"
    return values


def newcomer(rng: Random, mark: str) -> dict[str, Any]:
    """A contact that nobody has yet, all 20 values set; `mark` keeps its e-mail address apart."""
    values = customs(rng, rng.randrange(10**6))
    values |= {"agent": "7", "renewal_on": "2026-05-01", "remark": _REMARKS[0]}
    return values | {
        "email": f"newcomer.{mark}@new.example",
        "first_name": "Nora",
        "last_name": f"Newcomer {mark}",
        "phone": f"+4930{rng.randrange(10**7):07d}",
        "company": "Newcomer Works GmbH",
        "job_title": "Head of Newcomers",
        "city": "Berlin",
        "country": "Germany",
        "lifecycle_stage": "lead",
        "lead_status": "NEW",
    }


def window(rng: Random, share: float) -> tuple[str, str]:
    """A random range of `rating` that holds this share of all contacts."""
    low = rng.random() * (1 - share) * 100
    return f"{low:.2f}", f"{low + share * 100:.2f}"


def segment(rng: Random, selectivity: int) -> str:
    """An option of `segment` that this percentage of all contacts has."""
    return rng.choice(SEGMENTS[selectivity])


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
