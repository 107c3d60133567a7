"""The kept process runner (supervisord): its configuration, its start, and talking to it.

It restarts what dies, with growing pauses, and stops everything in the reverse order. Secrets travel in the
environment; those of programs with an environment of their own stand in its configuration, which nobody else may read.
"""

from __future__ import annotations

import os
import pwd
import shlex
import signal
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from supervisor.xmlrpc import SupervisorTransport

from deploy.local.home import Home
from deploy.local.programs import PROJECT, Program
from deploy.local.trouble import Trouble
from deploy.parent import end_with_parent

_STOP_SECONDS = 90

_HEAD = """\
[supervisord]
nodaemon=true
silent=true
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile={run}/supervisord.pid
childlogdir={logs}
{user}
[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

_PROGRAM = """
[program:{name}]
command={command}
directory={directory}
priority={order}
autostart={first}
autorestart=true
startsecs=2
startretries=1000
stopsignal={signal}
stopwaitsecs={seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
{user}
{environment}"""


def config_text(home: Home, programs: Iterable[Program]) -> str:
    """The configuration file."""
    logs, run, socket = _escaped(home.logs), _escaped(home.run), _escaped(home.socket)
    # Said aloud, because the runner warns of root otherwise.
    user = f"user={pwd.getpwuid(0).pw_name}" if os.geteuid() == 0 else ""
    parts = [_HEAD.format(logs=logs, run=run, socket=socket, user=user)]
    for program in programs:
        parts.append(
            _PROGRAM.format(
                name=program.name,
                command=_escaped(shlex.join(program.command)),
                directory=_escaped(PROJECT),
                order=program.order,
                first="true" if program.first else "false",
                signal=program.stop_signal,
                seconds=program.stop_seconds,
                logs=logs,
                user=f"user={program.user}" if program.user else "",
                environment=_environment(program.environment),
            )
        )
    return "".join(parts)


def _environment(environment: Mapping[str, str]) -> str:
    pairs = ",".join(f"{name}={_quoted(name, value)}" for name, value in environment.items())
    return f"environment={pairs}\n" if pairs else ""


def _quoted(name: str, value: str) -> str:
    """The runner knows two kinds of quotes, and none inside its own. Raises Trouble naming the variable."""
    mark = "'" if '"' in value else '"'
    if mark in value or "\n" in value or value.endswith(("'", '"')):
        raise Trouble(
            f"{name} has characters that the process runner cannot hand on: both kinds of quotes, or one at its end"
        )
    return f"{mark}{_escaped(value)}{mark}"


def _escaped(text: str | Path) -> str:
    return str(text).replace("%", "%%")


@dataclass(frozen=True, slots=True)
class Runner:
    """A running supervisord that we started."""

    process: subprocess.Popen[bytes]
    home: Home
    services: tuple[str, ...] = ()

    def died(self) -> bool:
        """Whether it ended."""
        return self.process.poll() is not None

    def stop(self) -> None:
        """Stop everything and wait for it, the servers last and in order; by force after a generous time."""
        with suppress(OSError, xmlrpc.client.Error):
            for name in self.services:  # all at once: the runner would wait for each of them in turn
                with suppress(xmlrpc.client.Fault):
                    ask(self.home, "stopProcess", name, False)
        if not self.died():
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_runner(home: Home, programs: Iterable[Program], environment: Mapping[str, str]) -> Runner:
    """Start it in a session of its own: Ctrl-C reaches us alone, and we stop it in order."""
    programs = tuple(programs)
    config = home.run / "supervisord.conf"
    config.touch(mode=0o600)
    config.write_text(config_text(home, programs))
    home.socket.unlink(missing_ok=True)
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(config)]
    with (home.logs / "runner.log").open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own words
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=PROJECT,
            env=dict(environment),
            start_new_session=True,
            preexec_fn=partial(end_with_parent, signal.SIGTERM),
        )
    return Runner(process, home, tuple(program.name for program in programs if not program.first))


def ask(home: Home, method: str, *arguments: Any) -> Any:
    """Call the runner's `supervisor.<method>`. Raises OSError when nobody listens, xmlrpc.client.Fault on a refusal."""
    transport = SupervisorTransport(None, None, f"unix://{home.socket}")
    try:
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=cast(Any, transport))
        return getattr(cast(Any, proxy).supervisor, method)(*arguments)
    finally:
        transport.close()


def states(home: Home) -> list[dict[str, Any]]:
    """Name, state and pid of each process; empty when the runner does not answer."""
    try:
        found = ask(home, "getAllProcessInfo")
    except (OSError, xmlrpc.client.Error):
        return []
    return [{"name": one["name"], "state": one["statename"], "pid": one["pid"]} for one in found]


def answers(home: Home) -> bool:
    """Whether the runner can be talked to."""
    try:
        return bool(ask(home, "getState")["statename"] == "RUNNING")
    except (OSError, xmlrpc.client.Error):
        return False
