"""Processes of an earlier run of this home that outlived their supervisor. Call only while holding the home's lock."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil

from deploy.local.home import Home
from deploy.local.programs import MARK


def running(home: Home) -> list[psutil.Process]:
    """Living processes that carry this home's mark, without ourselves."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _is_ours(process, home)]


def stop_orphans(home: Home, seconds: float = 8) -> int:
    """Stop them, the database server in its fast way, then by force. The number that were running."""
    found = running(home)
    for process in found:
        _signal(process, signal.SIGINT if _name(process) == "postgres" else signal.SIGTERM)
    _, stubborn = psutil.wait_procs(found, timeout=seconds)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=seconds)
    _forget_dead_postmaster(home.postgres)
    return len(found)


def _is_ours(process: psutil.Process, home: Home) -> bool:
    try:
        return process.environ().get(MARK) == str(home.root) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _forget_dead_postmaster(directory: Path) -> None:
    """Delete a postmaster.pid whose number another process has by now: the server would refuse to start."""
    for note in _notes(directory):
        try:
            command = psutil.Process(int(note.read_text().split("\n")[0])).cmdline()
        except (psutil.Error, ValueError, OSError):
            continue  # a number that nobody has is no obstacle
        if str(note.parent) not in command:
            note.unlink(missing_ok=True)


def _notes(directory: Path) -> Iterator[Path]:
    yield from directory.glob("*/postmaster.pid")
