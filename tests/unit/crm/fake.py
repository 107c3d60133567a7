"""A small stand-in for the system's API, for tests of the command line: entities in a dict, every request noted.

It knows no filters (a query answers everything of the type) except IN on one attribute, which the demo asks.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import httpx
from rich.console import Console

from crm.cli import execute
from crm.session import Session

CONTACT_ATTRIBUTES = [
    {"name": "id", "label": "Id", "type": "reference", "read_only": True, "default": True, "builtin": True},
    {"name": "email", "label": "E-mail", "type": "email", "unique": True, "default": True, "builtin": True},
    {"name": "first_name", "label": "First name", "wire_name": "firstname", "default": True, "builtin": True},
    {"name": "city", "label": "City", "type": "string", "builtin": True},
    {
        "name": "lifecycle_stage",
        "label": "Lifecycle stage",
        "type": "enumeration",
        "builtin": True,
        "options": [{"value": "lead", "label": "Lead"}, {"value": "customer", "label": "Paying customer"}],
    },
    {"name": "a1", "label": "预计收入", "type": "number"},
    {"name": "born_at", "label": "Born at", "type": "datetime"},
]


class FakeSystem:
    """`requests` holds (method, path, body); `fail` maps a path's ending to an answer to give instead."""

    def __init__(self, *, takes_effective: bool = True) -> None:
        self.takes_effective = takes_effective
        self.attributes: dict[str, list[dict[str, Any]]] = {"contact": [dict(one) for one in CONTACT_ATTRIBUTES]}
        self.entities: dict[str, dict[str, dict[str, Any]]] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.fail: dict[str, httpx.Response] = {}
        self.promises: dict[str, list[dict[str, Any]]] = {}
        self.page = 200
        self.breaks = False
        self.links: dict[str, dict[str, str]] = {}
        self.next_id = 1

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.path)
        body = json.loads(request.content) if request.content else None
        self.requests.append((request.method, str(request.url.raw_path.decode()), body))
        for ending, response in self.fail.items():
            if path.endswith(ending):
                return response
        parts = path.removeprefix("/api/v1/").split("/")
        if path.startswith("/crm/v4/associations/"):
            return self.on_links(path.removeprefix("/crm/v4/associations/"), body)
        if parts[0] == "types":
            return self.on_types(request.method, parts, body)
        if parts[0] == "sla":
            return self.on_promises(request.method, parts[1], body)
        if parts[0] == "objects":
            return self.on_entities(request.method, parts, body)
        return refusal(404, "OBJECT_NOT_FOUND", f"No operation answers at {path}")

    def on_promises(self, method: str, kind: str, body: Any) -> httpx.Response:
        """Calendars and policies: those of the past only while there are no tickets."""
        known = self.promises.setdefault(kind, [])
        if method == "GET":
            return httpx.Response(200, json={"results": known})
        if self.entities.get("ticket") and "valid_from" in body:
            return refusal(400, "VALIDATION_ERROR", "valid_from must not lie in the past: promises of the past stay")
        since = body.get("valid_from") or datetime.now(UTC).isoformat()
        known.append({"name": body["name"], "version": 1, "valid_from": since, "body": body})
        return httpx.Response(201, json=known[-1])

    def on_types(self, method: str, parts: list[str], body: Any) -> httpx.Response:
        known = self.attributes.setdefault(singular(parts[1]), [])
        if method == "POST":
            known.append({"name": f"a{len(known)}", **body})
            return httpx.Response(201, json=known[-1])
        return httpx.Response(200, json={"results": known})

    def on_links(self, path: str, body: Any) -> httpx.Response:
        between, _, action = path.partition("/batch/")
        links = self.links.setdefault(between, {})
        if action == "associate/default":
            links |= {one["from"]["id"]: one["to"]["id"] for one in body["inputs"]}
            return httpx.Response(200, json={"results": []})
        asked = [one["id"] for one in body["inputs"] if one["id"] in links]
        results = [{"from": {"id": one}, "to": [{"toObjectId": int(links[one])}]} for one in asked]
        return httpx.Response(207, json={"results": results})

    def on_entities(self, method: str, parts: list[str], body: Any) -> httpx.Response:
        kept = self.entities.setdefault(singular(parts[1]), {})
        action = "/".join(parts[2:])
        if action == "query":
            return self.query(kept, body)
        if action == "export":
            return httpx.Response(200, content=self.export(list(kept.values()), body))
        if action == "batch/read":
            by, wanted = body["by"], set(body["ids"])
            return httpx.Response(200, json={"results": [e for e in kept.values() if e["values"].get(by) in wanted]})
        if action in ("batch/create", "batch/update"):
            if not self.takes_effective and any("effective_at" in one for one in body["inputs"]):
                return refusal(400, "VALIDATION_ERROR", "unknown key inputs[0].effective_at")
            return httpx.Response(201, json={"results": [self.write(kept, parts[1], one) for one in body["inputs"]]})
        if method == "POST":
            return httpx.Response(201, json=self.write(kept, parts[1], body))
        if method == "PATCH":
            return httpx.Response(200, json=self.write(kept, parts[1], {"id": action, **body}))
        if action not in kept:
            return refusal(404, "OBJECT_NOT_FOUND", f"{parts[1]} not found: {action}")
        return httpx.Response(200, json=kept[action])

    def query(self, kept: dict[str, dict[str, Any]], body: Any) -> httpx.Response:
        found = list(kept.values())
        condition = body.get("filter") or {}
        if condition.get("operator") == "IN":
            found = [e for e in found if e["values"].get(condition["attribute"]) in condition["values"]]
        start, limit = int(body.get("cursor") or 0), min(body["limit"], self.page)
        page: dict[str, Any] = {"results": found[start : start + limit]}
        if start + limit < len(found):
            page["next_cursor"] = str(start + limit)
        if body.get("total", "none") != "none":
            page["total"] = len(found)
        return httpx.Response(200, json=page)

    def export(self, found: list[dict[str, Any]], body: Any) -> Iterator[bytes]:
        """One piece per entity; in CSV with the id alone and a quoted line break."""
        if body["format"] == "csv":
            yield b"id,note\r\n"
        for one in found:
            line = json.dumps(one["values"]) + "\n"
            yield f'{one["id"]},"a\nb ""c"""\r\n'.encode() if body["format"] == "csv" else line.encode()
            if self.breaks:
                raise httpx.RemoteProtocolError("peer closed connection")

    def write(self, kept: dict[str, dict[str, Any]], type_name: str, one: dict[str, Any]) -> dict[str, Any]:
        at = one.get("effective_at") or datetime.now(UTC).isoformat()
        if "id" in one:
            entity = kept[one["id"]]
            entity["version"] += 1
            entity["updated_at"] = at
        else:
            entity = {"id": str(self.next_id), "type": singular(type_name), "version": 1, "values": {}}
            for link in one.get("links", ()):
                self.links.setdefault(f"{link['type']}s/{type_name}", {})[link["id"]] = entity["id"]
            entity |= {"created_at": at, "updated_at": at, "archived": False}
            kept[entity["id"]] = entity
            self.next_id += 1
        entity["values"] = {**entity["values"], **one["values"]}
        return entity

    def bodies(self, ending: str) -> list[Any]:
        return [body for _method, path, body in self.requests if path.endswith(ending)]


def singular(name: str) -> str:
    known = {"contacts": "contact", "companies": "company", "owners": "owner", "deals": "deal", "tickets": "ticket"}
    return known.get(name, name)


def refusal(status: int, category: str, message: str, errors: list[dict[str, Any]] | None = None) -> httpx.Response:
    body = {"status": "error", "message": message, "correlationId": "c-1", "category": category}
    return httpx.Response(status, json=body | ({"errors": errors} if errors else {}))


def run_crm(system: FakeSystem, *arguments: str, width: int = 120) -> tuple[int, str, str]:
    """Exit code, output and error output of one command line."""
    out, err = io.StringIO(), io.StringIO()
    session = Session(
        transport=system.transport(),
        console=Console(file=out, width=width, color_system=None),
        errors=Console(file=err, width=width, color_system=None),
    )
    code = execute(arguments, session)
    return code, out.getvalue(), err.getvalue()
