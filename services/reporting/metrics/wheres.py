"""Whether what a question's `where` asks for can be a value of its dimension: what cannot is refused, never answered
with nothing. What nobody happens to have can be, and counts nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from services.reporting.domain.definitions import FINE, Dimension
from services.reporting.domain.periods import bucket_of
from services.reporting.domain.questions import Question
from services.reporting.metrics.compiling import Compiled
from shared.kernel.db import Connection
from shared.kernel.errors import FieldError, Invalid
from shared.service.replica.catalogs import KnownType
from shared.service.replica.evaluating import no_option
from shared.service.schema import AttributeDef

Asked = tuple[int, KnownType, Compiled]
"""A metric's id (0: a question that none covers), its type, and what it compiles to."""
_OPTIONS = ("enumeration", "multi_enumeration")
_GREATEST = 2**63 - 1
_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ID = re.compile(r"\d{1,19}", re.ASCII)
# Options that are offered no longer are not told, but stand where they were chosen, or on past days were.
_IN_CELLS = """select exists (select from total
    where metric_id = %(metric)s and %(value)s = any(string_to_array(dims[%(place)s], ';')))
or exists (select from ledger
    where metric_id = %(metric)s and %(value)s = any(string_to_array(dims[%(place)s], ';')))"""
_IN_FACTS = "select exists (select from fact where type_no = %(no)s and values->%(key)s ? %(value)s)"


def check_where(connection: Connection, parts: Sequence[Asked], question: Question) -> None:
    """Raises Invalid with every dimension whose values cannot be; of a ratio, can be for neither of its metrics."""
    errors = []
    for name, values in question.where.items():
        told = [_refusals(connection, part, name, values) for part in parts]
        if all(told):
            errors += [FieldError(f"where.{name}", "INVALID_QUESTION", f"where.{name}: {one}") for one in told[0]]
    if errors:
        raise Invalid(errors)


def _refusals(connection: Connection, part: Asked, name: str, values: Iterable[str | None]) -> list[str]:
    ident, known, compiled = part
    place, one = next((n, one) for n, one in enumerate(compiled.definition.groups, 1) if one.name == name)
    join = compiled.joins.get(name)
    home = known if join is None else join.linkage.target
    attribute = known.live.attribute(one.attribute) if join is None else join.attribute
    told = []
    for value in values:
        if value is None:
            continue
        if one.bucket or attribute.kind not in _OPTIONS or attribute.reference:
            refusal = refused_value(value, one, attribute)
            told += [refusal] if refusal else []
            continue
        offered = {option.value for option in (*attribute.options, *attribute.retired)}
        for each in value.split(";") if offered and value not in offered else ():
            params = {"metric": ident, "place": place, "value": each, "no": home.no, "key": attribute.key}
            sql = _IN_FACTS if join is not None or not ident else _IN_CELLS
            if each not in offered and connection.rows(sql, params) == [(False,)]:
                told.append(no_option(each, attribute.options))
    return told


def refused_value(value: str, one: Dimension, attribute: AttributeDef) -> str:
    """Why a text is no value of a dimension, options aside; "" for one that can be."""
    shown = repr(value[:40])
    if one.bucket:
        form = "2026-03-01T09:30" if one.bucket == "minute" else "2026-03-01T09:00"
        form = form if one.bucket in FINE else "2026-03-01"
        first = "" if one.bucket in ("day", *FINE) else f", the first day of a {one.bucket}"
        rule = f"write {form}{first}, or a range such as now-7d..now"
        return "" if _is_bucket(value, one.bucket) else f"{shown} is no {one.bucket}: {rule}"
    if attribute.reference:
        fits = _ID.fullmatch(value) is not None and int(value) <= _GREATEST
        return "" if fits else f"{shown} is no id: write a whole number such as 17"
    if attribute.kind == "boolean":
        return "" if value in ("true", "false") else f"{shown} is neither true nor false"
    if attribute.kind == "number":
        return "" if _is_number(value) else f"{shown} is no number"
    if attribute.kind in ("date", "datetime"):
        return "" if _is_instant(value) else f"{shown} is no {attribute.kind}: write it in ISO form, such as 2026-03-01"
    return ""


def _is_bucket(value: str, bucket: str) -> bool:
    try:
        if bucket in FINE:
            at = datetime.fromisoformat(value) if _MINUTE.fullmatch(value) else None
            return at is not None and (bucket == "minute" or not at.minute)
        return _DAY.fullmatch(value) is not None and bucket_of(date.fromisoformat(value).isoformat(), bucket) == value
    except (ValueError, OverflowError):
        return False


def _is_instant(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_number(value: str) -> bool:
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False
