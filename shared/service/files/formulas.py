"""Text that a spreadsheet would run as a formula, made harmless in exported files and itself again in imported ones.

The one rule for CSV and XLSX: text that begins with any number of apostrophes and then one of `RISKY` gets one
apostrophe in front (`shield`), and reading takes one away from such text (`unshield`). So `=1+1` is written as `'=1+1`
and `'=1+1` as `''=1+1`; every text comes back as it was. Writers shield text alone, since a number or an instant of
ours is no formula; readers unshield every cell.
"""

from __future__ import annotations

RISKY = frozenset("=+-@\t\r\n＝＋－＠")
_MARK = "'"


def shield(text: str) -> str:
    """The text as a file may hold it."""
    return _MARK + text if text.lstrip(_MARK)[:1] in RISKY else text


def unshield(text: str) -> str:
    """The text that a cell of a file stands for: `unshield(shield(text)) == text`, whatever the text."""
    return text[1:] if text[:1] == _MARK and text.lstrip(_MARK)[:1] in RISKY else text
