"""Moving events and work between services by hand: what the bus process and the workers do, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from services.workspace.jobs.cutting import CuttingKind
from services.workspace.jobs.reading import ReadingKind
from services.workspace.tables import chunks
from shared.bus.client import DirectSource
from shared.bus.consumer import pull_once
from shared.bus.ticks import Ticker
from shared.kernel.json import dumps, loads
from shared.service.imports.kind import ImportKind
from shared.service.imports.payload import parse
from shared.service.work import ledger
from shared.service.work.running import run_one
from tests.integration.service.conftest import ADMIN


class Moving:
    """Two services. `move` carries on until nothing is left to do."""

    def __init__(self, workspace: Flask, contacts: Flask) -> None:
        self.workspace = workspace
        self.contacts = contacts
        self.runtimes = [app.extensions["crm"] for app in (workspace, contacts)]
        self.here = {one.manifest.name: one.feed for one in self.runtimes}
        self.source = DirectSource(self.here)
        self.kinds = {
            "import": ImportKind(self._cells),
            "import-reading": ReadingKind(seconds=0.0),
            "import-cutting": CuttingKind(),
        }

    def runtime(self, name: str) -> Any:
        """A service's runtime."""
        return next(one for one in self.runtimes if one.manifest.name == name)

    def client(self, name: str = "workspace", token: str = ADMIN) -> FlaskClient:
        """A client of a service."""
        made: FlaskClient = getattr(self, name).test_client()
        made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return made

    def tell(self) -> int:
        """Let every service hear what the others told; how many events."""
        heard = 0
        for runtime in self.runtimes:
            Ticker(runtime.db).tick()
        for runtime in self.runtimes:
            for subscription in runtime.follows.values():
                if subscription.source not in self.here:
                    continue
                while applied := pull_once(runtime.db, self.source, subscription):
                    heard += applied
        return heard

    def work(self, name: str, most: int = 10_000) -> int:
        """Let a service do chunks; how many."""
        runtime = self.runtime(name)
        for done in range(most):
            claim = ledger.claim(runtime.db)
            if claim is None:
                return done
            run_one(runtime, self.kinds, claim)
        return most

    def move(self) -> None:
        """Until nothing moves any more."""
        while self.tell() + sum(self.work(one.manifest.name) for one in self.runtimes):
            pass

    def upload(
        self, content: bytes | str, name: str = "people.csv", *, token: str = ADMIN, status: int = 201, **request: Any
    ) -> dict[str, Any]:
        """Send a file; the import, or why it was refused."""
        raw = content.encode() if isinstance(content, str) else content
        told = dumps({"type": "contacts", **request})
        # By hand: the test client would leave temporary files open.
        parts = ((b'name="request"', told), (b'name="file"; filename="' + name.encode() + b'"', raw))
        head = b"--cut\r\nContent-Disposition: form-data; "
        body = b"".join(head + about + b"\r\n\r\n" + part + b"\r\n" for about, part in parts) + b"--cut--\r\n"
        kind = "multipart/form-data; boundary=cut"
        return self.ok(self.client(token=token).post("/api/v1/imports", data=body, content_type=kind), status)

    def exported(self, asked: Mapping[str, Any]) -> bytes:
        """A file of contacts."""
        answer = self.client("contacts").post("/api/v1/objects/contacts/export", json=dict(asked))
        assert answer.status_code == 200, answer.text
        return answer.data

    def ready(self, content: bytes | str, **request: Any) -> dict[str, Any]:
        """Send a file and read it."""
        made = self.upload(content, **request)
        self.move()
        return self.get(made["id"])

    def get(self, ident: str, path: str = "") -> dict[str, Any]:
        """An import, or something of it."""
        return self.ok(self.client().get(f"/api/v1/imports/{ident}{path}"))

    def put(self, ident: str, mapping: Mapping[str, Any], status: int = 200) -> dict[str, Any]:
        """Map it."""
        return self.ok(self.client().put(f"/api/v1/imports/{ident}/mapping", json=mapping), status)

    def do(self, ident: str, verb: str, status: int = 200, *, move: bool = True) -> dict[str, Any]:
        """Steer it, let everything happen, and look again."""
        found = self.ok(self.client().post(f"/api/v1/imports/{ident}/{verb}"), status)
        if move and status == 200:
            self.move()
            return self.get(ident)
        return found

    def ok(self, answer: Any, status: int = 200) -> dict[str, Any]:
        """The answer's JSON, when it is what was expected."""
        assert answer.status_code == status, answer.get_data(as_text=True)
        found: dict[str, Any] = loads(answer.get_data())
        return found

    def found(self, kind: str = "contacts", **query: Any) -> list[dict[str, Any]]:
        """Entities by a query."""
        answer = self.client("contacts").post(f"/api/v1/objects/{kind}/query", json={"limit": 100, **query})
        results: list[dict[str, Any]] = self.ok(answer)["results"]
        return results

    def _cells(self, _settings: Any, job: int, n: int) -> Any:
        raw = chunks.payload(self.runtime("workspace").db, job, n)
        assert raw is not None
        return parse(chunks.plain(raw))
