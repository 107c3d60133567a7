"""An import's target half on a real database: orders given and rows served by hand, as the service that has the file
would."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.contracts import imports as contract
from shared.contracts.event import Event
from shared.contracts.imports import ChunkDone, JobOrder, PhaseFinished, detail_of
from shared.eav.filters import Condition, Operator
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.service.entities import Query, View
from shared.service.imports.kind import ImportKind
from shared.service.imports.orders import apply_orders
from shared.service.imports.spec import Column, ImportSpec, Key
from shared.service.work import ledger
from shared.service.work.running import run_one

_numbers = itertools.count(1)


def columns(header: Sequence[str], **more: Mapping[str, Any]) -> tuple[Column, ...]:
    """A column for every header that is an attribute name, with what else is said of some."""
    return tuple(
        Column(index=place, attribute=name, header=name, **more.get(name, {})) for place, name in enumerate(header)
    )


def spec(type_name: str, header: Sequence[str], *, key: str | None = None, **more: Any) -> ImportSpec:
    """A specification in which every column is named after its attribute."""
    given = more.pop("columns", None)
    return ImportSpec(
        type=type_name,
        mode=more.pop("mode", "upsert" if key else "create"),
        key=Key(column=list(header).index(key), attribute=key) if key else None,
        columns=columns(header) if given is None else given,
        header=tuple(header),
        **more,
    )


@dataclass
class Import:
    """One import into one service."""

    runtime: Any
    asked: ImportSpec
    rows: Sequence[Sequence[str | None]]
    size: int = 100
    attributes: Sequence[Mapping[str, Any]] = ()
    actor: str = "token:7"
    number: int = field(default_factory=lambda: next(_numbers))

    def __post_init__(self) -> None:
        numbered = [(place, list(cells)) for place, cells in enumerate(self.rows, 2)]
        self.chunks = [numbered[start : start + self.size] for start in range(0, len(numbered), self.size)]
        self.kind = ImportKind(lambda settings, job, chunk: _served[job].chunks[chunk])
        _served[self.number] = self

    def afters(self) -> list[tuple[int, int | None]]:
        """Each chunk and the last one before it that has one of its keys."""
        last: dict[str, int] = {}
        found: list[tuple[int, int | None]] = []
        for n, chunk in enumerate(self.chunks):
            keys = [str(cells[self.asked.key.column]).casefold() for _, cells in chunk] if self.asked.key else []
            found.append((n, max((last[key] for key in keys if key in last), default=None)))
            last.update(dict.fromkeys(keys, n))
        return found

    def order(self, state: str = contract.RUNNING, phase: str = contract.RUN, **more: Any) -> None:
        """Give an order, as an event that arrives."""
        order = JobOrder(more.pop("service", self.runtime.manifest.name), state, phase, **more)
        event = Event(
            kind=contract.JOB,
            entity_type=self.asked.type,
            entity_id=self.number,
            at=now(),
            actor=self.actor,
            correlation=f"import-{self.number}",
            detail=order.to_document(),
        )
        with self.runtime.db.transaction() as connection:
            apply_orders(self.runtime.manifest.name)(connection, [event])

    def begin(self, phase: str = contract.RUN) -> Import:
        """Order a phase with all its chunks."""
        self.order(
            phase=phase,
            spec=self.asked.model_dump(mode="json"),
            chunks=tuple(self.afters()),
            final=True,
            attributes=tuple(self.attributes),
        )
        return self

    def work(self, most: int = 10_000) -> int:
        """Work off chunks of any job; how many."""
        for done in range(most):
            claim = ledger.claim(self.runtime.db)
            if claim is None:
                return done
            run_one(self.runtime, {"import": self.kind}, claim)
        return most

    def do(self, phase: str = contract.RUN) -> Import:
        """Order a phase and work it off."""
        self.begin(phase).work()
        return self

    def undo(self) -> Import:
        """Order and work off the undoing."""
        self.order(contract.UNDO, contract.UNDOING)
        self.work()
        return self

    def again(self, rows: Sequence[Sequence[str | None]] | None = None) -> Import:
        """Another import of the same file, or of another one like it."""
        return replace(self, number=next(_numbers), rows=self.rows if rows is None else rows)

    def told(self) -> list[Any]:
        """Everything this import told, in order."""
        with self.runtime.db.connect() as connection:
            rows = connection.rows(
                "select body from outbox where kind like 'import.%%' and entity_id = %(n)s order by id",
                {"n": self.number},
            )
        return [detail_of(_event(row[0])) for row in rows]

    def reports(self, *phases: str) -> list[ChunkDone]:
        """The reports of chunks, of some phases or all."""
        return [one for one in self.told() if isinstance(one, ChunkDone) and (not phases or one.phase in phases)]

    def counts(self, *phases: str) -> Counter[str]:
        """Sums over reports."""
        total: Counter[str] = Counter()
        for one in self.reports(*phases):
            assert one.rows == one.created + one.updated + one.unchanged + one.rejected
            names = ("rows", "created", "updated", "unchanged", "rejected")
            total.update({name: getattr(one, name) for name in names})
        return total

    def errors(self, *phases: str) -> dict[int, set[str]]:
        """Line -> codes."""
        found: dict[int, set[str]] = {}
        for report in self.reports(*phases):
            for error in report.errors:
                found.setdefault(error.line, set()).add(error.code)
        return found

    def finished(self) -> list[PhaseFinished]:
        """How phases ended."""
        return [one for one in self.told() if isinstance(one, PhaseFinished)]

    def job(self) -> ledger.Job:
        """The ledger's row."""
        with self.runtime.db.connect() as connection:
            found = ledger.find(connection, "import", self.number)
        assert found is not None
        return found


_served: dict[int, Import] = {}


def _event(body: Mapping[str, Any]) -> Event:
    return Event(kind=body["kind"], entity_type=body["entity_type"], at=now(), detail=body.get("detail", {}))


CTX = Context(source="API")


def values(
    runtime: Any, type_name: str, attributes: Sequence[str], by: str | None = None
) -> dict[Any, tuple[Any, ...]]:
    """All live entities of a type: the `by` value (or id) -> values, in the text form."""
    view = View("text", (*attributes, *([by] if by else [])))
    found: dict[Any, tuple[Any, ...]] = {}
    after: int | None = None
    while True:
        page, after = runtime.entities.list(CTX, type_name, view, limit=100, after=after)
        live = runtime.catalog.type(type_name)
        for one in page:
            key = one.id if by is None else one.values.get(live.attribute(by).wire)
            found[key] = tuple(one.values.get(live.attribute(name).wire) for name in attributes)
        if after is None:
            return found


def find(runtime: Any, type_name: str, attribute: str, value: str) -> int:
    """The id of the one entity with this value."""
    page = runtime.entities.query(
        CTX, type_name, Query(Condition(attribute, Operator.EQ, (value,))), View("text", (attribute,))
    )
    assert len(page.entities) == 1, page
    return int(page.entities[0].id)


def facts(runtime: Any) -> dict[str, int]:
    """How much there is of what writes leave, import events left out."""
    with runtime.db.connect() as connection:
        row = connection.row(
            """select (select count(*) from eav_history), (select count(*) from outbox where kind not like 'import.%'),
            (select count(*) from eav_link)"""
        )
    assert row is not None
    return dict(zip(("history", "events", "links"), row, strict=True))
