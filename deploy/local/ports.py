"""Free ports for the embedded servers, remembered for the next start. Not for the web port, which a person chooses."""

from __future__ import annotations

import errno
import secrets
import socket
from pathlib import Path

from deploy.local.trouble import Trouble
from shared.kernel import json

# Below the range from which Linux takes the local ports of outgoing connections: a server that is
# restarted must not find its port lent to somebody's connection.
_RANGE = range(15000, 30000)
_WHY = {errno.EADDRINUSE: "is taken", errno.EACCES: "is not for this account to use"}


def is_free(port: int) -> bool:
    """Whether a server could listen there on this machine now."""
    return obstacle(port, "127.0.0.1") is None


def obstacle(port: int, host: str) -> str | None:
    """Why no server of ours could listen there now; None when it could."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            return _WHY.get(error.errno or 0, f"cannot be used on {host} ({error.strerror})")
    return None


def free_port(avoid: frozenset[int] = frozenset()) -> int:
    """A random port nobody listens on; raises Trouble when hundreds of tries find none."""
    for _ in range(500):
        port = secrets.choice(_RANGE)
        if port not in avoid and is_free(port):
            return port
    raise Trouble(f"no free port found between {_RANGE.start} and {_RANGE.stop}")


def remembered_port(memory: Path, name: str) -> int:
    """The port of server `name` noted in the file `memory` when it is still free, else a new one, noted there."""
    known: dict[str, int] = {}
    if memory.exists():
        try:
            known = json.loads(memory.read_bytes())
        except json.JsonError:
            known = {}  # cut short by a kill: only comfort is lost
    port = known.get(name)
    if port is None or not is_free(port):
        known[name] = free_port(frozenset(known.values()))
        memory.write_bytes(json.dumps(known))
    return known[name]
