"""Who is meant by a text: link targets and referred-to entities, looked up for a whole chunk at once.

One statement per link column or reference attribute, whatever the number of rows. Entities of workspace are asked of
workspace, since replicas know ids only; this is a worker, no request waits for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.store.keys import owners
from shared.eav.tables import table_name
from shared.eav.types import ValueProblem, kind_of
from shared.eav.validation import Judge, coerce
from shared.kernel.db import Connection
from shared.service.imports.spec import BY_ID

Found = dict[str, tuple[int, ...]]
"""Text -> the entities it means: none (left out), one, or several (the first two)."""

_LARGEST = 2**63 - 1
_ARRAYS = {"t": "text", "i": "bigint", "d": "timestamp", "n": "numeric"}
_BY_VALUE = """
select k.place, t.id from unnest(%(keys)s::{array}[]) with ordinality k(value, place)
cross join lateral (select id from {table} where {column} = k.value order by id limit 2) t order by 1, 2
"""


def find_targets(connection: Connection, judge: Judge, live: LiveType, attribute: str, texts: Collection[str]) -> Found:
    """Live entities whose attribute has these values, or whose ids these are. Raises UnknownAttribute."""
    if not texts:
        return {}
    if attribute == BY_ID:
        return _by_id(connection, live, texts)
    named = live.attribute(attribute)
    values: dict[str, Any] = {}
    for text in texts:
        try:
            value = coerce(judge, live, named, text)
        except ValueProblem:
            continue
        if value is not None:
            values[text] = value
    if named.system:
        return _by_id(connection, live, texts)
    return _by_key(connection, named, values) if named.unique else _by_slot(connection, live, named, values)


def _by_id(connection: Connection, live: LiveType, texts: Iterable[str]) -> Found:
    ids = {text: int(text) for text in texts if text.isdecimal() and text.isascii() and len(text) < 20}
    wanted = sorted({one for one in ids.values() if 0 < one <= _LARGEST})
    rows = connection.rows(f"select id from {table_name(live.table)} where id = any(%(ids)s)", {"ids": wanted})
    known = {row[0] for row in rows}
    return {text: (ident,) for text, ident in ids.items() if ident in known}


def _by_key(connection: Connection, attribute: AttributeDef, values: Mapping[str, Any]) -> Found:
    keys = {text: (attribute.id, kind_of(attribute).unique_key(value, attribute)) for text, value in values.items()}
    held = owners(connection, set(keys.values()))
    return {text: (held[key],) for text, key in keys.items() if key in held}


def _by_slot(connection: Connection, live: LiveType, attribute: AttributeDef, values: Mapping[str, Any]) -> Found:
    kind = kind_of(attribute)
    if attribute.column is None or kind.family is None:
        return {}
    slots = {text: kind.to_slot(value, attribute) for text, value in values.items()}
    keys = sorted(set(slots.values()))
    table = table_name(live.table, attribute.bank)
    sql = _BY_VALUE.format(array=_ARRAYS[kind.family], table=table, column=attribute.column)
    found: dict[Any, tuple[int, ...]] = {}
    for place, ident in connection.rows(sql, {"keys": keys}):
        key = keys[place - 1]
        found[key] = (*found.get(key, ()), ident)
    return {text: found[key] for text, key in slots.items() if key in found}


def told_by(live: LiveType, candidates: Sequence[str] = ("email", "name")) -> str | None:
    """The attribute by which people name entities of a type: a unique one if there is any, else e-mail or name."""
    unique = [one.name for one in live.attributes.values() if one.unique and not one.system]
    return next((one for one in (*candidates, *unique) if one in unique or live.find(one) is not None), None)
