"""Parts of JSON bodies, read with every error noted. For the dialect's doors; values of entities are the corridor's.

Readers take an ErrorList, note what is wrong and answer a harmless value, so that one answer names all mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.kernel.errors import ErrorList, Invalid

MOST_INPUTS = 100
MOST_TEXT = 65_536


def inputs(body: Mapping[str, Any], most: int = MOST_INPUTS) -> list[dict[str, Any]]:
    """The `inputs` of a batch: at most `most` objects. Raises Invalid."""
    given = body.get("inputs")
    if given is None:
        raise Invalid.one("inputs", "REQUIRED_FIELD", "inputs is required")
    if not isinstance(given, list):
        raise Invalid.one("inputs", "INVALID_TYPE", "inputs must be an array")
    if len(given) > most:
        raise Invalid.one("inputs", "LIMIT_EXCEEDED", f"a batch takes at most {most} inputs, {len(given)} were given")
    errors = ErrorList()
    for index, one in enumerate(given):
        if not isinstance(one, dict):
            errors.add(f"inputs[{index}]", "INVALID_TYPE", f"inputs[{index}] must be an object")
    errors.raise_if_any()
    return given


def text(
    body: Mapping[str, Any],
    name: str,
    errors: ErrorList,
    *,
    where: str = "",
    required: bool = False,
    most: int = MOST_TEXT,
) -> str:
    """A text; numbers are taken as their text; absent, null or wrong answers ""."""
    value = body.get(name)
    place = f"{where}{name}"
    if value is None or value == "":
        if required:
            errors.add(place, "REQUIRED_FIELD", f"{place} is required")
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        errors.add(place, "INVALID_TYPE", f"{place} must be a text")
        return ""
    found = str(value)
    if len(found) > most:
        errors.add(place, "TOO_LONG", f"{place} must have at most {most} characters")
        return ""
    return found


def number(body: Mapping[str, Any], name: str, errors: ErrorList, default: int, *, where: str = "") -> int:
    """A whole number, as number or text, within 32 bits."""
    value = body.get(name)
    if value is None:
        return default
    found = whole(value)
    if found is None or not -(2**31) <= found < 2**31:
        errors.add(f"{where}{name}", "INVALID_INTEGER", f"{where}{name} must be a whole number")
        return default
    return found


def whole(value: object) -> int | None:
    """A JSON whole number or its decimal text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) <= 20 and value.isascii() and value.removeprefix("-").isdigit():
        return int(value)
    return None


def flag(body: Mapping[str, Any], name: str, errors: ErrorList, default: bool, *, where: str = "") -> bool:
    """A boolean, or "true"/"false" in any case."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    errors.add(f"{where}{name}", "INVALID_BOOLEAN", f"{where}{name} must be true or false")
    return default


def names(body: Mapping[str, Any], name: str, errors: ErrorList, *, where: str = "") -> tuple[str, ...]:
    """An array of texts; absent or null is empty."""
    value = body.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        errors.add(f"{where}{name}", "INVALID_TYPE", f"{where}{name} must be an array of texts")
        return ()
    return tuple(dict.fromkeys(value))


def objects(body: Mapping[str, Any], name: str, errors: ErrorList, *, where: str = "") -> list[dict[str, Any]]:
    """An array of objects; absent or null is empty."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        errors.add(f"{where}{name}", "INVALID_TYPE", f"{where}{name} must be an array of objects")
        return []
    return value


def mapping(body: Mapping[str, Any], name: str, errors: ErrorList, *, where: str = "") -> dict[str, Any]:
    """An object; absent or null is empty."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        errors.add(f"{where}{name}", "INVALID_TYPE", f"{where}{name} must be an object")
        return {}
    return value
