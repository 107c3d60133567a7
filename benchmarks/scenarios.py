"""What is asked over HTTP: for each scenario the requests of the contenders, drawn at random, equal in their answers.

Contenders: `bare` (a Flask route that does nothing), `native` (hand-written over a native table), `system` (ours).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.load import request
from benchmarks.people import ACTIVE_SHARE, NAMES, SELECTIVITIES, newcomer, segment, window
from benchmarks.rigs import SHOWN
from benchmarks.system import System
from shared.eav.engine import Engine
from shared.eav.filters import Condition, Operator
from shared.eav.query.sorting import Sort
from shared.eav.requests import Query
from shared.kernel import json

OBJECTS = "/api/v1/objects/contact"
DIALECT = "/crm/v3/objects/contacts"
NEWEST = [{"attribute": "last_seen_at", "direction": "desc"}]
DRAWN = 400
Requests = Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Scenario:
    """`against` is the contender whose rate is 1; requests are made anew for every round."""

    name: str
    against: str
    target: float | None
    requests: dict[str, Requests]
    once: bool = False
    compared: bool = True
    per_call: int = 1
    prime: Requests | None = None  # sent to the system once, before anything is measured
    walked: bool = False  # each connection walks on its own


class Draw:
    """Makes the scenarios over one running system."""

    def __init__(self, system: System, engine: Engine, rng: Random) -> None:
        self.system = system
        self.engine = engine
        self.rng = rng
        self.made = 0
        with engine.database.connect() as connection:
            self.ids = [row[0] for row in connection.rows("select id from native")]
            self.values = [row[0] for row in connection.rows("select contract_value from native order by 1")]
        self.depth = min(50_000, len(self.ids) // 2)

    def scenarios(self) -> list[Scenario]:
        """All, reads before writes: the native table does not follow what is written to the system."""
        made = [self._get(), self._get_dialect()]
        for total in (False, True):
            made += [self._page("list of 50, {} %", one, total, self._segment_filter) for one in SELECTIVITIES]
            made += [self._page("three filters, {} %", one, total, self._three_filter) for one in SELECTIVITIES]
            made.append(self._deep(total))
        made.append(self._walk())
        made += [self._count(one) for one in SELECTIVITIES]
        return [*made, self._update(), self._create(), self._batch()]

    def _to_system(self, method: str, path: str, body: Any = None) -> bytes:
        return request(method, path, self.system.token, b"" if body is None else json.dumps(body))

    def _get(self) -> Scenario:
        shown = ",".join(NAMES)
        ids = self.rng.choices(self.ids, k=DRAWN * 5)
        return Scenario(
            "get by id",
            "bare",
            0.30,
            {
                "bare": lambda: [request("GET", "/bare")],
                "native": lambda: [request("GET", f"/native/{one}") for one in ids],
                "system": lambda: [self._to_system("GET", f"{OBJECTS}/{one}?attributes={shown}") for one in ids],
            },
        )

    def _get_dialect(self) -> Scenario:
        shown = ",".join(self._wires())
        ids = self.rng.choices(self.ids, k=DRAWN * 5)
        return Scenario(
            "get by id, dialect",
            "bare",
            0.30,
            {
                "bare": lambda: [request("GET", "/bare")],
                "system": lambda: [self._to_system("GET", f"{DIALECT}/{one}?properties={shown}") for one in ids],
            },
            compared=False,
        )

    def _wires(self) -> list[str]:
        live = self.engine.catalog.type("contact")
        return [live.attributes[name].wire for name in NAMES]

    def _segment_filter(self, selectivity: int) -> tuple[dict[str, Any], dict[str, Any]]:
        value = segment(self.rng, selectivity)
        return {"by": "segment", "segment": value}, {"attribute": "segment", "operator": "EQ", "value": value}

    def _three_filter(self, selectivity: int) -> tuple[dict[str, Any], dict[str, Any]]:
        share = (selectivity / 100 / ACTIVE_SHARE) ** 0.5
        low, high = window(self.rng, share)
        least = str(self.values[int(len(self.values) * (1 - share))])
        plain = {"by": "three", "active": True, "low": low, "high": high, "least": least}
        tree = {
            "and": [
                {"attribute": "active", "operator": "EQ", "value": True},
                {"attribute": "rating", "operator": "BETWEEN", "value": low, "high_value": high},
                {"attribute": "contract_value", "operator": "GTE", "value": least},
            ]
        }
        return plain, tree

    def _page(self, name: str, selectivity: int, total: bool, draw: Callable[[int], Any]) -> Scenario:
        pairs = [draw(selectivity) for _ in range(DRAWN)]
        return self._query(f"{name.format(selectivity)}{', total' * total}", pairs, total)

    def _query(self, name: str, pairs: list[Any], total: bool) -> Scenario:
        common = {"sorts": NEWEST, "limit": 50, "attributes": list(NAMES), "total": "exact" if total else "none"}

        def native() -> list[bytes]:
            return [request("POST", "/query", body=json.dumps({**plain, "total": total})) for plain, _ in pairs]

        def system() -> list[bytes]:
            made = []
            for plain, tree in pairs:
                body = {"filter": tree, **common}
                if "system_cursor" in plain:
                    body["cursor"] = plain["system_cursor"]
                made.append(self._to_system("POST", f"{OBJECTS}/query", body))
            return made

        return Scenario(name, "native", 0.7, {"native": native, "system": system})

    def _most(self) -> str:
        return f"{60 + self.rng.random() * 20:.2f}"

    def _deep(self, total: bool) -> Scenario:
        """Keyset pages behind about the 50,000th of what 60 to 80 % match."""
        pairs = []
        for _ in range(16):
            most, depth = self._most(), self.depth + self.rng.randrange(200)
            node = Condition("rating", Operator.LTE, (most,))
            query = Query(node, sorts=(Sort("last_seen_at", True),), limit=1, offset=depth, total="none")
            page = self.engine.reads.query("contact", query, SHOWN)
            last = page.entities[0]
            cursor = json.dumps([last.values["last_seen_at"], last.id])
            plain = {"by": "rating", "most": most, "cursor": base64.urlsafe_b64encode(cursor).decode()}
            plain["system_cursor"] = page.next_cursor
            pairs.append((plain, {"attribute": "rating", "operator": "LTE", "value": most}))
        return self._query(f"depth {self.depth:,}, by cursor{', total' * total}", pairs, total)

    def _walk(self) -> Scenario:
        """The dialect's offsets: 16 walks side by side from the depth on; the jump there is not measured."""
        mosts = [self._most() for _ in range(16)]
        pages = [(most, self.depth + 50 * number) for number in range(1, 100) for most in mosts]

        def native() -> list[bytes]:
            bodies = [{"by": "rating", "most": most, "after": after} for most, after in pages]
            return [request("POST", "/search", body=json.dumps(one)) for one in bodies]

        def system(pages: list[tuple[str, int]] = pages) -> list[bytes]:
            made = []
            for most, after in pages:
                one = {"propertyName": "rating", "operator": "LTE", "value": most}
                body = {
                    "filterGroups": [{"filters": [one]}],
                    "sorts": [{"propertyName": "last_seen_at", "direction": "DESCENDING"}],
                    "properties": self._wires(),
                    "limit": 50,
                    "after": after,
                }
                made.append(self._to_system("POST", f"{DIALECT}/search", body))
            return made

        return Scenario(
            f"depth {self.depth:,}, walked by offset, total",
            "native",
            0.7,
            {"native": native, "system": system},
            prime=lambda: system([(most, self.depth) for most in mosts]),
            walked=True,
        )

    def _count(self, selectivity: int) -> Scenario:
        values = [segment(self.rng, selectivity) for _ in range(DRAWN)]

        def system() -> list[bytes]:
            made = []
            for value in values:
                tree = {"attribute": "segment", "operator": "EQ", "value": value}
                body = {"filter": tree, "limit": 1, "attributes": ["id"], "total": "exact"}
                made.append(self._to_system("POST", f"{OBJECTS}/query", body))
            return made

        return Scenario(
            f"count, {selectivity} %",
            "native",
            0.7,
            {
                "native": lambda: [request("POST", "/count", body=json.dumps({"segment": one})) for one in values],
                "system": system,
            },
        )

    def _update(self) -> Scenario:
        def bodies() -> Iterator[tuple[int, dict[str, Any]]]:
            while True:
                values = {"contract_value": f"{self.rng.random() * 10**5:.2f}", "segment": segment(self.rng, 1)}
                yield self.rng.choice(self.ids), {"values": values}

        return Scenario(
            "update of 2",
            "bare",
            0.10,
            {
                "bare": lambda: [request("GET", "/bare")],
                "native": lambda: (request("PATCH", f"/native/{one}", body=json.dumps(body)) for one, body in bodies()),
                "system": lambda: (self._to_system("PATCH", f"{OBJECTS}/{one}", body) for one, body in bodies()),
            },
            once=True,
            compared=False,
        )

    def _newcomers(self) -> Iterator[dict[str, Any]]:
        while True:
            self.made += 1
            yield {"values": newcomer(self.rng, f"{self.made}.{self.rng.randrange(10**9)}")}

    def _create(self) -> Scenario:
        return Scenario(
            "create",
            "bare",
            0.08,
            {
                "bare": lambda: [request("GET", "/bare")],
                "native": lambda: (request("POST", "/native", body=json.dumps(one)) for one in self._newcomers()),
                "system": lambda: (self._to_system("POST", OBJECTS, one) for one in self._newcomers()),
            },
            once=True,
            compared=False,
        )

    def _batch(self) -> Scenario:
        def system() -> Iterator[bytes]:
            source = self._newcomers()
            while True:
                body = {"inputs": [next(source) for _ in range(100)]}
                yield self._to_system("POST", f"{OBJECTS}/batch/create", body)

        return Scenario(
            "batch create of 100, entities/s",
            "",
            2000,
            {"system": system},
            once=True,
            compared=False,
            per_call=100,
        )
