"""Pages of documentation that are executed as written, and the answers they show.

A page is Markdown. What a fenced block is for stands behind its language:

* `sh run`: commands; all of a page run in one shell, in order, and must succeed;
* `python run`: a program of its own; `python file PATH` (any language): written to PATH before what follows runs;
* `json answer` / `text answer`: what the block before printed. `json part`: objects may hold more than is shown;
  `text part`: lines that were printed, in this order, others between them; `…` stands for anything.

Whatever differs from run to run (ids, instants, correlation ids) is masked on both sides before they are compared.
CRM_DOCS_WRITE=1 writes the answers that differ into the page instead of failing.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
ADDRESS = "127.0.0.1:8000"
"""Where pages say that the system is."""
ALONE = "8101"
"""The port that pages give to a service that runs alone."""

_FENCE = re.compile(
    r"^```(?P<language>\w+)(?: (?P<use>run|file|answer|part)(?: (?P<path>\S+))?)?\n(?P<text>.*?)^```$", re.M | re.S
)
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?:\.\d+)*")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?")
_NUMBERED = re.compile(r"(Existing ID: |contact |contacts/contact/)\d+")
_IDS = {"id", "hs_object_id", "entity_id", "existingId", "ids", "actor", "source_id", "wire_id", "objectTypeId"}
_MARK = "<<<end of block>>>"
_WIDTH = 116
_SECONDS = 600


@dataclass(slots=True)
class Block:
    """A fenced block; `printed` once it has run."""

    language: str
    use: str
    path: str
    text: str
    span: tuple[int, int]
    printed: str = ""


@dataclass(slots=True)
class Page:
    """A page on its way through a run, in the directory `tree`. `places`: what stands for an address on the page ->
    what is there in truth."""

    path: Path
    environment: Mapping[str, str]
    places: Mapping[str, str]
    tree: Path = PROJECT
    blocks: list[Block] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.blocks = blocks(self.path.read_text(encoding="utf-8"))

    def run(self) -> None:
        """Run everything in order. Raises AssertionError with what a failing block printed."""
        shell: list[Block] = []
        for block in self.blocks:
            if block.use == "file":
                self._run_shell(shell)
                shell = []
                file = self.tree / block.path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.text, encoding="utf-8")
            elif block.use == "run" and block.language == "python":
                self._run_shell(shell)
                shell = []
                block.printed = self._execute([sys.executable, "-c", self._here(block.text)])
            elif block.use == "run":
                shell.append(block)
        self._run_shell(shell)

    def differences(self) -> list[tuple[Block, Any]]:
        """Answers on the page that are not what was printed, with what was."""
        found = []
        last = None
        for block in self.blocks:
            if block.use == "run":
                last = block
            elif block.use in ("answer", "part"):
                assert last is not None, "an answer without a command before it"
                shown, printed = _read(block, block.text), _read(block, self._as_shown(last.printed))
                if not _agree(masked(shown), masked(printed), part=block.use == "part"):
                    found.append((block, printed))
        return found

    def check(self) -> None:
        """Run and compare. Raises AssertionError with every difference; or rewrites the page, see the module."""
        self.run()
        wrong = self.differences()
        if wrong and os.environ.get("CRM_DOCS_WRITE"):
            self._rewrite(wrong)
            return
        told = [f"shown:\n{block.text}\nprinted:\n{layout(printed)}" for block, printed in wrong]
        assert not wrong, f"{self.path.name} shows other answers than the system gives\n" + "\n".join(told)

    def _run_shell(self, shell: list[Block]) -> None:
        if shell:
            script = "".join(f"{self._here(block.text)}\necho; echo '{_MARK}'\n" for block in shell)
            printed = self._execute(["bash", "-euo", "pipefail", "-c", script]).split(f"\n{_MARK}\n")
            for block, text in zip(shell, printed, strict=False):
                block.printed = text

    def _execute(self, command: list[str]) -> str:
        with subprocess.Popen(
            command,
            env={**os.environ, **self.environment},
            cwd=self.tree,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                out, err = process.communicate(timeout=_SECONDS)
            finally:
                with suppress(ProcessLookupError):  # what a page left running, when it failed half-way
                    os.killpg(process.pid, signal.SIGTERM)
        assert process.returncode == 0, f"{self.path.name}: {out[-3000:]}\n{err[-3000:]}"
        return out

    def _here(self, text: str) -> str:
        for shown, true in self.places.items():
            text = text.replace(shown, true)
        return text

    def _as_shown(self, text: str) -> str:
        for shown, true in self.places.items():
            text = text.replace(true, shown)
        return text

    def _rewrite(self, wrong: list[tuple[Block, Any]]) -> None:
        text = self.path.read_text(encoding="utf-8")
        for block, printed in reversed(wrong):
            if block.use == "part" and block.language != "json":
                raise AssertionError(f"lines to be chosen by hand:\n{block.text}\nprinted:\n{printed}")
            kept = _only(json.loads(block.text), printed) if block.use == "part" else printed
            text = text[: block.span[0]] + layout(kept) + "\n" + text[block.span[1] :]
        self.path.write_text(text, encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [
        Block(one["language"], one["use"] or "", one["path"] or "", one["text"], one.span("text"))
        for one in _FENCE.finditer(text)
    ]


def masked(value: Any, key: str = "") -> Any:
    """The value without what differs from run to run."""
    if isinstance(value, dict):
        return {name: masked(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [masked(one, key) for one in value]
    if not isinstance(value, str):
        return value
    if key in _IDS and re.fullmatch(r"(\d-)?\d+", value):
        return "<id>"
    return _NUMBERED.sub(r"\1<id>", _INSTANT.sub("<instant>", _UUID.sub("<uuid>", value)))


def layout(value: Any, indent: int = 0) -> str:
    """JSON as people read it: whatever fits on a line stands on one."""
    if isinstance(value, str) and indent == 0:
        return value.rstrip("\n")
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= _WIDTH or not isinstance(value, dict | list) or not value:
        return line
    inner = " " * (indent + 2)
    if isinstance(value, list):
        parts = [layout(one, indent + 2) for one in value]
        return "[\n" + ",\n".join(inner + part for part in parts) + "\n" + " " * indent + "]"
    lines: list[str] = []
    for name, one in value.items():
        part = f"{json.dumps(name, ensure_ascii=False)}: {layout(one, indent + 2)}"
        fits = lines and "\n" not in lines[-1] + part and len(lines[-1]) + len(part) + indent + 6 <= _WIDTH
        if fits and not isinstance(one, dict | list):
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return "{\n" + ",\n".join(inner + one for one in lines) + "\n" + " " * indent + "}"


def _read(block: Block, text: str) -> Any:
    return json.loads(text) if block.language == "json" else "\n".join(map(str.rstrip, text.strip().splitlines()))


def _agree(shown: Any, printed: Any, *, part: bool) -> bool:
    if part and isinstance(shown, str):
        lines = iter(printed.splitlines())
        return all(any(_like(wanted, line) for line in lines) for wanted in shown.splitlines() if wanted.strip(" …"))
    return shown == (_only(shown, printed) if part else printed)


def _like(wanted: str, line: str) -> bool:
    """Whether a line is as shown; how wide the gaps between words are does not matter."""
    parts = (r"\s+".join(map(re.escape, part.split())) for part in wanted.split("…"))
    return re.fullmatch(r"\s*" + ".*".join(rf"\s*{part}\s*" for part in parts), line) is not None


def _only(shown: Any, printed: Any) -> Any:
    """`printed` without what is not shown."""
    if isinstance(shown, dict) and isinstance(printed, dict):
        return {name: _only(one, printed[name]) for name, one in shown.items() if name in printed}
    if isinstance(shown, list) and isinstance(printed, list) and len(shown) == len(printed):
        return [_only(one, other) for one, other in zip(shown, printed, strict=True)]
    return printed
