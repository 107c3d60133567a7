"""A question about a metric, answered: rights, freshness, cache, presentation. The only way to a number.

Every answer carries `as_of` (nothing committed before it is missing, but for what is put aside: `incomplete` says so),
`lag_ms`, `verified_at`, `definition_version`.
`fresh`: `any` answers at once; `bounded` waits until the lag is below two seconds (or as many as it says), `strong`
until everything committed before the question is in; both are refused after a while, never answered with less.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from services.reporting import linking
from services.reporting.cache import Cache
from services.reporting.commands import refused, serving
from services.reporting.documents import answer_document, freshness, freshness_text, text_without_freshness
from services.reporting.domain.definitions import CURRENCY, Definition, Wrong
from services.reporting.domain.questions import Question, Table, read_question
from services.reporting.freshness import check_fresh, needed
from services.reporting.incomplete import missing
from services.reporting.metrics import store
from services.reporting.metrics.compiling import Compiled
from services.reporting.metrics.wheres import check_where
from services.reporting.projections import Projections, compiled_metric
from services.reporting.query import Cells, groups, known_from, nothing, unconverted
from services.reporting.rates import rates_of
from services.reporting.recent import Kept, Recent, Stand, key_of, stand
from services.reporting.tabling import shares, table
from services.reporting.warming import Timed, remember
from shared.kernel.clock import monotonic, now
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Unavailable
from shared.service.permissions import REPORTS_READ, require, require_scope
from shared.service.replica.catalogs import KnownType, KnownTypes

PATIENCE = 5.0
LOOK_EVERY = 0.01
_AS_OF = "select min(as_of) from watermark where source = any(%(sources)s)"
_SNAPSHOT = "set transaction isolation level repeatable read, read only"


@dataclass(frozen=True, slots=True)
class Part:
    """A metric, or one of the two that a ratio is made of."""

    metric: store.Metric
    known: KnownType
    compiled: Compiled


@dataclass(frozen=True, slots=True)
class Told:
    """The table of an answer, and what it is about."""

    part: Part
    question: Question
    table: Table


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `etag` names the rows, not the freshness around them. told: what it was made of."""

    body: dict[str, Any]
    etag: str
    told: Told


@dataclass(slots=True)
class Answers:
    """What a process needs to answer."""

    database: Database
    projections: Projections
    cache: Cache
    recent: Recent[Answer] = field(default_factory=Recent)

    def ask(self, ctx: Context, name: str, raw: Mapping[str, Any], fresh: str = "any", *, noted: bool = True) -> Answer:
        """Answer a question. Raises NotFound, Forbidden, Invalid with every problem, Unavailable when not fresh.

        noted: somebody asked it, so that its answer is worth keeping warm when it is dear.
        """
        require_scope(ctx.actor, REPORTS_READ)
        check_fresh(fresh)
        asked, key = now(), key_of(name, raw)
        standing = self._stand(name)
        kept = self.recent.find(key, standing)
        if kept is not None and standing is not None and _still(ctx, kept, standing.as_of, fresh, asked):
            return replace(kept.answer, body={**kept.answer.body, **freshness(standing.as_of)})
        answer = self._worked_out(ctx, name, raw, fresh, asked, noted)
        if standing is not None and _of_one_metric(answer, name):
            self.recent.keep(key, standing, _mark(answer.told, asked), answer)
        return answer

    def again(self, ctx: Context, name: str, body: bytes, fresh: str = "any") -> tuple[str, bytes] | None:
        """The etag and the JSON of an answer given before to a question in these very bytes; None when it has to be
        asked. Raises Forbidden, and Invalid for what is no freshness."""
        require_scope(ctx.actor, REPORTS_READ)
        check_fresh(fresh)
        key = self.recent.spelled(name, body)
        if key is None:
            return None
        standing = self.recent.stood(name) or self._stand(name)
        kept = self.recent.find(key, standing)
        if kept is None or standing is None or not _still(ctx, kept, standing.as_of, fresh, now()):
            return None
        if not kept.text:
            kept.text = text_without_freshness(kept.answer.body)
        return kept.answer.etag, freshness_text(standing.as_of) + kept.text

    def _stand(self, name: str) -> Stand | None:
        since = monotonic()
        with self.database.connect() as connection:
            found = stand(connection, name)
        self.recent.stand(name, since, found)
        return found

    def _worked_out(
        self, ctx: Context, name: str, raw: Mapping[str, Any], fresh: str, asked: datetime, noted: bool
    ) -> Answer:
        with self.database.connect() as connection:
            metric = serving(connection, name)
            types = self.projections.catalogs.types(connection)
            parts = self._parts(connection, types, metric)
            for one in parts:
                require(ctx.actor, "objects", one.known.live.defn, "read")
            definition = asked_of(parts)
            question = read(raw, definition)
            for one in parts:
                permit(ctx, one.compiled, question.named)
            check_where(connection, [(one.metric.id, one.known, one.compiled) for one in parts], question)
        sources = sources_of(parts)
        if question.as_of is None:
            self.wait(sources, fresh, asked)
        day = question.as_of or today(definition)
        with self.database.connect() as connection:
            versions, as_of = store.stand(connection, [metric.id, *(one.metric.id for one in parts)], sources)
            lacking = missing(connection, sources)
            cells = [cells_of(one, day) for one in parts]
            mark = "-".join(one.rates.mark for one in cells if one.rates is not None)
            compute = Timed(partial(self._table, connection, cells, question))
            etag, found = self.cache.table(metric, versions, question, mark, compute)
            if noted and compute.dear:
                remember(connection, name, raw, compute.seconds)
            relations = {way.relation for one in parts for way in one.compiled.linkages}
            left = sum(linking.waiting(connection, relations).values())
            since = known_from(connection, cells, question)
        body = {**answer_document(metric, [one.metric for one in parts], question, found, as_of), **since}
        body["dimensions"] = list(definition.offered)
        more = {**lacking.document, **({"catching_up": left} if left else {})}
        marks = [etag, *([str(left)] if left else []), *([lacking.mark] if lacking.mark else [])]
        return Answer({**body, **more}, "-".join(marks), Told(parts[0], question, found))

    def _parts(self, connection: Connection, types: KnownTypes, metric: store.Metric) -> list[Part]:
        measure = metric.definition.measure
        metrics = [metric]
        if measure.kind == "ratio":
            metrics = [serving(connection, one) for one in (measure.numerator, measure.denominator)]
        known = [types.type(one.entity_type) for one in metrics]
        return [Part(one, kind, compiled_metric(one, kind)) for one, kind in zip(metrics, known, strict=True)]

    def wait(self, sources: Sequence[str], fresh: str, asked: datetime) -> None:
        """Until everything is applied that `fresh` asks for. Raises Unavailable after a while."""
        least = needed(fresh, asked)
        if least is None:
            return
        deadline, hurried = monotonic() + PATIENCE, False
        while True:
            with self.database.connect() as connection:
                as_of = reached(connection, sources)
            if as_of is not None and as_of >= least:
                return
            if not hurried:
                self.cache.hurry(sources)
                hurried = True
            if monotonic() >= deadline:
                behind = "nothing was read yet" if as_of is None else f"{(now() - as_of).total_seconds():.1f} s behind"
                raise Unavailable(
                    f"reporting lags behind ({behind}); nothing as fresh as {fresh} came within {PATIENCE:g} s. "
                    "fresh=any answers what there is, and up to when it is complete; `crm bus status` shows the lag"
                )
            time.sleep(LOOK_EVERY)

    def _table(self, connection: Connection, cells: Sequence[Cells], question: Question) -> Table:
        with connection.transaction():
            connection.run(_SNAPSHOT)
            return tabled(connection, cells, question)


def tabled(connection: Connection, parts: Sequence[Cells], question: Question) -> Table:
    """The table of one metric's cells, or of a ratio's two; inside a transaction that sees one moment."""
    asks = [partial(groups, connection, one, question) for one in parts]
    if len(asks) > 1:
        found = table(shares(*asks), question, None)
    else:
        found = table(asks[0], question, nothing(parts[0].definition))
    left_out = [line for one in parts if one.rates is not None for line in unconverted(connection, one, question)]
    return replace(found, unconverted=tuple(left_out))


def cells_of(part: Part, day: date) -> Cells:
    """Where a metric's numbers are, with the rates that its amounts are converted by."""
    definition = part.metric.definition
    measure = definition.measure
    rates = rates_of(part.known, measure.currency, measure.to, day) if measure.to else None
    return Cells(part.metric.id, definition, part.compiled.joins, rates, beyond=part.compiled.beyond)


def asked_of(parts: Sequence[Part]) -> Definition:
    """The definition that a question is about: of a ratio, what both its metrics have."""
    first, *others = (one.metric.definition for one in parts)
    for other in others:
        shared = tuple(one for one in first.dimensions if one.name in other.names)
        first = replace(first, dimensions=shared, time=first.time if other.time else None)
    return first


def permit(ctx: Context, compiled: Compiled, named: Iterable[str]) -> None:
    """Raises Forbidden unless the actor may read the types whose attributes these dimensions are, and the filter's."""
    for name in (*named, *(one.name for one in compiled.beyond)):
        if name in compiled.joins:
            require(ctx.actor, "objects", compiled.joins[name].linkage.target.live.defn, "read")


def sources_of(parts: Iterable[Part]) -> list[str]:
    """The logs that an answer is made of."""
    found: set[str] = set()
    for one in parts:
        found |= {one.known.source, *(join.linkage.target.source for join in one.compiled.joins.values())}
    return sorted(found)


def today(definition: Definition) -> date:
    """The present day in a metric's time zone."""
    return _day(definition, now())


def _day(definition: Definition, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(definition.time_zone)).date()


def _still(ctx: Context, kept: Kept[Answer], as_of: datetime | None, fresh: str, asked: datetime) -> bool:
    """Whether an answer given before does, as fresh as its cells are by now. Raises Forbidden."""
    told = kept.answer.told
    require(ctx.actor, "objects", told.part.known.live.defn, "read")
    if kept.mark != _mark(told, asked):
        return False
    least = needed(fresh, asked)
    return least is None or told.question.as_of is not None or (as_of is not None and as_of >= least)


def _mark(told: Told, moment: datetime) -> str:
    """What of the clock a question was read by: the day, or the minute."""
    day = _day(told.part.metric.definition, moment).isoformat()
    return f"{day} {moment:%H:%M}" if told.question.moving else day


def _of_one_metric(answer: Answer, name: str) -> bool:
    """Whether the metric's own cells are all that it was made of: no other metric, no linked entities, no rates."""
    part = answer.told.part
    return part.metric.name == name and not part.compiled.joins and not part.metric.definition.measure.to


def read(raw: Mapping[str, Any], definition: Definition) -> Question:
    """The question in parsed JSON. Raises Invalid with every problem."""
    try:
        question = read_question(raw, definition, today(definition))
    except Wrong as error:
        raise refused(error) from error
    measure = definition.measure
    single = len(question.where.get(CURRENCY, ())) == 1
    if measure.currency and not measure.to and CURRENCY not in question.named and not single:
        # Amounts of different currencies have no sum.
        return replace(question, by=(*question.by, CURRENCY))
    return question


def reached(connection: Connection, sources: Sequence[str]) -> datetime | None:
    """The moment before which nothing is missing of these logs."""
    row = connection.row(_AS_OF, {"sources": list(sources)}, prepare=True)
    return None if row is None or row[0] is None else row[0].replace(tzinfo=UTC)
