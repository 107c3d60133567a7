"""Every example that the document shows of assignment, queues, followers and views is carried out."""

from __future__ import annotations

from typing import Any

TAGS = ("Assignment", "Queues", "Followers", "Views")
MINE = ("{type}", "tickets", "service_desk")
ORDER = ("put", "post", "get", "patch", "delete")


def test_examples_work(desk: Any):
    document = desk.ask("GET", "/service_desk/openapi.json")
    ticket = desk.ticket(subject="example")
    desk.ask("PUT", "/api/v1/types/tickets/pools/North", members=[{"owner": "12"}])
    known = {"id": ticket, "type": "tickets", "pool": "North", "owner": "12", "view": "Example"}
    found = [
        (method, path, one)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
        if one["tags"][0].partition(":")[0] in TAGS and any(word in path for word in MINE)
    ]
    found.sort(key=lambda one: ORDER.index(one[0]))
    assert len(found) > 20
    queue = str(desk.ask("POST", "/api/v1/service_desk/queues", 201, name="Examples")["id"])
    desk.write(ticket, queue_id=queue)
    for method, path, one in found:
        names = {**known, "id": queue} if "/queues/" in path else known
        body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        if method == "delete" and (path.endswith("/pools/{pool}") or "/queues/" in path):
            desk.write(ticket, queue_id=None)
            desk.ask("PUT", "/api/v1/types/tickets/assignment-rules", rules=[])
        answer = desk.client.open(path.format(**names), method=method.upper(), json=body)
        told = f"{method} {path} {body}: {answer.status_code} {answer.text[:300]}"
        assert str(answer.status_code) in one["responses"], told
        assert answer.status_code < 400, told
