"""An invented company with its owners, customers and their history: the one generator of demo, tests and benchmarks.

Everything follows from seed, size and the instant `now`: the same three give the same stories, on every machine. All
answers are iterators and every story is made from its own index alone, so that a million contacts need no more memory
than ten. Values are text under internal attribute names, ready for the API. Nothing here talks to a system:
`crm.demo.fill` sends stories through the API, `crm.demo.files` writes them as CSV.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate, islice
from random import Random
from typing import NamedTuple

from crm.demo.deals import deal_story
from crm.demo.names import CULTURES, Culture
from crm.demo.story import Step, Story
from crm.demo.tickets import ticket_story
from crm.demo.words import firm_words, latin, native, phone, pick
from shared.kernel import clock

SPAN = timedelta(days=730)
STAGES = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist")
_STAGE_SHARES = tuple(accumulate((0.22, 0.30, 0.17, 0.11, 0.08, 0.10, 0.02)))
_STATUS = (
    ("NEW", "ATTEMPTED_TO_CONTACT"),
    ("NEW", "OPEN", "ATTEMPTED_TO_CONTACT", "BAD_TIMING"),
    ("OPEN", "IN_PROGRESS", "UNQUALIFIED"),
    ("IN_PROGRESS", "CONNECTED"),
    ("OPEN_DEAL",),
    ("CONNECTED",),
    ("CONNECTED",),
)
INDUSTRIES = (
    "COMPUTER_SOFTWARE",
    "MANUFACTURING",
    "LOGISTICS",
    "RETAIL",
    "HEALTH_CARE",
    "ENERGY",
    "EDUCATION",
    "CONSTRUCTION",
    "FOOD_BEVERAGES",
    "MEDIA",
    "FINANCIAL_SERVICES",
    "TEXTILES",
)
KINDS = ("PROSPECT", "PROSPECT", "PROSPECT", "PARTNER", "RESELLER", "VENDOR")
SCORE = {"label": "Score", "type": "number", "description": "How promising the contact is, 0 to 100."}


class Size(NamedTuple):
    """How many of each."""

    owners: int
    companies: int
    contacts: int
    deals: int = 0
    tickets: int = 0


SIZES = {
    "small": Size(10, 200, 2_000, 8_000, 2_000),
    "100k": Size(50, 10_000, 100_000, 20_000, 10_000),
    "1m": Size(200, 100_000, 1_000_000, 200_000, 100_000),
}


def domain_of(contact: Story) -> str:
    """The domain of the company that a contact works for."""
    return contact.key.rpartition("@")[2]


class _Firm(NamedTuple):
    culture: Culture
    name: str
    domain: str
    city: str


class Company:
    """The invented company. `size`: a key of SIZES, or three numbers; `now`: the end of all history (today, 00:00)."""

    def __init__(self, seed: int = 1, size: str | Size = "small", now: datetime | None = None) -> None:
        self.seed = seed
        self.size = SIZES[size] if isinstance(size, str) else size
        self.now = now or clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        if self.now.tzinfo is None:
            self.now = self.now.replace(tzinfo=UTC)
        self._firm = lru_cache(maxsize=8192)(self._make_firm)

    def owners(self) -> Iterator[Story]:
        """Who contacts and companies are assigned to."""
        for index, rng in self._dice(1, self.size.owners):
            culture = CULTURES[index % len(CULTURES)]
            given, family = pick(rng, culture.given), pick(rng, culture.family)
            email = f"{latin(given)}.{latin(family)}{index + 1}@sales.example"
            values = {"email": email, "first_name": native(given), "last_name": native(family)}
            yield Story("email", self.now - SPAN, values)

    def companies(self) -> Iterator[Story]:
        """The customers."""
        for index, rng in self._dice(2, self.size.companies):
            firm = self._firm(index)
            created = self._some_time(rng)
            employees = max(1, min(250_000, int(rng.lognormvariate(3.4, 1.7))))
            revenue = int(employees * rng.lognormvariate(11.4, 0.6)) // 1000 * 1000
            stage, steps = self._career(rng, created)
            values = {
                "name": firm.name,
                "domain": firm.domain,
                "website": f"https://www.{firm.domain}/",
                "phone": phone(rng, firm.culture),
                "city": firm.city,
                "country": firm.culture.country,
                "industry": pick(rng, INDUSTRIES),
                "type": pick(rng, KINDS),
                "number_of_employees": str(employees),
                "annual_revenue": str(revenue),
                "lifecycle_stage": stage,
            }
            yield Story("domain", created, values, steps, self._some_owner(rng))

    def contacts(self) -> Iterator[Story]:
        """The people at the customers: few customers have many, most have few."""
        for index, rng in self._dice(3, self.size.contacts):
            yield self._contact(index, rng)

    def deals(self) -> Iterator[Story]:
        """What is sold to them: one story per deal, from the first talk to its end, where it has one."""
        for index, rng in self._dice(4, self.size.deals if self.size.contacts else 0):
            yield deal_story(index, rng, self._somebody(rng.random()), self.now)

    def tickets(self) -> Iterator[Story]:
        """What they asked for help with: half of it by one contact in ten."""
        for index, rng in self._dice(5, self.size.tickets if self.size.contacts else 0):
            contact = self._somebody(rng.random() ** 3)
            yield ticket_story(index, self.seed, rng, contact, self.now)

    def _somebody(self, share: float) -> Story:
        """The contact so far along among all of them, from 0 to 1."""
        place = int(share * self.size.contacts)
        ((_, own),) = islice(self._dice(3, place + 1, place), 1)
        return self._contact(place, own)

    def _contact(self, index: int, rng: Random) -> Story:
        """One of them, from its own dice."""
        firm = self._firm(int(self.size.companies * rng.random() ** 1.7))
        culture = firm.culture if rng.random() < 0.85 else CULTURES[int(rng.random() * len(CULTURES))]
        given, family = pick(rng, culture.given), pick(rng, culture.family)
        created = self._some_time(rng)
        stage, steps = self._career(rng, created, score=True)
        values = {
            "email": f"{latin(given)}.{latin(family)}{index + 1}@{firm.domain}",
            "first_name": native(given),
            "last_name": native(family),
            "company": firm.name,
            "city": firm.city,
            "country": firm.culture.country,
            "website": f"https://www.{firm.domain}/",
            "lifecycle_stage": stage,
            "lead_status": pick(rng, _STATUS[STAGES.index(stage)]),
            "score": _score(rng, stage),
        }
        if rng.random() < 0.85:
            values["phone"] = phone(rng, firm.culture)
        if rng.random() < 0.9:
            values["job_title"] = pick(rng, culture.titles)
        return Story("email", created, values, steps, self._some_owner(rng))

    def _dice(self, kind: int, count: int, first: int = 0) -> Iterator[tuple[int, Random]]:
        """Index and dice of each story: one generator, seeded anew from the index alone."""
        rng = Random()  # noqa: S311 (invented people, not secrets)
        for index in range(first, count):
            rng.seed((self.seed << 72) | (kind << 64) | index)
            yield index, rng

    def _make_firm(self, index: int) -> _Firm:
        culture, first, second, legal, around = firm_words(index, self.seed)
        number = str(around + 1) if around else ""
        words = culture.joint.join(filter(None, (native(first), native(second), number)))
        name = f"{words}{culture.joint}{native(legal)}"
        domain = f"{latin(first)}-{latin(second)}{number}.{culture.code}.example"
        return _Firm(culture, name, domain, culture.cities[index % len(culture.cities)])

    def _some_time(self, rng: Random) -> datetime:
        """Growing business: more lately than two years ago."""
        return self._at((1 - rng.random() ** 1.6) * SPAN.total_seconds())

    def _at(self, seconds: float) -> datetime:
        return self.now - SPAN + timedelta(milliseconds=int(seconds * 1000))

    def _some_owner(self, rng: Random) -> int | None:
        place = int(rng.random() * self.size.owners * 1.12)
        return place if place < self.size.owners else None

    def _career(self, rng: Random, created: datetime, *, score: bool = False) -> tuple[str, tuple[Step, ...]]:
        """The first stage, and the later ones with the instants they were reached at."""
        last = min(bisect(_STAGE_SHARES, rng.random()), len(STAGES) - 1)
        first = int(last * rng.random() ** 1.5)
        left = (self.now - created).total_seconds()
        shares = sorted(rng.random() for _ in range(min(3, last - first)))
        rungs = range(last - len(shares) + 1, last + 1)
        begun = (created - self.now + SPAN).total_seconds()
        steps = []
        for rung, share in zip(rungs, shares, strict=True):
            at = self._at(begun + left * share)
            values = {"lifecycle_stage": STAGES[rung]}
            if STAGES[rung] == "customer":
                values["closed_at"] = clock.iso(at)
            if score:
                values |= {"lead_status": pick(rng, _STATUS[rung]), "score": _score(rng, STAGES[rung])}
            steps.append(Step(at, values))
        return STAGES[first], tuple(steps)


def _score(rng: Random, stage: str) -> str:
    """Points, to one decimal, rising with the stage."""
    points = 100 * rng.random() ** (2.4 - 0.3 * STAGES.index(stage))
    return f"{points:.1f}".removesuffix(".0")
