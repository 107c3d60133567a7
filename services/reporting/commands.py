"""Use cases: define, change and retire metrics; verify one against the replica."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

import psycopg

from services.reporting.domain.definitions import Definition, Wrong, document, read_definition
from services.reporting.linking import counted_under, hold
from services.reporting.metrics import mending, store
from services.reporting.metrics.compiling import compile_metric
from services.reporting.metrics.deltas import Deltas
from services.reporting.projections import Projections, compiled_metric, counts_numbers
from services.reporting.proving import WrongCell, examine, named
from services.reporting.rates import check_currencies
from services.reporting.rights import permit_counting, permit_metric
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Conflict, FieldError, Invalid, NotFound, Unavailable
from shared.kernel.json import loads
from shared.service.replica.catalogs import KnownType
from shared.service.replica.facts import FactChange
from shared.service.replica.linkages import Linkage
from shared.service.work import ledger

_AT_ONCE = 2000
_FACTS = """select id, values::text from fact
where type_no = %(no)s and id > %(after)s and not archived order by id"""
_GIVE_UP = """update metric set state = 'replaced', retired_at = timezone('utc', clock_timestamp())
where id = %s and state = 'backfilling'"""
_COUNT = "select count(*) from fact where type_no = %(no)s"


@dataclass(frozen=True, slots=True)
class Verified:
    """The outcome of a verification: groups compared, how many were wrong, and what in them, also as JSON (`told`)."""

    groups: int
    wrong_groups: int
    wrong: list[WrongCell]
    told: dict[str, Any]


def refused(error: Wrong) -> Invalid:
    """A domain's refusal as the error that doors answer."""
    return Invalid([FieldError(name, code, message) for name, code, message in error.problems])


def define(database: Database, projections: Projections, ctx: Context, raw: Mapping[str, Any]) -> store.Metric:
    """A new metric, to be backfilled. Raises Invalid with every problem, Forbidden, Conflict when the name is taken."""
    definition = _checked(database, projections, ctx, raw)
    with database.transaction() as connection:
        store.hold_name(connection, definition.name)
        if store.find(connection, definition.name) is not None:
            raise Conflict(f"There is a metric {definition.name} already; change it, or retire it first")
        return started(connection, projections, ctx, definition)


def redefine(
    database: Database, projections: Projections, ctx: Context, name: str, raw: Mapping[str, Any]
) -> store.Metric:
    """A new generation of a metric; the one before serves until it is ready. An equal definition changes nothing."""
    if raw.get("name") not in (None, name):
        raise Invalid.one("name", "READ_ONLY_VALUE", "name: a metric keeps its name; define another one")
    with database.connect() as connection:
        present = found(connection, name)
        permit_metric(connection, projections, ctx, present)
    given = {**document(present.definition), **raw, "name": name}
    asked = {key: value for key, value in given.items() if value is not None}
    definition = _checked(database, projections, ctx, asked)
    if definition == present.definition:
        return present
    with database.transaction() as connection:
        store.hold_name(connection, name)
        found(connection, name)  # it may have been retired meanwhile
        return started(connection, projections, ctx, definition)


def renew(database: Database, projections: Projections, ctx: Context, raw: Mapping[str, Any]) -> store.Metric:
    """A new generation of a metric that is defined altogether anew; as above."""
    definition = _checked(database, projections, ctx, raw)
    with database.transaction() as connection:
        store.hold_name(connection, definition.name)
        found(connection, definition.name)  # it may have been retired meanwhile
        return started(connection, projections, ctx, definition)


def _checked(database: Database, projections: Projections, ctx: Context, raw: Mapping[str, Any]) -> Definition:
    try:
        definition = read_definition(raw)
    except Wrong as error:
        raise refused(error) from error
    with database.connect() as connection:
        if definition.measure.kind == "ratio":
            for part in (definition.measure.numerator, definition.measure.denominator):
                made_of = found(connection, part)
                permit_metric(connection, projections, ctx, made_of)
                if not made_of.entity_type:
                    told = f"measure: {part} is a ratio itself; a ratio is made of two metrics of entities"
                    raise Invalid.one("measure", "INVALID_METRIC", told)
        else:
            known = projections.catalogs.types(connection).type(definition.entity_type)
            # Events tell of types by their own name: under another one nothing would ever be counted.
            definition = replace(definition, entity_type=known.name)
            permit_counting(ctx, known, compile_metric(definition, known))
            if definition.measure.currency:
                check_currencies(known, definition.measure.currency, definition.measure.to)
    return definition


def started(connection: Connection, projections: Projections, ctx: Context, definition: Definition) -> store.Metric:
    """A generation that a job fills from now on. Raises Conflict while another one of that name is filled."""
    to_backfill = 0
    if definition.entity_type:
        known = projections.catalogs.types(connection).type(definition.entity_type)
        row = connection.row(_COUNT, {"no": known.no})
        to_backfill = int(row[0]) if row else 0
    try:
        made = store.insert(connection, definition, ctx.actor.id, to_backfill)
        if not definition.entity_type:  # a ratio keeps nothing of its own
            store.finish(connection, made)
        else:
            entity_type = definition.entity_type
            ledger.start(connection, "backfill", made.id, entity_type=entity_type, phase="fill", context=ctx)
        return store.by_id(connection, made.id) or made
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(f"A change of {definition.name} is being filled; wait until it is ready") from error


def retire(database: Database, name: str, *, with_ratios: bool = False) -> list[str]:
    """Take a metric out of service, all generations of it; its cells go. What was retired.

    Raises NotFound, and Conflict while ratios are made of it, unless those should go with it.
    """
    with database.transaction() as connection:
        store.hold_name(connection, name)
        found(connection, name)
        ratios = store.ratios_of(connection, name)
        if ratios and not with_ratios:
            many = "is" if len(ratios) == 1 else "are"
            raise Conflict(
                f"{', '.join(ratios)} {many} made of {name}: retire that first, or all together with ratios=true"
            )
        for one in (*ratios, name):
            store.hold_name(connection, one)
            store.retire(connection, one)
    return [*ratios, name]


def found(connection: Connection, name: str, states: tuple[str, ...] = (*store.ACTIVE, store.FAILED)) -> store.Metric:
    """The metric that serves under a name; raises NotFound with the nearest names."""
    metric = store.find(connection, name, states)
    if metric is None:
        raise NotFound("metric", [name], f"There is no metric {name[:80]}")
    return metric


def serving(connection: Connection, name: str) -> store.Metric:
    """The metric that answers under a name. Raises NotFound, Invalid when it failed, Unavailable while it is filled."""
    metric = found(connection, name)
    if metric.state == store.FAILED:
        told = f"{name} failed and answers nothing until it is changed: {metric.error}"
        raise Invalid.one("metric", "METRIC_FAILED", told)
    if metric.state != store.READY:
        raise Unavailable(f"{name} is being filled; {metric.to_backfill} entities are left")
    return metric


def of_entities(connection: Connection, name: str) -> store.Metric:
    """Likewise, but no ratio, which is made of two other metrics. Raises Invalid for one."""
    metric = serving(connection, name)
    if not metric.entity_type:
        raise Invalid.one("metric", "INVALID_QUESTION", "a ratio is explained and verified by its two metrics")
    return metric


def live_facts(
    connection: Connection, known: KnownType, after: int = 0, linkages: Sequence[Linkage] = ()
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Ids and values of live entities in id order, streamed, with what they are counted under by these linkages;
    inside a transaction only."""
    for some in _facts(connection, known, after):
        leads = [counted_under(connection, one, [row[0] for row in some])[0] for one in linkages]
        for ident, text in some:
            values = loads(text)
            for one, lead in zip(linkages, leads, strict=True):
                if lead[ident] is not None:
                    values[one.key] = str(lead[ident])
            yield ident, values


def _facts(connection: Connection, known: KnownType, after: int) -> Iterator[list[tuple[int, str]]]:
    with connection.raw.cursor(name="facts") as cursor:
        cursor.execute(_FACTS, {"no": known.no, "after": after})
        while some := cursor.fetchmany(_AT_ONCE):
            yield some


def verify(database: Database, projections: Projections, name: str, *, repair: bool = False) -> Verified:
    """Compare what is kept with what one gets by looking at every entity, as of one moment; note the outcome.

    repair: put the cells right, days of the ledger on their days; what came to be different otherwise is a change of
    today. The repair is noted with them.
    """
    with database.transaction() as connection:
        if not repair:
            # Facts and cells of one moment, without keeping anybody waiting.
            connection.run("set transaction isolation level repeatable read")
        metric = of_entities(connection, name)
        known = projections.catalogs.types(connection).type(metric.entity_type)
        if repair:
            store.hold(connection, known.source)
            hold(connection, [known])
        compiled = compiled_metric(metric, known)
        counted, moment = Deltas(), now()
        for ident, values in live_facts(connection, known, linkages=compiled.linkages):
            counted.add(compiled, FactChange(known, ident, 0, "", moment, moment, None, values))
        # What came to nothing is no group: so it is with what is kept.
        truth = {dims: (one.n, one.m, one.s) for (dims, _), one in counted.cells.items() if not one.nothing}
        valued = {key: n for key, n in counted.values.items() if n}
        numeric, day = counts_numbers(compiled, known), moment.astimezone(UTC).date()
        found = examine(connection, metric, compiled, known, truth, valued, day, numeric=numeric)
        if found.wrong and repair:
            mending.put_right(connection, metric.id, found.missing, valued, numeric)
        count = len(found.groups)
        store.note_verified(connection, metric.id, moment, 0 if repair else count)
        told = named(metric, found.wrong)
        if found.wrong:
            store.note_repair(connection, metric.name, count, repaired=repair, found=told)
    return Verified(len(truth), count, found.wrong, told)


def name_types(database: Database, projections: Projections) -> int:
    """Fill metrics anew, under the own name of their type, that were kept under another one: no event has reached
    those since they were filled. How many; the generation before serves until then."""
    with database.connect() as connection:
        types = projections.catalogs.types(connection)
        some = [one for one in store.listed(connection) if one.entity_type]
    filling = {one.name for one in some if one.state == store.BACKFILLING}
    made = 0
    for one in some:
        known = types.find(one.entity_type) or types.find(one.entity_type.lower())
        if known is None or known.name == one.entity_type or (one.state == store.READY and one.name in filling):
            continue
        try:
            with database.transaction() as connection:
                store.hold_name(connection, one.name)
                if store.find(connection, one.name) is None:  # retired meanwhile
                    continue
                connection.run(_GIVE_UP, (one.id,))
                started(
                    connection, projections, Context(source="SYSTEM"), replace(one.definition, entity_type=known.name)
                )
            made += 1
        except Conflict:  # somebody was faster
            continue
    return made
