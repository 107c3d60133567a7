"""Random requests against the running system: whatever they say, the answer is JSON of the right shape and no 5xx.

The seeds are fixed, so that a failure can be repeated; put another number in to search further.
"""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

import httpx
import pytest

C, P = "/crm/v3/objects/contacts", "/crm/v3/properties/contacts"
_WORDS = (
    "|a|firstname|email|-email|hs_object_id|1|0|-1|99999999999999999999|x'; --|é|漢|\u202e|😀|%|_|*|a*b|**|\\|true|"
    "lead|2024-01-01|1704067200000|2024-01-01T00:00:00Z|;|a;b|;lead|EQ|IN|closedate|contactinformation|a@b.co|ß|İ|\ufeff|"
    "\t\n| |NaN|1e400|1e-400|-0|1,5|string|text|number|enumeration|select|associations.company"
)
TEXTS = [*_WORDS.split("|"), "9" * 400, "x" * 300, "x" * 5000]
SCALARS = [0, 1, -1, 2**31, 2**63, 2**64, 10**30, 1.5, -0.0, 1e300, True, False, None]
KEYS = [
    "properties", "inputs", "id", "idProperty", "filterGroups", "filters", "propertyName", "operator", "value",
    "values", "highValue", "sorts", "direction", "limit", "after", "query", "name", "label", "type", "fieldType",
    "groupName", "options", "labels", "objectWriteTraceId", "associations", "archived", "displayOrder",
]  # fmt: skip
NAMES = [
    "firstname", "email", "lifecyclestage", "closedate", "annualrevenue", "hs_email_optout", "hubspot_owner_id",
    "message", "phone", "hs_language", "website", "associatedcompanyid", "hs_object_id", "createdate", "nope",
]  # fmt: skip
OPERATORS = [
    "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN",
]  # fmt: skip
BATCHES = ["create", "read", "update", "upsert", "archive"]


class Dice:
    """Random parts of requests."""

    def __init__(self, seed: int, ids: list[str]) -> None:
        self.random = random.Random(seed)
        self.ids = ids

    def one(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def value(self, depth: int = 0) -> Any:
        roll = self.random.random()
        if roll < 0.45 or depth > 3:
            return self.one(*TEXTS)
        if roll < 0.6:
            return self.one(*SCALARS)
        if roll < 0.8:
            return [self.value(depth + 1) for _ in range(self.random.randint(0, 3))]
        return {self.one(*TEXTS, *KEYS): self.value(depth + 1) for _ in range(self.random.randint(0, 4))}

    def segment(self) -> str:
        return quote(self.one(*self.ids, *TEXTS), safe="")

    def values(self) -> dict[str, Any]:
        return {self.one(*NAMES): self.value(3) for _ in range(self.random.randint(0, 4))}

    def many(self, make: Any) -> list[Any]:
        return [make() for _ in range(self.random.randint(0, 3))]

    def filter(self) -> dict[str, Any]:
        return {
            "propertyName": self.one(*NAMES),
            "operator": self.one(*OPERATORS),
            "value": self.value(3),
            "values": self.many(lambda: self.value(4)),
            "highValue": self.value(4),
        }

    def search(self) -> dict[str, Any]:
        whole = {
            "filterGroups": self.many(lambda: {"filters": self.many(self.filter)}),
            "query": self.one(*TEXTS),
            "sorts": self.many(lambda: self.one("", "-") + self.one(*NAMES)),
            "after": self.one(0, 1, "5", 10**14),
            "limit": self.one(1, 50, 200),
            "properties": self.many(lambda: self.one(*NAMES)),
        }
        return {name: one for name, one in whole.items() if self.random.random() < 0.6}

    def item(self) -> dict[str, Any]:
        trace = {"objectWriteTraceId": self.one(*TEXTS)} if self.random.random() < 0.5 else {}
        key = self.one(None, "", *NAMES)
        return {"id": self.one(*self.ids, *TEXTS), "idProperty": key, "properties": self.values(), **trace}

    def definition(self) -> dict[str, Any]:
        whole = {
            "name": self.one(f"p{self.random.getrandbits(32):x}", *TEXTS),
            "label": self.one(*TEXTS),
            "type": self.one("string", "number", "bool", "date", "datetime", "enumeration", self.value(3)),
            "fieldType": self.one("text", "textarea", "number", "date", "select", "checkbox", self.value(3)),
            "groupName": self.one("contactinformation", self.value(3)),
            "options": self.one([], self.value(), [{"label": "a", "value": self.one(*TEXTS)}]),
            "hasUniqueValue": self.one(True, False, self.value(4)),
        }
        return {name: one for name, one in whole.items() if self.random.random() < 0.9}

    def request(self) -> tuple[str, str, Any]:
        query = f"limit={self.segment()}&after={self.segment()}&propertiesWithHistory={self.one(*NAMES)}"
        batch = {"inputs": self.many(self.item), "properties": self.many(lambda: self.one(*NAMES))}
        return self.one(
            ("POST", C, {"properties": self.values()}),
            ("POST", C, self.value()),
            ("PATCH", f"{C}/{self.segment()}", {"properties": self.values()}),
            ("GET", f"{C}/{self.segment()}?idProperty={self.one(*NAMES)}&properties={self.segment()}", None),
            ("GET", f"{C}/{self.segment()}", None),
            ("GET", f"{C}?{query}", None),
            ("POST", f"{C}/search", self.search()),
            ("POST", f"{C}/search", self.search()),
            ("POST", f"{C}/search", self.value()),
            ("POST", f"{C}/batch/{self.one(*BATCHES)}", batch),
            ("POST", f"{C}/batch/{self.one(*BATCHES)}", self.value()),
            ("POST", P, self.definition()),
            ("POST", f"{P}/batch/create", {"inputs": self.many(self.definition)}),
            ("POST", f"{P}/batch/read", {"inputs": [{"name": self.value(3)}]}),
            ("PATCH", f"{P}/{self.segment()}", self.definition()),
            ("POST", f"{P}/groups", {"name": self.one(*TEXTS), "label": self.value(3)}),
            ("PATCH", f"{P}/groups/{self.segment()}", self.value()),
            ("POST", "/crm/v3/schemas", self.value()),
            ("GET", f"/crm/v3/owners/{self.segment()}?idProperty={self.one('id', 'userId')}", None),
            ("GET", f"/crm/v3/owners?email={self.segment()}&limit={self.segment()}", None),
            ("GET", f"/crm/v3/objects/{self.segment()}", None),
            *self.links(),
        )

    def links(self) -> list[tuple[str, str, Any]]:
        pair = {"from": self.one({"id": self.one(*self.ids, *TEXTS)}, self.value(3)), "to": self.value(3)}
        types = [{"associationTypeId": self.one(279, 280, 449, "1", self.value(4))}]
        batch = {"inputs": self.many(lambda: {**pair, "types": self.one(types, self.value(3)), "id": self.value(4)})}
        path = f"/crm/v4/objects/contacts/{self.segment()}/associations"
        draft = {"label": self.value(3), "stages": self.value(2), "displayOrder": self.value(4)}
        return [
            ("GET", f"{path}/{self.one('companies', 'contacts', self.segment())}?after={self.segment()}", None),
            ("PUT", f"{path}/contacts/{self.segment()}", self.one(types, self.value())),
            ("DELETE", f"{path}/{self.one('contacts', self.segment())}/{self.segment()}", None),
            ("POST", f"/crm/v4/associations/contacts/contacts/batch/{self.one('read', 'create', 'archive')}", batch),
            ("POST", f"/crm/v3/associations/contacts/contacts/batch/{self.one('read', 'create', 'archive')}", batch),
            ("POST", f"/crm/v4/associations/contacts/{self.segment()}/labels", {**draft, "name": self.value(3)}),
            ("POST", f"/crm/v3/pipelines/{self.segment()}", draft),
            (
                "PUT",
                f"/api/v1/objects/contact/{self.segment()}/links/contact/{self.segment()}",
                {"relations": self.value()},
            ),
            ("POST", "/api/v1/relations", {"from": "contact", "to": self.one("contact", self.value(4)), **draft}),
        ]


@pytest.mark.parametrize("seed", range(4))
def test_any_request_gets_a_proper_answer(http: httpx.Client, seed: int) -> None:
    inputs = [{"properties": {"firstname": "A"}} for _ in range(3)]
    made = http.post(f"{C}/batch/create", json={"inputs": inputs}).json()["results"]
    dice = Dice(seed, [one["id"] for one in made])
    for number in range(500):
        method, path, body = dice.request()
        sent = None if body is None else json.dumps(body)
        answer = http.request(method, path, content=sent, headers={"Content-Type": "application/json"})
        told = f"seed {seed}, request {number}: {method} {path} {sent}\n{answer.status_code} {answer.text[:500]}"
        assert answer.status_code < 500, told
        if answer.status_code == 204:
            assert answer.content == b"", told
            continue
        assert answer.headers["content-type"] == "application/json", told
        found = answer.json()
        if answer.status_code >= 400:
            assert (found["status"], bool(found["category"]), bool(found["message"])) == ("error", True, True), told
