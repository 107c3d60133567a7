"""The invented company as CSV files: what `crm demo --files DIR` writes, row by row, in flat memory.

Each type's file holds the values of today; `history.csv` holds what they were before, one line per change;
`employers.csv` says which company each contact works for, by domain. The contacts end with what real files have: the
first one a second time, a choice that nobody made, and an address that is none.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from crm.demo.company import Company, domain_of
from crm.demo.story import Story
from shared.kernel import clock

OWNER_COLUMNS = ("email", "first_name", "last_name")
COMPANY_COLUMNS = (
    "name",
    "domain",
    "website",
    "phone",
    "city",
    "country",
    "industry",
    "type",
    "number_of_employees",
    "annual_revenue",
    "lifecycle_stage",
    "closed_at",
)
CONTACT_COLUMNS = (
    "email",
    "first_name",
    "last_name",
    "phone",
    "company",
    "job_title",
    "city",
    "country",
    "website",
    "lifecycle_stage",
    "lead_status",
    "score",
    "closed_at",
)
DEAL_COLUMNS = (
    "name",
    "stage",
    "amount",
    "closes_at",
    "type",
    "priority",
    "lead_source",
    "lost_reason",
    "contact",
)
TICKET_COLUMNS = (
    "thread_id",
    "subject",
    "content",
    "pipeline",
    "stage",
    "priority",
    "category",
    "source",
    "resolution",
    "requester_email",
)
BLANK = "Select"
"""What some forms leave in a choice that nobody made."""
Report = Callable[[str], None]


def write_files(company: Company, folder: Path, wrote: Report = lambda _what: None) -> list[Path]:
    """Write a file per type, and the history; `wrote(type)` is called after each row. The paths, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    owners = [story.key for story in company.owners()]
    kinds: tuple[tuple[str, Sequence[str], Iterator[Story]], ...] = (
        ("owners", OWNER_COLUMNS, company.owners()),
        ("companies", (*COMPANY_COLUMNS, "owner", "created"), company.companies()),
        ("contacts", (*CONTACT_COLUMNS, "owner", "created"), company.contacts()),
        ("deals", (*DEAL_COLUMNS, "owner", "created"), company.deals()),
        ("tickets", (*TICKET_COLUMNS, "owner", "created"), company.tickets()),
    )
    with ExitStack() as opened:
        past = csv.writer(_file(opened, folder / "history.csv"))
        past.writerow(("file", "key", "at", "attribute", "value"))
        for name, columns, stories in kinds:
            present = csv.DictWriter(_file(opened, folder / f"{name}.csv"), columns, extrasaction="ignore")
            present.writeheader()
            for story in stories:
                owner = "" if story.owner is None else owners[story.owner]
                more = {"owner": owner, "created": clock.iso(story.created), "contact": story.contact}
                present.writerow({**story.final(), **more})
                past.writerows((name, *line) for line in _changes(story))
                wrote(name)
            if name == "contacts":
                present.writerows(_troubles(company))
        employers = csv.writer(_file(opened, folder / "employers.csv"))
        employers.writerow(("email", "domain"))
        employers.writerows((story.key, domain_of(story)) for story in company.contacts())
    return [folder / f"{name}.csv" for name in (*(one for one, _, _ in kinds), "history", "employers")]


def _troubles(company: Company) -> Iterator[dict[str, str]]:
    """A duplicate that changes one value, a row with a word that means nothing was chosen, and a row that is wrong."""
    first = next(company.contacts(), None)
    if first is None:
        return
    again = {**first.final(), "created": clock.iso(first.created)}
    yield {**again, "email": first.key.upper(), "job_title": "Head of everything"}
    for email, title in ((f"undecided@{domain_of(first)}", BLANK), ("nobody at nowhere", "")):
        yield {**again, "email": email, "job_title": title, "phone": "", "first_name": "Kim"}


def _file(opened: ExitStack, path: Path) -> TextIO:
    return opened.enter_context(path.open("w", encoding="utf-8", newline=""))


def _changes(story: Story) -> Iterator[tuple[str, str, str, str]]:
    """Every value that was set, with its instant; nothing for one that never changed."""
    changed = {name for step in story.steps for name in step.values}
    moments = [(story.created, story.values)] if changed else []
    for at, values in moments + [(step.at, step.values) for step in story.steps]:
        yield from ((story.key, clock.iso(at), name, value) for name, value in values.items() if name in changed)
