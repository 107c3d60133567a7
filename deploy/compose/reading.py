"""Our containers as docker-compose.yml describes them, with its variables filled in. For `make up-split` and tests.

Knows the part of the format that the generated file uses, not all of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

OURS = "tupelo"
"""The image of which the processes are ours."""

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*):([-?])([^${}]*)\}")


@dataclass(frozen=True, slots=True)
class Container:
    """One of our containers. `directories`: the paths in it that are not its own, and what is there: a volume's name,
    or nothing for a directory that begins empty."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    directories: Mapping[str, str]
    once: bool

    @property
    def is_web(self) -> bool:
        """Whether others connect to it."""
        return self.command[3] in ("web", "front")


def filled(text: str, value: Callable[[str, bool], str]) -> str:
    """The text without `${NAME:-default}` and `${NAME:?hint}`. `value(name, demanded)` answers "" for the default."""
    while found := _VARIABLE.search(text):  # the innermost first
        name, kind, rest = found.groups()
        text = text[: found.start()] + (value(name, kind == "?") or (rest if kind == "-" else "")) + text[found.end() :]
    return text


def containers(text: str, value: Callable[[str, bool], str]) -> tuple[Container, ...]:
    """Those of our image, in the file's order."""
    services: Mapping[str, Any] = yaml.safe_load(text)["services"]
    return tuple(
        Container(
            name,
            tuple(one["command"]),
            {key: filled(str(said), value) for key, said in one["environment"].items()},
            dict(_directories(one)),
            one.get("restart") == "no",
        )
        for name, one in services.items()
        if one["image"] == OURS
    )


def _directories(service: Mapping[str, Any]) -> list[tuple[str, str]]:
    volumes = [volume.split(":")[:2] for volume in service.get("volumes", ())]
    return [(path, name) for name, path in volumes] + [(path, "") for path in service.get("tmpfs", ())]
