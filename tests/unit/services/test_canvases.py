"""The README of a service says what its manifest says. Each has the same sections, so that a machine can compare."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from deploy.services import ALL
from shared.contracts import event, imports
from shared.kernel.config import Settings
from shared.service.manifest import Manifest
from shared.service.subscriptions import subscriptions

SECTIONS = ["Owns", "Commands", "Queries", "Publishes", "Hears", "Promises"]
# What the kit gives to every service.
COMMANDS = ["create", "update", "upsert", "archive", "restore"]
QUERIES = ["read", "list", "query"]
PUBLISHED = {event.CREATED, event.UPDATED, event.ARCHIVED, event.RESTORED, event.CATALOG_ATTRIBUTE, event.CATALOG_GROUP}
REPORTED = {imports.CHUNK, imports.FINISHED}
KINDS = (
    REPORTED
    | {imports.JOB}
    | {value for name, value in vars(event).items() if name.isupper() and isinstance(value, str)}
)

every_service = pytest.mark.parametrize("manifest", ALL, ids=lambda one: one.name)


def canvas(manifest: Manifest) -> dict[str, list[str]]:
    """Section -> its bullets."""
    package = importlib.import_module(f"services.{manifest.name}")
    text = Path(str(package.__file__)).with_name("README.md").read_text(encoding="utf-8")
    title, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    assert title.startswith(f"# {manifest.name}\n")
    found = {}
    for section in sections:
        heading, _, body = section.partition("\n")
        found[heading] = [line[2:] for line in body.splitlines() if line.startswith("- ")]
    return found


def words(bullets: list[str]) -> list[str]:
    """The backticked words before the colon of each bullet."""
    return [word for bullet in bullets for word in re.findall(r"`([^`]+)`", bullet.partition(": ")[0])]


def own_operations(manifest: Manifest, *, reading: bool) -> list[str]:
    """Names of the service's own native operations; those of the wire dialect are other spellings of the kit's."""
    beginnings = ("/api/v1/", f"/{manifest.name}/v1/")
    own = [one for one in manifest.operations if one.path.startswith(beginnings)]
    names = [one.name for one in own if (one.method == "GET" or one.read_only) == reading]
    return [re.sub(r"[A-Z]", lambda hit: f"_{hit[0].lower()}", name) for name in names]


@every_service
def test_a_canvas_has_all_sections_in_order(manifest: Manifest):
    found = canvas(manifest)
    assert list(found) == SECTIONS
    assert all(found.values())


@every_service
def test_it_owns_what_the_manifest_declares(manifest: Manifest):
    assert words(canvas(manifest)["Owns"]) == [one.name for one in manifest.types]


@every_service
def test_its_commands_and_queries_are_the_kits_and_its_own(manifest: Manifest):
    found = canvas(manifest)
    commands, queries = (COMMANDS, QUERIES) if manifest.types else ([], [])
    assert sorted(words(found["Commands"])) == sorted([*commands, *own_operations(manifest, reading=False)])
    assert sorted(words(found["Queries"])) == sorted([*queries, *own_operations(manifest, reading=True)])


@every_service
def test_it_publishes_what_it_can(manifest: Manifest):
    expected = set(PUBLISHED) if manifest.types else set()
    if manifest.types:
        expected |= {event.LINK, *REPORTED}
    if manifest.custom_types or manifest.pipelines:
        expected |= {event.CATALOG_PIPELINE, event.STAGE_VISIT}
    if any(one.name == "ticket" for one in manifest.types):
        expected |= {event.SLA_REACHED, event.DESK_NOTICE, event.DESK_SIGNAL}
    if any(one.name == "task" for one in manifest.types):
        expected.add(event.REMINDER)
    if manifest.custom_types:
        expected.add(event.CATALOG_TYPE)
    if manifest.owns_tokens:
        expected |= {event.TOKEN, event.CATALOG_RELATION, imports.JOB}
    assert set(words(canvas(manifest)["Publishes"])) == expected


@every_service
def test_it_hears_what_it_follows(manifest: Manifest):
    bullets = canvas(manifest)["Hears"]
    followed = subscriptions(manifest, Settings())
    assert set(words(bullets)) <= KINDS | {kind.partition(".")[0] for kind in KINDS}
    assert (bullets == ["nothing"]) == (not followed)
    for one in followed:
        told = [bullet for bullet in bullets if f"of {one.source}" in bullet]
        assert all(any(re.search(rf"\b{name}s?\b", bullet) for bullet in told) for name in one.types or ()), one.name
