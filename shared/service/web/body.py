"""A request's JSON body as a checked dict. Used by `request.json_object`; not for JSON that we wrote ourselves.

Refused with 400: broken JSON, anything but an object, nesting deeper than MAX_DEPTH, NUL characters and lone
surrogates in strings (PostgreSQL text holds neither). Numbers that a double would round arrive as Decimal or int.
"""

from __future__ import annotations

import json as exact_json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from shared.kernel import json
from shared.kernel.errors import Invalid

MAX_DEPTH = 64
MAX_EXPONENT = 1000
_LONG_NUMBER = re.compile(rb"\d[\d.]{15}|\d[eE][+-]?\d")


def parse_object(raw: bytes) -> dict[str, Any]:
    """The object in `raw`; an empty body is an empty object. Raises Invalid."""
    return {} if not raw or raw.isspace() else _parsed(raw, dict, "object")


def parse_array(raw: bytes) -> list[Any]:
    """The array in `raw`; an empty body is an empty array. Raises Invalid."""
    return [] if not raw or raw.isspace() else _parsed(raw, list, "array")


def _parsed(raw: bytes, kind: type, name: str) -> Any:
    try:
        value = _exact(raw) if _LONG_NUMBER.search(raw) else json.loads(raw)
    except (json.JsonError, ValueError, InvalidOperation, RecursionError) as error:
        raise Invalid.one("body", "INVALID_JSON", f"The request body is not valid JSON: {_reason(error)}") from error
    if type(value) is not kind:
        raise Invalid.one("body", "INVALID_JSON", f"The request body must be a JSON {name}")
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise Invalid.one("body", "INVALID_JSON", f"The request body is nested deeper than {MAX_DEPTH} levels")
    if b"\\u0000" in raw and _holds_nul(value):
        raise Invalid.one("body", "INVALID_JSON", "The request body holds a NUL character (\\u0000) in a text")
    return value


def _exact(raw: bytes) -> Any:
    try:
        json.loads(raw)  # the strict parser decides what is JSON; it only refuses some numbers that are fine here
    except json.JsonError as error:
        if "infinity" not in str(error):
            raise
    text = raw.decode()
    value = exact_json.loads(text, parse_float=_decimal, parse_constant=_no_constant)
    if "\\u" in text:  # the lenient parser lets lone surrogates through
        exact_json.dumps(value, ensure_ascii=False, default=str).encode()
    return value


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if abs(value.adjusted()) > MAX_EXPONENT:  # written out in full it would fill the memory
        raise ValueError("exponent")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JsonError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return "a number or a text in it cannot be represented"


def _children(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        inner = value.values() if type(value) is dict else value
        found.extend(one for one in inner if type(one) is dict or type(one) is list)
    return found


def _deeper_than(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = _children(level)
        if not level:
            return False
    return True


def _holds_nul(value: Any) -> bool:
    if type(value) is str:
        return "\x00" in value
    if type(value) is dict:
        return any("\x00" in key or _holds_nul(one) for key, one in value.items())
    return type(value) is list and any(_holds_nul(one) for one in value)
