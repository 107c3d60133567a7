"""docker-compose.yml as processes: what each of them is told. Nothing is started here."""

from __future__ import annotations

import configparser
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local import nginx, plan, split
from deploy.local.home import Home
from deploy.local.plan import service_names
from deploy.local.programs import Program
from deploy.local.runner import config_text
from deploy.local.settings import local_settings
from deploy.local.split import SplitStack, make_split, scale_of
from deploy.local.trouble import Trouble


@contextmanager
def open_directory() -> Iterator[Path]:
    """Other accounts can pass it, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(prefix="crm split-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="module")
def made() -> Iterator[SplitStack]:
    """Everything decided, for two processes of contacts-web and no worker of reporting."""
    with pytest.MonkeyPatch.context() as patch, open_directory() as home:
        patch.setattr(nginx, "find_nginx", lambda: "/usr/sbin/nginx")
        patch.setattr(split, "_DEBIANS_POSTGRES", Path("/nowhere"))
        for name in ("DATABASE_URL", "REDIS_URL", "CRM_PUBLIC_URL"):
            patch.delenv(name, raising=False)
        settings = local_settings(home=home, port=8123)
        variables = {"CRM_WEB_WORKERS": "1", "POSTGRES_PASSWORD": "nobody's business"}
        yield make_split(settings, plan.make_home(settings), "contacts-web=2 reporting-worker=0", variables)


def test_there_is_a_process_per_service_and_role(made: SplitStack) -> None:
    wanted = {f"{service}-{role}" for service in service_names() for role in ("web", "worker", "bus")}
    names = {one.name for one in made.processes}
    assert names == wanted - {"reporting-worker"} | {"contacts-web-2", "front", "scheduler", "gateway"}
    assert made.prepare.command[1:] == ("-m", "deploy.processes", "prepare")


def test_names_of_containers_became_addresses(made: SplitStack) -> None:
    by_name = {one.name: one.environment for one in (*made.processes, made.prepare)}
    assert made.postgres is not None
    for environment in by_name.values():
        assert not re.search(r"[@/](postgres:5432|redis:6379|gateway:8080)", str(environment))
    assert by_name["prepare"]["DATABASE_URL"] == made.admin_url
    assert by_name["contacts-bus"]["REDIS_URL"] == made.redis_url
    assert by_name["contacts-bus"]["CRM_FRONT_URL"] == "http://127.0.0.1:8123"
    assert by_name["contacts-bus"]["CRM_WEB_WORKERS"] == "1"
    password = made.home.secrets / "database-contacts"
    place = f"@127.0.0.1:{made.postgres.port}/crm_contacts"
    assert by_name["contacts-web"]["CONTACTS_DATABASE_URL"].endswith(f":{password.read_text().strip()}{place}")
    assert by_name["contacts-web"]["PORT"] != by_name["contacts-web-2"]["PORT"]


def test_directories_of_containers_are_in_the_home(made: SplitStack) -> None:
    by_name = {one.name: one.environment for one in (*made.processes, made.prepare)}
    assert by_name["prepare"]["CRM_HOME"] == str(made.home.root)
    assert by_name["prepare"]["CRM_ADMIN_TOKEN_FILE"] == str(made.home.admin_token)
    assert by_name["contacts-web"]["CRM_HOME"] == f"{made.home.run}/contacts-web"
    assert by_name["contacts-web-2"]["PROMETHEUS_MULTIPROC_DIR"] == f"{made.home.run}/contacts-web-2/metrics"


def test_what_all_share_holds_no_setting(made: SplitStack) -> None:
    shared = made.environment({"PATH": "/bin", "CRM_SERVICE_TOKEN": "x", "AWS_SECRET": "y", "DATABASE_URL": "z"})
    assert set(shared) == {"PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "CRM_SUPERVISED"}


def test_nginx_finds_both_processes(made: SplitStack) -> None:
    by_name = {one.name: one.environment for one in made.processes}
    directory = made.home.root / "nginx"
    both = " ".join(
        f"server 127.0.0.1:{by_name[name]['PORT']} max_fails=0;" for name in ("contacts-web", "contacts-web-2")
    )
    assert f"upstream contacts-web {{ {both} }}" in (directory / "nginx.conf").read_text()
    text = (directory / "gateway.conf").read_text()
    assert "listen 127.0.0.1:8123;" in text
    assert ":8000;" not in text


def test_the_runner_hands_every_value_on(made: SplitStack) -> None:
    odd = {"A": "with 'quotes', commas, 100% and = signs", "B": 'with "others" inside', "C": ""}
    text = config_text(made.home, [Program("one", ("true",), 1, environment=odd)])
    parsed = configparser.RawConfigParser(inline_comment_prefixes=(" ;", "\t;"))
    parsed.read_string(text)
    datatypes = pytest.importorskip("supervisor.datatypes")
    assert datatypes.dict_of_key_value_pairs(parsed["program:one"]["environment"].replace("%%", "%")) == odd
    with pytest.raises(Trouble, match="D has characters"):
        config_text(made.home, [Program("one", ("true",), 1, environment={"D": "both ' and \""})])


def test_given_servers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://x")
    with pytest.raises(Trouble, match="servers of its own"):
        make_split(local_settings(home=tmp_path), Home(tmp_path), "", {})


@pytest.mark.parametrize("wrong", ["contacts-web", "contacts-web=two", "contacts=2", "prepare=2"])
def test_a_wrong_scale_is_one_line(wrong: str) -> None:
    names = ["contacts-web", "contacts-bus"]
    with pytest.raises(Trouble, match="the names are contacts-bus, contacts-web"):
        scale_of(wrong, names)
    assert scale_of("contacts-web=2  contacts-bus=0", names) == {"contacts-web": 2, "contacts-bus": 0}
