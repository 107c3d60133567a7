"""nginx as a process of ours: find it, and the configuration around the one that `make compose` writes."""

from __future__ import annotations

import grp
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.local.account import Account, give
from deploy.local.programs import Program
from deploy.local.trouble import Trouble

_PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/bin:/bin:/sbin"
_MAIN = """\
daemon off;
{user}worker_processes 2;
pid "{directory}/nginx.pid";
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path "{directory}/body";
    proxy_temp_path "{directory}/proxy";
    fastcgi_temp_path "{directory}/fastcgi";
    uwsgi_temp_path "{directory}/uwsgi";
    scgi_temp_path "{directory}/scgi";
{upstreams}
    include "{directory}/gateway.conf";
{more}}}
"""


def find_nginx() -> str:
    """Its binary. Raises Trouble where there is none."""
    found = shutil.which("nginx") or shutil.which("nginx", path=_PATH)
    if found is None:
        raise Trouble("nginx was not found: install it (Debian: apt-get install nginx-light)")
    return found


def with_processes(gateway: str, groups: Mapping[str, Iterable[str]], listen: str) -> tuple[str, str]:
    """The container's configuration for processes of this machine: that file's text, and definitions to put before it.

    `groups`: host:port as the file names it -> where processes of ours answer instead.
    """
    upstreams = []
    for name, addresses in groups.items():
        group = name.partition(":")[0]
        gateway = re.sub(rf" {re.escape(name)};", f" {group};", gateway)
        # Who refused once may answer now: without max_fails=0 nobody would be asked again for ten seconds.
        servers = " ".join(f"server {address} max_fails=0;" for address in addresses)
        upstreams.append(f"    upstream {group} {{ {servers} }}")
    return re.sub(r"^    listen .*;$", f"    listen {listen};", gateway, flags=re.M), "\n".join(upstreams)


def prepare(directory: Path, gateway: str, upstreams: str, account: Account | None, more: str = "") -> None:
    """Write both files into the directory, which nginx's own processes have to reach: they run under the account."""
    directory.mkdir(mode=0o711, exist_ok=True)
    give(directory, account)
    (directory / "gateway.conf").write_text(gateway)
    user = f"user {account.name} {grp.getgrgid(account.gid).gr_name};\n" if account else ""
    text = _MAIN.format(directory=directory, upstreams=upstreams, user=user, more=more)
    (directory / "nginx.conf").write_text(text)


def command(binary: str, directory: Path) -> tuple[str, ...]:
    """The command that runs it in the foreground."""
    return (binary, "-c", str(directory / "nginx.conf"), "-p", str(directory), "-e", "stderr")


def program(binary: str, directory: Path, order: int) -> Program:
    """nginx writes over the memory by which orphans are told, so it ends with who runs it."""
    wrapped = (sys.executable, "-m", "deploy.parent", *command(binary, directory))
    return Program("gateway", wrapped, order, stop_signal="QUIT")
