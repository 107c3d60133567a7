"""The requests of a `.http` file, as editors run them: `@name = value`, `### title`, `{{name}}`, then one request each.

A comment `# answers 201` inside a request says which status must come back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_VARIABLE = re.compile(r"^@(\w+) *= *(.*)$", re.M)
_STATUS = re.compile(r"^# answers (\d+)$", re.M)


@dataclass(frozen=True, slots=True)
class Request:
    """One request and the status it must be answered with."""

    title: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    status: int


def parse(path: Path, variables: Mapping[str, str]) -> list[Request]:
    """All requests of the file. `variables` replace the file's own. Raises ValueError on a part without a status."""
    head, *parts = re.split(r"^### ", path.read_text(encoding="utf-8"), flags=re.M)
    known = {**dict(_VARIABLE.findall(head)), **variables}
    return [_request(re.sub(r"\{\{(\w+)\}\}", lambda name: known[name[1]], part)) for part in parts]


def _request(text: str) -> Request:
    title, _, rest = text.partition("\n")
    status = _STATUS.search(rest)
    if status is None:
        raise ValueError(f"{title}: no `# answers` line")
    head, _, body = "\n".join(line for line in rest.splitlines() if not line.startswith("#")).strip().partition("\n\n")
    first, *lines = head.splitlines()
    method, url = first.split(maxsplit=1)
    headers = dict(line.split(": ", 1) for line in lines)
    return Request(title, method, url, headers, body.strip(), int(status[1]))
