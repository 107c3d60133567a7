"""What doors read from a request: body, query parameters, who asks. Only for code that runs inside a request.

Every refusal is an Invalid that names the parameter. Query lists come repeated and comma-joined, booleans in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from flask import g, request

from shared.kernel.context import Context
from shared.kernel.errors import ErrorList, Invalid
from shared.service.web.body import parse_array, parse_object
from shared.service.web.errors import ProtocolError

T = TypeVar("T")
BIGGEST_ID = 2**63 - 1
_TRUE = frozenset(("true", "1", "yes"))
_FALSE = frozenset(("false", "0", "no", ""))


def context() -> Context:
    """The context of this request: its actor and correlation id. Only inside an operation's handler."""
    found: Context = g.context
    return found


def json_object() -> dict[str, Any]:
    """The JSON object of the body; `{}` without a body, whatever the content type says.

    Raises Invalid for anything that is not a sound JSON object, ProtocolError 415 for what is not meant as JSON.
    """
    return _json(parse_object)


def json_array() -> list[Any]:
    """The same for a body that is an array; `[]` without a body."""
    return _json(parse_array)


def _json(parse: Callable[[bytes], T]) -> T:
    raw = request.get_data(cache=True)
    kind = request.mimetype
    most = request.max_content_length
    if raw and most is not None and len(raw) >= most and request.content_length is None:
        raise ProtocolError(413, f"The request body is larger than {most} bytes")  # chunked: it was cut off there
    if raw and request.environ.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
        raise ProtocolError(415, "Compressed request bodies are not accepted: send plain application/json")
    try:
        return parse(raw)
    except Invalid:
        if kind and not kind.endswith("json") and kind != "text/plain":
            raise ProtocolError(415, f"The body must be application/json, not {kind[:80]}") from None
        raise


def list_param(name: str) -> tuple[str, ...]:
    """All values of a list parameter, repeated and comma-joined mixed, in order, without blanks and repetitions."""
    found = request.args.getlist(name)
    if not found:
        return ()
    return tuple(dict.fromkeys(part for one in found for raw in one.split(",") if (part := raw.strip())))


def text_param(name: str, default: str = "") -> str:
    """The last value of a text parameter, stripped."""
    found = request.args.getlist(name)
    return found[-1].strip() if found else default


def _first(name: str) -> str | None:
    """The first value of a parameter: what most requests leave out is no exception here, as it is to `get`."""
    found = request.args.getlist(name)
    return found[0] if found else None


def bool_param(name: str, default: bool = False) -> bool:
    """A boolean parameter in any case (`True`, `true`). Raises Invalid for other words."""
    found = _first(name)
    if found is None:
        return default
    word = found.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Invalid.one(name, "INVALID_BOOLEAN", f"{name} must be true or false")


def int_param(name: str, default: int | None, most: int = BIGGEST_ID, *, least: int = 0) -> int | None:
    """A whole-number parameter between `least` and `most`; `default` when absent or empty. Raises Invalid."""
    found = _first(name)
    if found is None or not (text := found.strip()):
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 19) or not least <= int(text) <= most:
        raise Invalid.one(name, "INVALID_INTEGER", f"{name} must be a whole number from {least} to {most}")
    return int(text)


def known_keys(body: Mapping[str, object], known: Sequence[str], where: str = "") -> None:
    """Refuse keys outside `known`, naming the nearest ones: for strict doors. Raises Invalid with every such key."""
    errors = ErrorList()
    for key in body:
        if key not in known:
            nearest = get_close_matches(key, known, 3, 0.5)
            hint = f"; did you mean {' or '.join(nearest)}?" if nearest else f"; known: {', '.join(known)}"
            errors.add(f"{where}{key[:80]}", "UNKNOWN_KEY", f"unknown key {where}{key[:80]}{hint}", nearest)
    errors.raise_if_any()
