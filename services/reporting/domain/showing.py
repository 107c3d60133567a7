"""Values of metrics for people, by the unit of the metric. Pure; answers themselves hold exact numbers, never these.

Amounts are rounded half to even; a duration is shown in its two greatest units.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from services.reporting.domain.exact import exact

_PLACES = 4
_SHARE = Decimal("0.1")
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
_SIZES = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
_WHOLE = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())
_MOMENT = 16


@exact
def written(value: str | None, unit: str = "") -> str:
    """A value of an answer: 1234.5 as `1,234.5`, `1,234.50 EUR`, `123,450.0 %` or `20 min 34 s`; "" for none."""
    if value is None:
        return ""
    number = numeric(value)
    if number is None:
        return value[:_MOMENT].replace("T", " ") if _is_instant(value) else value
    if unit == "percent":
        return f"{(number * 100).quantize(_SHARE, ROUND_HALF_EVEN):,} %"
    if unit in _SECONDS:
        return duration(number * _SECONDS[unit])
    if unit:
        places = Decimal(1) if unit in _WHOLE else Decimal("0.01")
        return f"{number.quantize(places, ROUND_HALF_EVEN):,} {unit}"
    return plain(number)


def titled(first: str | None, bucket: str) -> str:
    """A span of time by its first day: 2026, 2026-Q3, 2026-07, 2026-W27 or the day; "" for none."""
    if not first:
        return ""
    year, month = first[:4], first[5:7]
    if bucket == "week":
        iso = date.fromisoformat(first).isocalendar()
        return f"{iso.year}-W{iso.week:02}"
    return {"year": year, "quarter": f"{year}-Q{(int(month) + 2) // 3}", "month": f"{year}-{month}"}.get(bucket, first)


@exact
def plain(number: Decimal) -> str:
    """With thousands apart, at most four decimals, and no needless zeros."""
    text = f"{round(number, _PLACES):,f}" if number.as_tuple().exponent < -_PLACES else f"{number:,f}"  # type: ignore[operator]
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(seconds: Decimal) -> str:
    """`3 d 4 h`: the two greatest units, the smaller one rounded."""
    sign, left = ("-", -seconds) if seconds < 0 else ("", seconds)
    for place, (_, size) in enumerate(_SIZES):
        smallest = _SIZES[min(place + 1, len(_SIZES) - 1)][1]
        whole = int((left / smallest).quantize(Decimal(1), ROUND_HALF_EVEN)) * smallest
        if whole >= size or size == 1:
            break
    parts = []
    for name, size in _SIZES:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {name}")
    return sign + (" ".join(parts[:2]) or "0 s")


def numeric(value: str | None) -> Decimal | None:
    """The number in a value's text; None for dates, texts and nothing."""
    try:
        return None if value is None else Decimal(value)
    except InvalidOperation:
        return None


def _is_instant(value: str) -> bool:
    return len(value) > _MOMENT and value[4:5] == "-" and value[10:11] == "T"
