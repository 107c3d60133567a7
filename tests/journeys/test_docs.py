"""What the documentation says is what happens: its pages, commands and examples are executed against a running system.

CRM_DOCS_WRITE=1 brings the answers that pages show up to date instead of failing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from deploy.local.ports import free_port
from deploy.local.settings import LocalSettings
from tests.contract.serving import System, served
from tests.journeys.pages import ADDRESS, ALONE, PROJECT, Page
from tests.journeys.requests_file import parse

DOCS = PROJECT / "docs"
EXAMPLES = DOCS / "examples"
PAGES = (PROJECT / "README.md", *sorted(DOCS.rglob("*.md")))
SERVICE_TOKEN = "crm_services_" + "0" * 51


@pytest.fixture(scope="module")
def system(tmp_path_factory, new_database, new_redis) -> Iterator[System]:
    """The whole system, with its secrets where `make up` keeps them."""
    home = tmp_path_factory.mktemp("docs")
    with served(home, new_database, new_redis()) as running:
        for name in ("worker", "scheduler"):
            running.begin(name)
        (home / "secrets").mkdir(exist_ok=True)
        (home / "secrets" / "admin-token").write_text(running.token)
        (home / "secrets" / "service-token").write_text(SERVICE_TOKEN)
        yield running


@pytest.fixture(scope="module")
def environment(system: System) -> Mapping[str, str]:
    """What somebody who has typed `make up` has, with the project's programs first on the path."""
    return {
        "CRM_HOME": str(system.log.parent),
        "CRM_URL": system.url,
        "PORT": system.url.rpartition(":")[2],
        "COLUMNS": "200",  # tables as wide as they are, wherever the tests run
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


@pytest.fixture(scope="module")
def places(system: System) -> Mapping[str, str]:
    return {ADDRESS: system.url.removeprefix("http://")}


def test_the_readme(environment: Mapping[str, str], places: Mapping[str, str]):
    page = Page(PROJECT / "README.md", environment, places)
    programs = [one.text for one in page.blocks if one.language == "python"]
    assert programs == [(EXAMPLES / "sdk.py").read_text(encoding="utf-8")]
    page.check()


@pytest.mark.parametrize(
    "name",
    [
        "add-an-attribute",
        "add-an-entity-type",
        "define-a-metric",
        "import-a-file",
        "see-what-happened",
        "keep-promises",
        "automate-the-desk",
        "give-work-out",
        "lead-deals-to-a-forecast",
    ],
)
def test_a_how_to(name: str, environment: Mapping[str, str], places: Mapping[str, str]):
    Page(DOCS / "how-to" / f"{name}.md", environment, places).check()


def test_a_new_service(
    environment: Mapping[str, str], places: Mapping[str, str], system: System, tmp_path: Path, new_database
):
    """In a copy of the sources, as a process of its own beside the running system."""
    for part in ("crm", "deploy", "services", "shared"):
        shutil.copytree(PROJECT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    surroundings = {**environment, "PYTHONPATH": str(tmp_path), "FLEET_DATABASE_URL": new_database()}
    everywhere = {**places, ALONE: str(free_port())}
    Page(DOCS / "how-to" / "add-a-service.md", surroundings, everywhere, tmp_path).check()


def test_requests_of_the_http_file(system: System):
    requests = parse(EXAMPLES / "quickstart.http", {"url": system.url, "token": system.token})
    assert len(requests) == 8
    with httpx.Client(trust_env=False, timeout=30) as client:
        for one in requests:
            answer = client.request(one.method, one.url, headers=one.headers, content=one.body or None)
            assert answer.status_code == one.status, f"{one.title}: {answer.text}"


@pytest.mark.parametrize("name", ["quickstart.sh", "quickstart.py", "sdk.py"])
def test_an_example_twice(name: str, environment: Mapping[str, str], system: System):
    """Twice, since each says that it tidies up behind itself."""
    command = [sys.executable] if name.endswith(".py") else ["sh"]
    printed = []
    for _ in range(2):
        done = subprocess.run(
            [*command, str(EXAMPLES / name)],
            env={**os.environ, **environment, "CRM_TOKEN": system.token},
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        printed.append(done.stdout)
    if name.endswith(".py"):
        assert printed[0] == printed[1]
    else:
        statuses = [re.findall(r"^(\d{3})$", text, re.M) for text in printed]
        assert statuses == [["201", "201", "200", "200", "409", "204", "204"]] * 2


def test_every_setting_is_in_the_table_of_settings():
    text = (DOCS / "operations.md").read_text(encoding="utf-8").partition("## Settings")[2]
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.+?) \|", text, re.M))
    elsewhere = {"<SERVICE>_DATABASE_URL", "CRM_WEB_WORKERS", "CRM_WEB_THREADS", "CRM_URL", "CRM_TOKEN"}
    fields = {str(field.validation_alias): field for field in LocalSettings.model_fields.values()}
    assert rows.keys() == fields.keys() | elsewhere
    for name, field in fields.items():
        if isinstance(field.default, str | int | float):
            assert rows[name] == f"`{field.default}`"
    config = (PROJECT / "deploy" / "gunicorn.conf.py").read_text(encoding="utf-8")
    for name in ("CRM_WEB_WORKERS", "CRM_WEB_THREADS"):
        assert f'"{name}", "{rows[name].strip("`")}"' in config


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path):
    text = page.read_text(encoding="utf-8")
    lost = []
    for target in re.findall(r"\]\((?!https?://|#)([^)#]*)(?:#[^)]*)?\)", text):
        if not (page.parent / target).exists():
            lost.append(target)
    assert not lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_named_files_exist(page: Path):
    """Paths in backticks that look like this repository's."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    named = re.findall(r"`((?:shared|services|deploy|crm|tests|docs|benchmarks)/[\w/.-]+)`", text)
    assert [one for one in named if not (PROJECT / one).exists()] == []


def test_pictures_are_small_and_fetch_nothing():
    pictures = sorted((DOCS / "pictures").glob("crm-*.svg"))
    assert [one.stem for one in pictures] == ["crm-attributes", "crm-find", "crm-import", "crm-show", "crm-status"]
    for one in pictures:
        text = one.read_text(encoding="utf-8")
        assert len(text.encode()) < 100_000
        assert "url(http" not in text
