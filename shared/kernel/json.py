"""JSON in and out, by orjson, with exact decimals. The one place that knows the JSON library."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

JsonError = orjson.JSONDecodeError
Raw = orjson.Fragment


def decimal_text(value: Decimal) -> str:
    """Plain decimal text without needless zeros: 12.50 -> 12.5, 1E+3 -> 1000, -0 -> 0."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"not JSON: {type(value).__name__}")


def dumps(value: Any) -> bytes:
    """Compact UTF-8 JSON; Decimals become plain decimal strings, keys may be numbers."""
    try:
        return orjson.dumps(value, default=_default)
    except orjson.JSONEncodeError:  # keys that are no text are rare, and looking for them costs as much as writing
        return orjson.dumps(value, default=_default, option=orjson.OPT_NON_STR_KEYS)


def canonical(value: Any) -> bytes:
    """JSON with sorted keys: equal values give equal bytes (checksums, cache keys, body hashes)."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def loads(text: str | bytes) -> Any:
    """Parse JSON; raises JsonError."""
    return orjson.loads(text)
