"""The walls stand, and each of them was seen to fall: a wall that cannot fail holds nothing."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGES = ("crm", "deploy", "services", "shared")
CONFIG = ".importlinter"

# (contract, module to add, what it imports): the sin that the contract is there for.
SINS = (
    ("floors", "shared/kernel/sin.py", "import shared.eav.declare"),
    ("floors", "shared/contracts/sin.py", "import shared.bus.outbox"),
    ("floors", "shared/eav/sin.py", "import shared.bus.outbox"),
    ("floors", "shared/bus/sin.py", "import shared.eav.declare"),
    ("floors", "shared/service/sin.py", "import services.contacts"),
    ("floors", "services/contacts/sin.py", "import deploy.routes"),
    ("floors", "crm/sin.py", "import deploy.routes"),
    ("floors", "deploy/sin.py", "import crm.api"),
    ("rooms-of-shared", "shared/attic.py", "import shared.kernel.clock"),
    ("services-apart", "services/contacts/sin.py", "import services.workspace.rules"),
    ("services-apart", "services/workspace/sin.py", "import services.contacts.domain.email"),
    ("services-through-the-kit", "services/contacts/sin.py", "import shared.eav.declare"),
    ("services-through-the-kit", "services/workspace/sin.py", "import shared.bus.outbox"),
    ("pure-domain", "services/contacts/domain/sin.py", "import shared.kernel.errors"),
    ("pure-domain", "services/contacts/domain/sin.py", "import phonenumbers"),
    ("pure-domain", "services/contacts/domain/sin.py", "import services.contacts.rules"),
    ("engine-alone", "shared/eav/sin.py", "import flask"),
    ("engine-alone", "shared/eav/sin.py", "import shared.contracts.event"),
    ("log-without-brokers", "shared/bus/sin.py", "import celery"),
    ("thin-doors", "shared/service/web/sin.py", "import shared.eav.query.page"),
    ("thin-doors", "shared/service/web/dialect/sin.py", "import sqlalchemy"),
    ("thin-doors", "services/contacts/sin.py", "import shared.eav.store.write"),
    ("nothing-imports-the-app", "shared/service/web/sin.py", "import shared.service.app"),
    ("no-circles", "shared/kernel/clock.py", "import shared.kernel.context"),
)


def walls() -> list[str]:
    """The names of all contracts."""
    config = configparser.ConfigParser()
    config.read(PROJECT / CONFIG, encoding="utf-8")
    return [name.removeprefix("importlinter:contract:") for name in config.sections() if ":contract:" in name]


def lint(directory: Path, *contracts: str) -> tuple[bool, str]:
    """Whether the contracts (all, when none is named) are kept there, and what import-linter said."""
    limits = [part for one in contracts for part in ("--contract", one)]
    program = "import sys; from importlinter.cli import lint_imports_command as run; run()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--config", CONFIG, *limits],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    kept, broken = (int(number) for number in re.search(r"(\d+) kept, (\d+) broken", said).groups())
    assert (done.returncode == 0) == (broken == 0)
    assert kept + broken == len(contracts or walls()), said
    return not broken, said


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the code, to sin in."""
    shutil.copy(PROJECT / CONFIG, tmp_path)
    for package in (*PACKAGES, "tests/architecture"):
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests" / "__init__.py").touch()
    return tmp_path


def test_every_wall_stands():
    kept, said = lint(PROJECT)
    assert kept, said


def test_every_wall_has_a_sin():
    assert {contract for contract, _path, _source in SINS} == set(walls())


@pytest.mark.parametrize(("contract", "path", "source"), SINS, ids=lambda one: one.replace("/", "."))
def test_a_sin_breaks_its_wall(house: Path, contract: str, path: str, source: str):
    module = house / path
    before = module.read_text(encoding="utf-8") if module.exists() else '"""Added by a test."""\n'
    module.write_text(f"{before}\n{source}\n", encoding="utf-8")
    kept, said = lint(house, contract)
    assert not kept, said


def test_floors_and_services_stay_apart_in_types_too(house: Path):
    config = house / CONFIG
    text = config.read_text(encoding="utf-8")
    counted = text.replace("exclude_type_checking_imports = True", "exclude_type_checking_imports = False")
    assert counted != text
    config.write_text(counted, encoding="utf-8")
    kept, said = lint(house, "floors", "services-apart", "services-through-the-kit", "pure-domain", "engine-alone")
    assert kept, said
