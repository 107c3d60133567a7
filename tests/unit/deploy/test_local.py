"""The parts of the one-command run that need no running system."""

from __future__ import annotations

import configparser
import os
import pwd
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from deploy.local import postgres, redis
from deploy.local.account import Account, dropped_account, give
from deploy.local.databases import ServiceDatabase
from deploy.local.home import Home, check_reachable, open_home
from deploy.local.lock import hold, holder
from deploy.local.orphans import running, stop_orphans
from deploy.local.plan import service_names
from deploy.local.ports import free_port, is_free, obstacle, remembered_port
from deploy.local.programs import MARK, Program, Stack
from deploy.local.runner import config_text
from deploy.local.secrets import kept_secret
from deploy.local.settings import LocalSettings, local_settings
from deploy.local.trouble import Trouble
from deploy.local.waiting import wait_until
from deploy.services import ALL


@pytest.fixture
def root() -> Iterator[Path]:
    """A directory with a space in its name that other accounts can pass, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(prefix="crm home-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "token"
    secret = kept_secret(file, "crm_")
    assert secret.startswith("crm_")
    assert len(secret) == 68
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kept_secret(file) == secret


def test_a_port_is_remembered_until_somebody_takes_it(tmp_path: Path) -> None:
    memory = tmp_path / "ports.json"
    port = remembered_port(memory, "postgres")
    assert remembered_port(memory, "postgres") == port
    assert remembered_port(memory, "redis") != port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert not is_free(port)
        assert remembered_port(memory, "postgres") != port
    memory.write_bytes(b"{")
    assert remembered_port(memory, "postgres")


def test_obstacles_are_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert obstacle(taken.getsockname()[1], "127.0.0.1") == "is taken"
    assert "cannot be used on 192.0.2.1" in str(obstacle(free_port(), "192.0.2.1"))
    assert obstacle(free_port(), "0.0.0.0") is None


def test_the_services_are_those_with_a_manifest() -> None:
    assert set(service_names()) == {manifest.name for manifest in ALL}


def test_a_cluster_stays_with_its_owner(root: Path) -> None:
    cluster = root / "cluster"
    assert dropped_account(cluster) == dropped_account()
    cluster.mkdir()
    if os.geteuid() != 0:  # an ordinary user has no account to drop to
        assert dropped_account(cluster) is None
        return
    nobody = pwd.getpwnam("nobody")
    os.chown(cluster, nobody.pw_uid, nobody.pw_gid)
    assert dropped_account(cluster) == Account("nobody", nobody.pw_uid, nobody.pw_gid)


def test_one_run_per_home(root: Path) -> None:
    home = open_home(root, None)
    assert holder(home) is None
    with hold(home, "http://here"):
        found = holder(home)
        assert found is not None
        assert (found.pid, found.url) == (os.getpid(), "http://here")
        with pytest.raises(Trouble, match="already running at http://here"), hold(home, "http://there"):
            pass
    assert holder(home) is None


def test_a_home_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Trouble, match=r"CRM_HOME=.* cannot be used"):
        open_home(tmp_path / "file" / "home", None)


def test_a_home_out_of_the_database_accounts_reach_is_one_line(root: Path) -> None:
    (root / "closed").mkdir(mode=0o700)
    account = dropped_account()
    home = open_home(root / "closed" / "home", account)
    if account is None:  # an ordinary user's server runs as that user
        check_reachable(home, account)
        return
    with pytest.raises(Trouble, match="cannot enter"):
        check_reachable(home, account)


def test_a_long_home_keeps_its_socket_elsewhere(tmp_path: Path) -> None:
    assert Home(Path("/var/lib/crm")).socket == Path("/var/lib/crm/run/supervisor.sock")
    assert len(str(Home(tmp_path / ("x" * 120)).socket)) < 100


def test_wrong_settings_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eighty")
    with pytest.raises(Trouble, match="PORT"):
        local_settings()


@contextmanager
def _stubborn(**more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not end when it is asked to."""
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, env={**os.environ, **more}, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            process.kill()


def test_the_shells_own_names_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CRM_HOME", "CRM_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/root")
    monkeypatch.setenv("HOST", "example.com")
    settings = local_settings()
    assert settings.home.name == "tupelo"
    assert settings.host == "127.0.0.1"


def test_orphans_are_told_by_their_mark(root: Path) -> None:
    home = open_home(root, None)
    with _stubborn(**{MARK: str(root)}) as ours, _stubborn(CRM_HOME=str(root), **{MARK: "/elsewhere"}) as theirs:
        assert [process.pid for process in running(home)] == [ours.pid]
        assert stop_orphans(home, seconds=0.2) == 1
        assert ours.wait(10) is not None  # whose end psutil has seen first
        assert theirs.poll() is None


def test_a_dead_servers_note_does_not_stop_the_next(root: Path) -> None:
    home = open_home(root, None)
    note = home.postgres / "cluster" / "postmaster.pid"
    note.parent.mkdir()
    note.write_text(f"{os.getpid()}\n/somewhere\n")
    stop_orphans(home)
    assert not note.exists()


def _stack(home: Home, server: postgres.Server | None) -> Stack:
    settings = LocalSettings(PORT=8123)  # type: ignore[call-arg]
    databases = (ServiceDatabase("contacts", "crm_contacts", "p@ss"),)
    return Stack(settings, home, server, None, "postgresql://admin@127.0.0.1:1/postgres", "redis://r", databases, "t0k")


def test_the_configuration_survives_odd_paths_and_holds_no_secret() -> None:
    home = Home(Path("/tmp/100% odd; 'path'"))
    engine = postgres.Engine(Path("/opt/pg bin"), 18)
    server = postgres.Server(engine, home.postgres / "cluster", 15432, "geheim", None)
    text = config_text(home, _stack(home, server).programs())
    assert "geheim" not in text
    parsed = configparser.RawConfigParser(inline_comment_prefixes=(" ;", "\t;"))
    parsed.read_string(text)
    words = shlex.split(parsed["program:postgres"]["command"].replace("%%", "%"))
    assert words[:2] == ["env", "-i"]
    assert str(home.postgres / "cluster") in words
    assert parsed["program:postgres"]["autostart"] == "true"
    assert parsed["program:web"]["autostart"] == "false"


def test_every_process_gets_what_it_needs() -> None:
    environment = _stack(Home(Path("/h")), None).environment({"PATH": "/bin"})
    assert environment["CONTACTS_DATABASE_URL"] == "postgresql://crm_contacts:p%40ss@127.0.0.1:1/crm_contacts"
    assert environment["REDIS_URL"] == "redis://r"
    assert environment["PORT"] == "8123"
    assert environment["CRM_ADMIN_TOKEN_FILE"] == "/h/secrets/admin-token"
    assert environment["PATH"] == "/bin"


def test_given_servers_are_not_started() -> None:
    assert [one.name for one in _stack(Home(Path("/h")), None).programs()] == ["web", "bus", "worker", "scheduler"]
    assert Program("x", ("y",), 1).user == ""


def test_binaries_out_of_reach_are_copied_with_their_libraries(root: Path) -> None:
    account = dropped_account()
    give(root, account)
    found = postgres.find_engine(root, account)
    closed = root / "closed"
    closed.mkdir(mode=0o700)
    origin = found.bin.parents[1]
    shutil.copytree(origin, closed / origin.name, ignore=shutil.ignore_patterns("include"))
    shutil.copytree(f"{origin}.libs", closed / f"{origin.name}.libs")
    engine = postgres.Engine(closed / origin.name / "pginstall" / "bin", found.major, closed / origin.name, "1")
    copied = postgres._copy(engine, root)
    server = postgres.Server(copied, root / "cluster", free_port(), "secret", account)
    postgres.make_cluster(server)
    postgres.make_cluster(server)
    assert postgres.cluster_major(server.directory) == found.major
    with subprocess.Popen(
        server.command,
        cwd="/",
        stderr=subprocess.DEVNULL,
        env=postgres.clean_environment(),
        **(account.as_popen if account else {}),
    ) as process:
        assert wait_until(server.answers, 60)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url.replace("secret", "wrong"))
        process.terminate()


def test_a_cluster_wants_binaries_of_its_own_version(root: Path) -> None:
    with pytest.raises(Trouble, match="no PostgreSQL 9 server"):
        postgres.find_engine(root, None, major=9)


def test_redis_keeps_to_the_family_that_wrote_its_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = root / "bin"
    other.mkdir()
    (other / "redis-server").write_text("#!/bin/sh\n")
    (other / "redis-server").chmod(0o755)
    monkeypatch.setenv("PATH", f"{other}:{os.environ['PATH']}")
    assert redis.find_engine(root / "redis").kind == "redis"
    (root / "redis" / "valkey").mkdir(parents=True)
    assert redis.find_engine(root / "redis").kind == "valkey"
