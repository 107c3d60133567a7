"""Files to import: real ones where they lie beside the project, look-alikes otherwise; and what must come of them.

Real: `../shared/data/leads.csv` (9,240 leads, 37 columns) and `../shared/data/crm_sales/accounts.csv` (85 companies,
some with a parent). A look-alike has the same columns, the same odd words and blanks, and fewer rows.
"""

from __future__ import annotations

import csv
import random
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from shared.eav.folding import fold

DATA = Path(__file__).parents[3] / "shared" / "data"
BLANKS = frozenset({"", "select"})
_YES_NO = ("No", "No", "No", "Yes")
_LEADS: Mapping[str, tuple[str, ...]] = {
    "Lead Origin": ("API", "Landing Page Submission", "Lead Add Form"),
    "Lead Source": ("Google", "google", "Direct Traffic", "Olark Chat", "", "Pay per Click Ads"),
    "Do Not Email": _YES_NO,
    "Converted": ("0", "0", "1"),
    "TotalVisits": ("", "0", "1", "2", "3.0", "17"),
    "Page Views Per Visit": ("0", "2", "2.5", "1.33", ""),
    "Last Activity": ("Email Opened", "SMS Sent", "Olark Chat Conversation"),
    "Country": ("India", "India", "", "United States"),
    "Specialization": ("Select", "", "Finance Management", "Media and Advertising"),
    "Lead Quality": ("", "Might be", "Not Sure"),
    "City": ("Mumbai", "Select", "", "Thane & Outskirts"),
    "Asymmetrique Activity Index": ("", "02.Medium", "01.High"),
    "Asymmetrique Activity Score": ("", "14", "15", "13"),
    "A free copy of Mastering The Interview": _YES_NO,
}
_PARENTS = ("Acme Corporation", "Sonron", "Golddex")
_SECTORS = ("medical", "retail", "technolgy", "software")


@dataclass(frozen=True)
class SalesFile:
    """A file and its rows; `real` unless it is a look-alike."""

    path: Path
    rows: tuple[Mapping[str, str], ...]
    real: bool

    @classmethod
    def read(cls, path: Path, *, real: bool) -> SalesFile:
        """The file with its rows."""
        with path.open(encoding="utf-8-sig", newline="") as file:
            return cls(path, tuple(csv.DictReader(file)), real)

    def blanks(self, column: str) -> int:
        """Rows without a value there."""
        return sum(_blank(row[column]) for row in self.rows)

    def frequent(self, column: str, most: int = 3) -> list[str]:
        """The most frequent cells that say something, and the rarest."""
        counted = [text for text, _ in Counter(row[column] for row in self.rows).most_common() if not _blank(text)]
        return list(dict.fromkeys((*counted[:most], *counted[-1:])))

    def holding(self, column: str, text: str, kind: str) -> int:
        """Rows whose value equals this one, in the way of an attribute of that kind."""
        same = _SAME.get(kind, fold)
        wanted = same(text)
        return sum(not _blank(row[column]) and same(row[column]) == wanted for row in self.rows)

    def above(self, column: str, least: Decimal) -> int:
        """Rows with a greater number."""
        return sum(not _blank(row[column]) and Decimal(row[column]) > least for row in self.rows)


_SAME = {
    "enumeration": lambda text: text,
    "number": Decimal,
    "boolean": lambda text: text.strip().lower() in ("yes", "true", "1"),
}


def _blank(text: str) -> bool:
    return text.strip().lower() in BLANKS


def leads(folder: Path) -> SalesFile:
    """The leads: real, or 700 look-alikes written into the folder."""
    real = DATA / "leads.csv"
    if real.exists():
        return SalesFile.read(real, real=True)
    pick = random.Random(11)
    path = folder / "leads.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("Prospect ID", "Lead Number", *_LEADS))
        for number in range(700):
            ident = uuid.UUID(int=pick.getrandbits(128))
            writer.writerow((ident, 660_000 - number, *(pick.choice(choices) for choices in _LEADS.values())))
    return SalesFile.read(path, real=False)


def accounts(folder: Path) -> SalesFile:
    """The companies: real, or 60 look-alikes of which some name a parent that stands further down."""
    real = DATA / "crm_sales" / "accounts.csv"
    if real.exists():
        return SalesFile.read(real, real=True)
    pick = random.Random(12)
    path = folder / "accounts.csv"
    names = [f"Firm {number}" for number in range(60 - len(_PARENTS))] + list(_PARENTS)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        header = ("account", "sector", "year_established", "revenue", "employees", "office_location", "subsidiary_of")
        writer.writerow(header)
        for number, name in enumerate(names):
            parent = _PARENTS[number % 3] if number % 4 == 0 and name not in _PARENTS else ""
            row = (name, pick.choice(_SECTORS), pick.randint(1979, 2017), f"{pick.random() * 5000:.2f}")
            writer.writerow((*row, pick.randint(9, 34_000), pick.choice(("Kenya", "United States", "")), parent))
    return SalesFile.read(path, real=False)
