"""The doors of imports as a stand-in: one import at a time, which takes `steps` looks to come to rest."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.unit.crm.fake import FakeSystem, refusal

COLUMN = {"blank": 0, "distinct": 2, "distinct_exact": True, "samples": ["a", "b"], "nothing": {}, "notes": []}
HEADER = ("E-Mail", "Given name", "Points")


class FakeImports(FakeSystem):
    """`script`: what the next looks answer instead, one by one (an exception is raised)."""

    def __init__(self) -> None:
        super().__init__()
        self.state = ""
        self.phase: str | None = None
        self.rejected = 0
        self.error = ""
        self.uploaded = b""
        self.mapping: dict[str, Any] | None = None
        self.remembered: dict[str, Any] | None = None
        self.script: list[Any] = []
        self.verbs: list[str] = []
        self.left = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.startswith("/api/v1/imports"):
            self.requests.append((request.method, path, None))
            return self.on_imports(request, path.removeprefix("/api/v1/imports").strip("/").split("/"))
        if path == "/api/v1/relations":
            return httpx.Response(200, json={"results": [{"id": 17, "name": "boss", "label": "Boss"}]})
        return super().answer(request)

    def on_imports(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        if parts == [""]:
            if request.method == "GET":
                return httpx.Response(200, json={"results": [self.body()]})
            self.uploaded, self.state = request.read(), "reading"
            return httpx.Response(201, json=self.body())
        action = parts[1] if len(parts) > 1 else ""
        if request.method == "POST":
            return self.on_verb(action)
        if action == "mapping":
            self.mapping = json.loads(request.content)
            return httpx.Response(200, json=self.body())
        if not action:
            return self.look()
        answers = {"profile": self.profile(), "samples": {"results": self.samples()}, "kept": self.kept(request)}
        if action == "errors":
            if request.url.params.get("format") == "csv":
                return httpx.Response(200, content=b"E-Mail,Import line\nx,3\n")
            wrong = [{"line": 3, "column": "E-Mail", "code": "INVALID_EMAIL", "message": "not an e-mail address"}]
            answers["errors"] = {"results": wrong * self.rejected}
        return httpx.Response(200, json=answers[action])

    def on_verb(self, verb: str) -> httpx.Response:
        self.verbs.append(verb)
        if verb == "cancel" and self.state == "failed":
            return refusal(409, "CONFLICT", "The import is failed and cannot be canceled")
        moves = {"dry-run": ("checking", "dry"), "start": ("running", "run"), "undo": ("undoing", "undo")}
        if verb in moves:
            self.state, self.phase = moves[verb]
        else:
            self.state = {"cancel": "canceled", "pause": "paused", "resume": "running"}[verb]
        return httpx.Response(200, json=self.body())

    def look(self) -> httpx.Response:
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, httpx.Response):
                return step
            return httpx.Response(200, json=self.body())
        rests = {"reading": "ready", "checking": "ready", "running": "done", "undoing": "undone"}
        self.state = rests.get(self.state, self.state)
        return httpx.Response(200, json=self.body())

    def body(self) -> dict[str, Any]:
        counts = {"created": 2 - self.rejected, "updated": 0, "unchanged": 0, "rejected": self.rejected}
        phase = {"state": "running", "rows": 2, "done": 2, **counts}
        phases = {name: phase if name == self.phase else None for name in ("dry", "run", "undo")}
        return {
            "id": "7", "name": "few.csv", "type": "contact", "state": self.state, "phase": self.phase, **phases,
            "file": {"rows": 2}, "error": self.error, "created_at": "2026-01-01T10:00:00.000Z",
        }  # fmt: skip

    def profile(self) -> dict[str, Any]:
        kinds = ("email", "string", "number")
        columns = [
            {**COLUMN, "index": at, "header": name, "type": kind, "filled": 2, "date_format": None}
            for at, (name, kind) in enumerate(zip(HEADER, kinds, strict=True))
        ]
        proposal = {
            "mode": "upsert", "key": {"column": "E-Mail", "attribute": "email"}, "id_column": None,
            "columns": [{"column": "E-Mail", "attribute": "email"}, {"column": "Given name", "attribute": "first_name"},
                        {"column": "Points", "attribute": "points"}],
            "set": {}, "links": [], "blanks": [], "blank": "keep", "effective_at": None,
            "create_attributes": [{"name": "points", "label": "Points", "type": "number"}],
        }  # fmt: skip
        explained = [{"column": name, "why": "the same label"} for name in HEADER]
        return {
            "columns": columns, "explained": explained, "questions": ["Points: say which"],
            "remembered": self.remembered is not None, "proposal": {**proposal, **(self.remembered or {})},
        }  # fmt: skip

    def samples(self) -> list[dict[str, Any]]:
        values = {f"a{n}": [None, n] for n in range(7)}
        return [
            {"line": 2, "outcome": "created", "id": None, "changed": values},
            {"line": 3, "outcome": "updated", "id": "9", "changed": {"city": ["Bonn", "Köln"]}},
        ]

    def kept(self, request: httpx.Request) -> dict[str, Any]:
        """`left` of them in pages, as the system does; two without."""
        found = [{"id": "9", "attribute": "city"}, {"id": "10", "attribute": ""}]
        found += [{"id": str(n), "attribute": "city"} for n in range(11, 9 + self.left)]
        start, limit = int(request.url.params.get("after", 0)), int(request.url.params.get("limit", 100))
        more = {"next_after": str(start + limit)} if start + limit < len(found) else {}
        return {"results": found[start : start + limit], **more}
