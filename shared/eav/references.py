"""Which entities references mean: by id, or by the value of a unique attribute."""

from __future__ import annotations

from collections.abc import Sequence

from shared.eav.catalog import LiveType
from shared.eav.requests import Ref
from shared.eav.store.keys import owners
from shared.eav.types import ValueProblem, kind_of
from shared.eav.validation import Judge, coerce
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid

MAX_BIGINT = 2**63 - 1


def unique_key(live: LiveType, ref: Ref, judge: Judge) -> tuple[int, str] | None:
    """(attribute id, key) of a reference by unique attribute; None for a value that cannot exist. Raises Invalid."""
    attribute = live.attribute(ref.attribute or "")
    if not attribute.unique:
        message = f'Property "{ref.attribute}" does not hold unique values: it cannot identify an entity'
        raise Invalid.one(ref.attribute or "", "NOT_UNIQUE", message)
    try:
        value = coerce(judge, live, attribute, ref.value)
    except ValueProblem:
        return None
    return None if value is None else (attribute.id, kind_of(attribute).unique_key(value, attribute))


def resolve_refs(connection: Connection, live: LiveType, refs: Sequence[Ref], judge: Judge) -> list[int | None]:
    """The id each reference means, None for unknown unique values; one statement, none when all are ids."""
    keys = [unique_key(live, ref, judge) if ref.id is None else None for ref in refs]
    found = owners(connection, {key for key in keys if key is not None})
    ids = (ref.id if key is None else found.get(key) for ref, key in zip(refs, keys, strict=True))
    return [one if one is not None and 0 < one <= MAX_BIGINT else None for one in ids]
