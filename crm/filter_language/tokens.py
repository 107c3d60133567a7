"""Filter text cut into words, quoted texts and symbols; and the error that points at a place in it.

Use `parse` of this package; this file only knows where a word ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from unicodedata import combining, east_asian_width

KEYWORDS = frozenset({"and", "or", "not", "in", "between", "is", "set", "contains", "starts", "with"})
QUOTES = {'"': '"', "'": "'", "“": "”", "「": "」"}
_TOKEN = re.compile(r"""\s*(?:(?P<symbol><=|>=|!=|[=<>(),])|(?P<word>[^\s=<>!(),"'“「][^\s=<>!(),]*))""")


class FilterError(ValueError):
    """Text that is not a filter. `str()` is the message, the text and a caret under the place that is wrong."""

    def __init__(self, message: str, text: str, column: int) -> None:
        self.message = message
        self.text = text
        self.column = column
        super().__init__(f"{message}\n  {text}\n  {_blanks(text[:column])}^")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text and where it starts."""

    kind: str  # "symbol", "word", "quoted" or "end"
    text: str
    column: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these words, unquoted, in any case."""
        return self.kind == "word" and self.text.lower() in words

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text)


def tokens(text: str) -> list[Token]:
    """All tokens, ended by one of kind "end"; raises FilterError at an unclosed quote or a stray character."""
    found: list[Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match and match.lastgroup:
            found.append(Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
            at = match.end()
            continue
        start = at + len(text[at:]) - len(text[at:].lstrip())
        if text[start] not in QUOTES:
            raise FilterError(f"{text[start]!r} cannot stand here", text, start)
        content, at = _quoted_text(text, start)
        found.append(Token("quoted", content, start))
    return [*found, Token("end", "", end)]


def _quoted_text(text: str, start: int) -> tuple[str, int]:
    """Content and end of the quoted text at `start`; a backslash escapes a quote and itself, and nothing else."""
    closing = QUOTES[text[start]]
    content: list[str] = []
    at = start + 1
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] in ("\\", closing):
            at += 1
        elif text[at] == closing:
            return "".join(content), at + 1
        content.append(text[at])
        at += 1
    raise FilterError(f"this quote is never closed by {closing}", text, start)


def quoted(text: str) -> str:
    """The text as the language reads it back: as it is when it is a plain word, else in quotes."""
    found = _TOKEN.fullmatch(text)
    if found and found["word"] == text and text.lower() not in KEYWORDS:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _blanks(text: str) -> str:
    """Blank space as wide as the text on a terminal: Chinese and the like fill two cells, combining marks none."""
    return "".join("  " if east_asian_width(one) in "WF" else "" if combining(one) else " " for one in text)
