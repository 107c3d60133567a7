"""A book of sales as files: who sells, what, to whom, and how far each opportunity has come; real where it lies beside
the project, a look-alike with the same columns and the same mistakes otherwise. And what follows from the files alone.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from tests.journeys.sales_files import DATA, SalesFile, accounts

Row = Mapping[str, str]
_TEAMS = (("Anna Snelling", "Dustin Brinkmann", "Central"), ("Moses Frase", "Dustin Brinkmann", "Central"),
          ("Hayden Neloms", "Celia Rouche", "West"), ("Donn Cantrell", "Rocco Neubert", "East"))  # fmt: skip
_PRODUCTS = (("GTX Basic", "GTX", 550), ("GTX Pro", "GTX", 4821), ("MG Special", "MG", 55), ("GTK 500", "GTK", 26768))
MISSPELT = {"GTXPro": "GTX Pro"}
WON, LOST, ENGAGING, PROSPECTING = "Won", "Lost", "Engaging", "Prospecting"


@dataclass(frozen=True)
class SalesBook:
    """The four files."""

    teams: SalesFile
    accounts: SalesFile
    products: SalesFile
    deals: SalesFile

    def won(self, key: Callable[[Row], str | None]) -> dict[str | None, tuple[int, Decimal]]:
        """Number and sum of what was won, by anything that follows from a row."""
        found: dict[str | None, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
        for row in self.deals.rows:
            if row["deal_stage"] == WON:
                number, total = found[key(row)]
                found[key(row)] = (number + 1, total + Decimal(row["close_value"]))
        return dict(found)

    def standing(self, stage: str) -> int:
        """How many opportunities have come so far."""
        return sum(row["deal_stage"] == stage for row in self.deals.rows)

    @property
    def offices(self) -> dict[str, str]:
        """Agent -> office."""
        return {row["sales_agent"]: row["regional_office"] for row in self.teams.rows}


def product(row: Row) -> str:
    """What a row is about, as the list of products spells it."""
    return MISSPELT.get(row["product"], row["product"])


def quarter(row: Row) -> str:
    """The first day of the quarter of a row's close date."""
    month, _, year = (int(part) for part in row["close_date"].split("/"))
    return date(year, (month - 1) // 3 * 3 + 1, 1).isoformat()


def sales_book(folder: Path) -> SalesBook:
    """The files: real, or look-alikes of 400 opportunities."""
    firms = accounts(folder)
    real = DATA / "crm_sales"
    if (real / "sales_pipeline.csv").exists():
        files = [real / name for name in ("sales_teams.csv", "products.csv", "sales_pipeline.csv")]
    else:
        teams = _written(folder / "sales_teams.csv", ("sales_agent", "manager", "regional_office"), _TEAMS)
        products = _written(folder / "products.csv", ("product", "series", "sales_price"), _PRODUCTS)
        header = ("opportunity_id", "sales_agent", "product", "account", "deal_stage", "engage_date", "close_date",
                  "close_value")  # fmt: skip
        deals = _written(folder / "sales_pipeline.csv", header, _deals([row["account"] for row in firms.rows]))
        files = [teams, products, deals]
    found = [SalesFile.read(path, real=firms.real) for path in files]
    return SalesBook(found[0], firms, found[1], found[2])


def _deals(firms: Sequence[str]) -> Iterable[Sequence[object]]:
    pick = random.Random(13)
    for number in range(400):
        stage = pick.choice((WON, WON, WON, LOST, LOST, ENGAGING, PROSPECTING))
        begun = date(2016, 11, 1) + timedelta(days=pick.randrange(300))
        closed = begun + timedelta(days=pick.randrange(1, 120))
        name, _, price = pick.choice(_PRODUCTS)
        yield (
            f"{number:08X}",
            pick.choice(_TEAMS)[0],
            name if name != "GTX Pro" else "GTXPro",
            pick.choice(firms) if number % 6 else "",
            stage,
            "" if stage == PROSPECTING else f"{begun:%m/%d/%Y}",
            f"{closed:%m/%d/%Y}" if stage in (WON, LOST) else "",
            round(price * pick.uniform(0.8, 1.2)) if stage == WON else 0 if stage == LOST else "",
        )


def _written(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path
