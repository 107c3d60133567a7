"""A name server for one test: answers for the names it is told of, with what it is told, until it is told otherwise."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_HEADER = struct.Struct("!HHHHHH")
_ANSWER = struct.Struct("!HHHLH")
_NO_SUCH_NAME = 0x8183
_FOUND = 0x8180


@contextmanager
def name_server(known: dict[str, Sequence[str]]) -> Iterator[str]:
    """Serve `known` (name -> addresses; changed while it runs) until the end of the block; its own address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(server, known), daemon=True)
        thread.start()
        host, port = server.getsockname()
        yield f"{host}:{port}"
        server.sendto(b"", (host, port))
        thread.join(10)


def _serve(server: socket.socket, known: dict[str, Sequence[str]]) -> None:
    while True:
        asked, client = server.recvfrom(512)
        if not asked:
            return
        server.sendto(_answer(asked, known), client)


def _answer(asked: bytes, known: dict[str, Sequence[str]]) -> bytes:
    ident = _HEADER.unpack_from(asked)[0]
    name, end = _name(asked)
    found = known.get(name, ())
    header = _HEADER.pack(ident, _FOUND if found else _NO_SUCH_NAME, 1, len(found), 0, 0)
    # 0xC00C: the name that was asked for; then type A, class IN, seconds to live, length.
    answers = (_ANSWER.pack(0xC00C, 1, 1, 1, 4) + socket.inet_aton(address) for address in found)
    return header + asked[_HEADER.size : end + 4] + b"".join(answers)


def _name(asked: bytes) -> tuple[str, int]:
    parts, place = [], _HEADER.size
    while length := asked[place]:
        parts.append(asked[place + 1 : place + 1 + length].decode())
        place += 1 + length
    return ".".join(parts), place + 1
