"""How text is compared: folding, words and wildcards, in one place for SQL and for Python alike.

Everything that compares text goes through here, so that a filter evaluated in Python and its SQL agree. Not for
display: what was typed is kept aside. Folding is language-neutral (Turkish dotless i is not equated with i).
"""

from __future__ import annotations

import difflib
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

SLOT_LENGTH = 200
SLOT_PREFIX = 160
# NFKC turns an ellipsis into three dots, so no folded text contains one: a shortened text equals no other text.
_CUT = "\u2026"
_HASH_DIGITS = 32
_SHORT = 100

_NOT_ALPHANUMERIC = re.compile(r"[^0-9a-z]+")
# Each of these characters is a word: such scripts put no spaces between words.
_OWN_WORD_RANGES = (
    (0x1100, 0x11FF),
    (0x3005, 0x3007),
    (0x3041, 0x30FF),
    (0x3105, 0x318E),
    (0x31A0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97C),
    (0xAC00, 0xD7FB),
    (0xF900, 0xFAFF),
    (0x1AFF0, 0x1B2FB),
    (0x20000, 0x3FFFD),
)
_BASIC_PLANE = 0x10000


def fold(text: str) -> str:
    """NFKC and casefold until nothing changes: fold(fold(x)) == fold(x). Accents stay."""
    if text.isascii():
        return text.lower()
    while True:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        if folded == text:
            return folded
        text = folded


def slot_text(folded: str) -> str:
    """What a text slot or unique key holds of a folded text: itself up to 200 characters, else 160 and a hash.

    Equality stays exact; order and prefixes look at the first 160 characters.
    """
    if len(folded) <= SLOT_LENGTH:
        return folded
    digest = hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{folded[:SLOT_PREFIX]}{_CUT}{digest[:_HASH_DIGITS]}"


def slot_prefix(folded: str) -> str:
    """The part of a folded prefix that slots can be compared with."""
    return folded[:SLOT_PREFIX]


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


class _Classes(dict[int, str]):
    """str.translate's table: a character of a word stays, one that is a word gets spaces, others become a space."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if any(low <= code <= high for low, high in _OWN_WORD_RANGES) and character.isalnum():
            found = f" {character} "
        elif character.isalnum() or _is_mark(character):
            found = character
        else:
            found = " "
        if code < _BASIC_PLANE:
            self[code] = found
        return found


_CLASSES = _Classes()


def _without_leading_marks(word: str) -> str:
    """A mark belongs to the letter before it; one that follows no letter (emoji variants) is no word."""
    start = 0
    while start < len(word) and _is_mark(word[start]):
        start += 1
    return word[start:]


def _spaced(text: str) -> str:
    """Folded words with single spaces between; an outer space tells that text began or ended between words."""
    folded = fold(text)
    if folded.isascii():
        return _NOT_ALPHANUMERIC.sub(" ", folded)
    spaced = folded.translate(_CLASSES)
    found = [word for part in spaced.split(" ") if (word := _without_leading_marks(part))]
    if not found:
        return " "
    return f"{' ' * spaced.startswith(' ')}{' '.join(found)}{' ' * spaced.endswith(' ')}"


def words(text: str) -> str:
    """Folded words, each between spaces: `Anna@Example.com` gives " anna example com "; "" when there is none."""
    return _words(text) if len(text) <= _SHORT else _words.__wrapped__(text)


# Several mirrors of one process take in the same names, one page after the other.
@lru_cache(maxsize=8192)
def _words(text: str) -> str:
    inner = _spaced(text).strip(" ")
    return f" {inner} " if inner else ""


def token_pattern(operand: str) -> list[str]:
    """The literal parts of a CONTAINS_TOKEN operand, to be found in words() in this order, anything between them.

    A part's outer space stands for a word's edge, so `b3*` gives [" b3"] and `*@example.com` gives [" example com "].
    `*` alone asks for any word at all; an operand without a word gives a part that no words() contains.
    """
    segments = operand.strip().split("*")
    parts = [_spaced(segment) for segment in segments]
    single = len(segments) == 1
    if segments[0] or single:
        parts[0] = f" {parts[0].lstrip(' ')}"
    if segments[-1] or single:
        parts[-1] = f"{parts[-1].rstrip(' ')} "
    if single and not parts[0].strip(" "):
        return ["  "]
    return [part for part in parts if part] or [" "]


def escape_like(text: str) -> str:
    """Text as a literal in LIKE with the usual escape character."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def parts_like(parts: Sequence[str]) -> str:
    """The LIKE pattern of token_pattern's parts."""
    return "".join(f"%{escape_like(part)}" for part in parts) + "%"


def parts_match(parts: Sequence[str], words_text: str) -> bool:
    """What `words_text LIKE parts_like(parts)` says, in Python. The leftmost place for each part is enough."""
    at = 0
    for part in parts:
        found = words_text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


def like_pattern(operand: str) -> str:
    """The pattern P for which `words LIKE P` answers CONTAINS_TOKEN operand."""
    return parts_like(token_pattern(operand))


def token_matches(operand: str, words_text: str) -> bool:
    """CONTAINS_TOKEN operand over a words() text, in Python."""
    return parts_match(token_pattern(operand), words_text)


def prefix_like(folded: str) -> str:
    """The LIKE pattern of texts that begin with a folded text."""
    return f"{escape_like(folded)}%"


def query_parts(query: str) -> tuple[str, ...]:
    """The parts of a free-text query: each must occur inside words(); what has no space stays whole.

    A part of one or two characters must begin a word: there are no trigrams to find it by elsewhere.
    """
    found = (part for chunk in query.split() if (part := words(chunk).strip(" ")))
    return tuple(dict.fromkeys(part if len(part) > 2 else f" {part}" for part in found))


def nearest(word: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """Known names close to a wrong one, whatever their case; for messages only."""
    by_folded = {fold(name[:100]): name for name, _ in zip(known, range(2000), strict=False)}
    close = difflib.get_close_matches(fold(word[:100]), list(by_folded), n=most, cutoff=0.6)
    return tuple(by_folded[name] for name in close)
