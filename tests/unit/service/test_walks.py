"""What Redis is made to forget."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from shared.service import walks
from shared.service.walks import RedisWalk


class Server:
    """A Redis that is busy with its file for some questions."""

    def __init__(self, *, file: bool = True, busy: int = 0) -> None:
        self.keys = {b"crm:walk:here:1", b"crm:walk:here:2", b"crm:walk:there:1"}
        self.file, self.busy = file, busy
        self.done: list[str] = []

    def scan_iter(self, pattern: str, count: int) -> list[bytes]:
        return [key for key in sorted(self.keys) if key.startswith(pattern.rstrip("*").encode())]

    def unlink(self, key: bytes) -> None:
        self.keys.discard(key)
        self.done.append("unlink")

    def info(self, section: str) -> dict[str, Any]:
        return {"aof_enabled": int(self.file)}

    def bgrewriteaof(self) -> None:
        if self.busy:
            self.busy -= 1
            raise redis.ResponseError("Background append only file rewriting already in progress")
        self.done.append("rewritten")


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "_PAUSE", 0)


@pytest.mark.parametrize("busy", [0, 3])
def test_the_file_is_written_anew_after_what_is_forgotten(busy: int):
    server = Server(busy=busy)
    RedisWalk(server, "here").forget()  # type: ignore[arg-type]
    assert server.keys == {b"crm:walk:there:1"}
    assert server.done == ["unlink", "unlink", "rewritten"]


def test_a_server_without_a_file_or_too_busy_is_no_trouble():
    for server in (Server(file=False), Server(busy=1000)):
        RedisWalk(server, "here").forget()  # type: ignore[arg-type]
        assert server.done == ["unlink", "unlink"]
    RedisWalk(None, "here").forget()
