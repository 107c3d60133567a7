"""The README of a service says what its manifest says. Each has the same sections, so that a machine can compare."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services import contacts, workspace
from services.contacts.schema import TYPES as CONTACTS
from services.workspace.schema import TYPES as WORKSPACE
from shared.contracts import event

SECTIONS = ["Owns", "Commands", "Queries", "Publishes", "Hears", "Promises"]
SERVICES = {"contacts": (contacts, CONTACTS), "workspace": (workspace, WORKSPACE)}
KINDS = {value for name, value in vars(event).items() if name.isupper() and isinstance(value, str)}

every_service = pytest.mark.parametrize("name", SERVICES)


def canvas(name: str) -> dict[str, list[str]]:
    """Section -> its bullets."""
    package = SERVICES[name][0]
    text = Path(package.__file__).with_name("README.md").read_text(encoding="utf-8")
    title, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    assert title.startswith(f"# {name}\n")
    found = {}
    for section in sections:
        heading, _, body = section.partition("\n")
        found[heading] = [line[2:] for line in body.splitlines() if line.startswith("- ")]
    return found


def words(bullets: list[str]) -> list[str]:
    """The backticked words before the colon of each bullet."""
    return [word for bullet in bullets for word in re.findall(r"`([^`]+)`", bullet.partition(": ")[0])]


@every_service
def test_a_canvas_has_all_sections_in_order(name: str):
    found = canvas(name)
    assert list(found) == SECTIONS
    assert all(found.values())


@every_service
def test_it_owns_what_the_schema_declares(name: str):
    assert words(canvas(name)["Owns"]) == [one.name for one in SERVICES[name][1]]


@every_service
def test_it_publishes_and_hears_known_kinds_of_events(name: str):
    assert set(words(canvas(name)["Publishes"])) <= KINDS
    assert set(words(canvas(name)["Hears"])) <= KINDS
