"""What groups are called: labels of options, and names of the entities that references lead to. For showing only.

Names of other types' entities are told to those only who may read them; everybody else sees their ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.reporting.answering import Answer, Part, Told
from services.reporting.domain.definitions import TIME, Dimension
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.json import canonical, loads
from shared.service.permissions import allowed
from shared.service.replica.catalogs import KnownType
from shared.service.schema import AttributeDef

Labels = dict[str, dict[str, str]]
_NAMES = """select id, values::text from fact where type_no = %(no)s and id = any(%(ids)s) and not archived"""
_PERSON = ("first_name", "last_name")


def labelled(database: Database, ctx: Context, answer: Answer) -> Answer:
    """The answer with what its groups are called; other names are another answer."""
    with database.connect() as connection:
        found = labels(connection, ctx, answer.told)
    mark = hashlib.blake2b(canonical(found), digest_size=6).hexdigest()
    return replace(answer, body={**answer.body, "labels": found}, etag=f"{answer.etag}-{mark}")


def labels(connection: Connection, ctx: Context, made: Told) -> Labels:
    """By dimension and value, wherever a label is another text than the value."""
    part, question, found = made.part, made.question, made.table
    told: Labels = {}
    for place, name in enumerate(question.columns):
        told[name] = _labels(connection, ctx, part, name, [row.group[place] for row in found.rows])
    if question.pivot:
        told[question.pivot] = _labels(connection, ctx, part, question.pivot, found.columns)
    return {name: some for name, some in told.items() if some}


def _labels(
    connection: Connection, ctx: Context, part: Part, name: str, values: Iterable[str | None]
) -> dict[str, str]:
    one = next((one for one in part.metric.definition.groups if one.name == name and name != TIME), None)
    attribute = None if one is None or one.bucket else _attribute(part, one)
    wanted = sorted({value for value in values if value is not None})
    if attribute is None or not wanted:
        return {}
    if attribute.reference:
        target = part.known.among.find(attribute.reference)
        readable = target is not None and allowed(ctx.actor, "objects", target.live.defn, "read")
        return _names(connection, target, wanted) if target is not None and readable else {}
    known = {option.value: option.label for option in (*attribute.retired, *attribute.options) if option.label}
    told = {value: "; ".join(known.get(each, each) for each in value.split(";")) for value in wanted} if known else {}
    return {value: label for value, label in told.items() if label != value}


def _attribute(part: Part, one: Dimension) -> AttributeDef | None:
    join = part.compiled.joins.get(one.name)
    return part.known.live.find(one.attribute) if join is None else join.attribute


def _names(connection: Connection, target: KnownType, ids: Sequence[str]) -> dict[str, str]:
    """What entities are called: first and last name, else what their type shows first."""
    params = {"no": target.no, "ids": [int(one) for one in ids if one.isdigit()]}
    rows = connection.rows(_NAMES, params, prepare=True)
    told = ((str(ident), _name(target, loads(text))) for ident, text in rows)
    return {ident: name for ident, name in told if name}


def _name(target: KnownType, values: Mapping[str, Any]) -> str:
    attributes = target.live.attributes

    def value(name: str) -> str:
        one = attributes.get(name)
        return "" if one is None else str(values.get(one.key) or "")

    person = " ".join(part for part in map(value, _PERSON) if part)
    return person or value(target.live.defn.primary_display)
