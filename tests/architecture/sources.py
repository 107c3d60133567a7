"""The project's own files, read once: tracked ones and those about to be."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PRODUCT = ("crm", "deploy", "services", "shared")
CODE = (*PRODUCT, "tests", "benchmarks")


@dataclass(frozen=True)
class Source:
    """One Python file."""

    name: str
    text: str
    tree: ast.Module

    @property
    def product(self) -> bool:
        """Whether it runs in the product, not only in tests and benchmarks."""
        return self.name.split("/")[0] in PRODUCT


@cache
def files() -> tuple[str, ...]:
    """Every file of the project by its path, ignored ones left out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(name for name in sorted(set(listed.stdout.splitlines())) if (PROJECT / name).is_file())


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file of the project."""
    names = [name for name in files() if name.endswith(".py") and name.split("/")[0] in CODE]
    texts = [(name, (PROJECT / name).read_text(encoding="utf-8")) for name in names]
    return tuple(Source(name, text, ast.parse(text, name)) for name, text in texts)


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """(path, text) of every file that is text."""
    found = []
    for name in files():
        try:
            found.append((name, (PROJECT / name).read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return tuple(found)
