"""A small load generator: one thread, raw sockets, epoll; requests are bytes made beforehand.

It costs some tens of microseconds of CPU per request whatever the server is, so that on two shared cores it takes the
same from everybody. Connections are kept alive; each has one request under way. Not for anything but HTTP/1.1 answers
with a Content-Length.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass
class Outcome:
    """What one or several runs gave. `seconds` is wall time, `latencies` are in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    bad: int = 0
    first_bad: bytes = b""
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Good answers per second."""
        return (len(self.latencies) - self.bad) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """A latency in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else 0.0

    def add(self, other: Outcome) -> None:
        """Take another run's figures in."""
        self.seconds += other.seconds
        self.latencies += other.latencies
        self.bad += other.bad
        self.first_bad = self.first_bad or other.first_bad
        self.cpu += other.cpu


class _Line:
    """One connection and the request under way."""

    __slots__ = ("buffer", "needed", "sock", "source", "started")

    def __init__(self, address: tuple[str, int], source: Iterator[bytes] | None = None) -> None:
        self.source = source or iter(())
        self.sock = socket.create_connection(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.buffer = bytearray()
        self.needed = 0
        self.started = 0.0

    def send(self, request: bytes) -> None:
        self.buffer.clear()
        self.needed = 0
        self.started = time.perf_counter()
        sent = self.sock.send(request)
        if sent < len(request):  # larger than the socket's buffer: the rest waits for room
            self.sock.setblocking(True)
            self.sock.sendall(request[sent:])
            self.sock.setblocking(False)

    def receive(self) -> bool:
        """Read what is there; whether the answer is complete. Raises ConnectionError when the server hung up."""
        chunk = self.sock.recv(1 << 18)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        self.buffer += chunk
        if not self.needed:
            end = self.buffer.find(_HEAD_END)
            if end < 0:
                return False
            head = bytes(self.buffer[:end]).lower()
            at = head.index(_LENGTH) + len(_LENGTH)
            self.needed = end + 4 + int(head[at:].split(b"\r\n", 1)[0])
        return len(self.buffer) >= self.needed

    @property
    def good(self) -> bool:
        """Whether the status is 2xx."""
        return self.buffer[9:10] == b"2"


def run(address: tuple[str, int], requests: Sequence[bytes], seconds: float, connections: int) -> Outcome:
    """Send the requests in turn, over and over, for so long; each connection sends its next one when answered."""
    source = cycle(requests)
    return drive(address, [source] * connections, seconds)


def walk(address: tuple[str, int], requests: Sequence[bytes], seconds: float, connections: int) -> Outcome:
    """The same with a share of the requests for each connection, which sends its own in turn and no others."""
    return drive(address, [cycle(requests[number::connections]) for number in range(connections)], seconds)


def drive(address: tuple[str, int], sources: Sequence[Iterator[bytes]], seconds: float) -> Outcome:
    """One connection per source of requests; a source may be shared, and may end."""
    outcome = Outcome()
    lines = [_Line(address, source) for source in sources]
    selector = selectors.DefaultSelector()
    for line in lines:
        selector.register(line.sock, selectors.EVENT_READ, line)
    cpu, started = time.process_time(), time.perf_counter()
    end, busy = started + seconds, 0
    for line in lines:
        line.send(next(line.source))
        busy += 1
    while busy:
        for key, _ in selector.select(10):
            line = key.data
            if not line.receive():
                continue
            now = time.perf_counter()
            outcome.latencies.append(now - line.started)
            if not line.good:
                outcome.bad += 1
                outcome.first_bad = outcome.first_bad or bytes(line.buffer)
            request = next(line.source, None) if now < end else None
            if request is None:
                busy -= 1
                selector.unregister(line.sock)
            else:
                line.send(request)
    outcome.seconds = time.perf_counter() - started
    outcome.cpu = time.process_time() - cpu
    for line in lines:
        line.sock.close()
    return outcome


def once(address: tuple[str, int], request: bytes) -> bytes:
    """One request; the body of a good answer. Raises RuntimeError with a bad one."""
    line = _Line(address)
    line.sock.setblocking(True)
    line.send(request)
    while not line.receive():
        pass
    line.sock.close()
    whole = bytes(line.buffer)
    if not line.good:
        raise RuntimeError(whole[:1000].decode(errors="replace"))
    return whole[whole.index(_HEAD_END) + 4 :]


def request(method: str, path: str, token: str = "", body: bytes = b"") -> bytes:
    """A whole HTTP request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", "Accept: application/json"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
