"""The library: books, whose number of pages is not negative. `python -m tests.journeys.stub.service migrate|bus`."""

from __future__ import annotations

import sys

from flask import Flask

from shared.kernel.config import Settings
from shared.kernel.telemetry import configure
from shared.service.app import build_app, migrate
from shared.service.bus_process import run_bus
from shared.service.manifest import Manifest
from shared.service.rules import PASS, Proposal, RuleSet, Verdict, on_text, refuse
from shared.service.schema import GroupDef, TypeDef, attribute, grouped, owner_attribute, system_attributes

_ABOUT = "bookinformation"
BOOK = TypeDef(
    name="book",
    plural="books",
    label="Book",
    plural_label="Books",
    groups=(GroupDef(_ABOUT, "Book information", 0),),
    attributes=(
        *system_attributes(_ABOUT),
        *grouped(
            _ABOUT,
            (
                attribute("isbn", "ISBN", unique=True, default=True),
                attribute("title", "Title", searchable=True, default=True),
                attribute("pages", "Pages", "number", default=True),
                owner_attribute(),
            ),
        ),
    ),
    primary_display="title",
    searchable=("title",),
    builtin=True,
)


def keep_pages_positive(proposal: Proposal) -> Verdict:
    """A book with fewer than no pages is refused."""
    pages = proposal.new.get("pages")
    if pages is None or pages >= 0:  # type: ignore[operator]
        return PASS
    return refuse("pages", "INVALID_INTEGER", "A book has no fewer than 0 pages.")


def without_dashes(isbn: str) -> str:
    """One spelling of an ISBN."""
    return isbn.replace("-", "").strip()


RULES = {"book": RuleSet(normalise={"isbn": on_text(without_dashes)}, check=(keep_pages_positive,))}
MANIFEST = Manifest(name="library", types=(BOOK,), rules=RULES)


def app() -> Flask:
    """For gunicorn, like the `run.py` of any service."""
    settings = Settings()
    configure(settings.log_level)
    return build_app(MANIFEST, settings)


if __name__ == "__main__":
    if sys.argv[1] == "migrate":
        migrate(MANIFEST, Settings())
    else:
        run_bus((MANIFEST,), Settings())
