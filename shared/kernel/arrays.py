"""Long lists as array parameters in text form: the driver looks at each element of a list, which costs more than the
statement; and a list of small numbers is of another type than one of large ones, so that it prepares twice.

Cast the parameter in the statement: `%(ids)s::bigint[]`. Not for a handful of values.
"""

from __future__ import annotations

from collections.abc import Iterable


def numbers(values: Iterable[int]) -> str:
    """Whole numbers."""
    return f"{{{','.join(map(str, values))}}}"


def texts(values: Iterable[str | None]) -> str:
    """Texts, whatever is in them, and nulls."""
    return f"{{{','.join([_quoted(one) for one in values])}}}"


def _quoted(text: str | None) -> str:
    if text is None:
        return "NULL"
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
