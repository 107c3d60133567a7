"""Which encoding a text file is in: by its byte order mark, by being UTF-8 throughout, else by how its words look.

The whole file is looked at, since the first accented letter may stand a million rows down. A file that is UTF-8 but
for some rows stays UTF-8, and those rows are told of as they are read.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from charset_normalizer import from_bytes

_BLOCK = 1024 * 1024
_SAMPLE = 32 * 1024
# Longer marks first: UTF-32's begins with UTF-16's.
_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Alphabets of languages, beyond ASCII, in the order in which their encodings are believed. A sample of names and towns
# is too short for statistics of words, but hardly ever spells with two languages' letters.
_ALPHABETS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("cp1252", ("äöüß", "àâæçèéêëîïôœùûüÿ", "áéíñóúü", "àáâãçéêíóôõúü", "àèéìíîòóùú", "äåæéöøü", "äëéèïöüç",
                "áðéíóúýþæö", "àçèéíïòóúü", "äõöüšž")),
    ("cp1250", ("ąćęłńóśźż", "áčďéěíňóřšťúůýžöü", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž")),
    ("cp1254", ("çğıi̇öşüâîû",)),
)  # fmt: skip
_FITTING = 0.95
_LETTER = r"[^\W\d_]"
# Signs within words, which only a wrong encoding puts there: in the right one they are letters.
_IN_WORD = re.compile(rf"(?:(?<={_LETTER})[^\x00-\x7f\w\s’‘´·\xad–—]|[¹²³¼½¾¯¥£¦])(?={_LETTER})")
# What else spreadsheets and databases really write; asked for all of its hundred, a short sample looks like anything.
_LIKELY = ("cp1251", "cp1253", "cp1255", "cp1256", "gb18030", "big5", "cp932", "euc_kr", "koi8_r", "mac_roman",
           "cp1252", "cp1250", "cp1254")  # fmt: skip
_FALLBACK = "cp1252"


def find_encoding(stream: BinaryIO) -> str:
    """The codec's name. Reads the stream to its end unless a mark says it earlier."""
    head = stream.read(_BLOCK)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if wide := _without_mark(head[:4096]):
        return wide
    return _utf8_or_older(stream, head)


def _without_mark(head: bytes) -> str | None:
    """UTF-16 without a mark: in Western text every other byte is NUL."""
    half = len(head) // 2
    if half >= 4:
        if head[1::2].count(0) > half * 0.7 and head[0::2].count(0) < half * 0.1:
            return "utf-16-le"
        if head[0::2].count(0) > half * 0.7 and head[1::2].count(0) < half * 0.1:
            return "utf-16-be"
    return None


def _utf8_or_older(stream: BinaryIO, block: bytes) -> str:
    good = bad = 0
    sample = b""
    left_over = b""
    while block:
        if not block.isascii() or left_over:
            text, left_over = _decoded(left_over + block)
            broken = text.count("\ufffd")
            bad += broken
            good += len(text.encode()) - len(text) - 2 * broken
            if len(sample) < _SAMPLE:
                sample += b"".join(_foreign(block, _SAMPLE))[:_SAMPLE]
        block = stream.read(_BLOCK)
    bad += bool(left_over)
    # Chance makes few valid sequences of several bytes: where they prevail, the rest are strays in a UTF-8 file.
    return "utf-8" if not bad or good > 4 * bad or _mostly_utf8(sample) else _older(sample)


def _mostly_utf8(sample: bytes) -> bool:
    """Whether half of the lines that are not ASCII are UTF-8 throughout, which other encodings hardly ever are: the
    rest was pasted in."""
    lines = sample.splitlines()
    valid = sum("\ufffd" not in line.decode("utf-8", "replace") for line in lines)
    return 2 * valid >= len(lines)


def _foreign(block: bytes, most: int) -> Iterator[bytes]:
    """Lines that are not ASCII, of so many bytes and not many more."""
    for line in block.splitlines(keepends=True):
        if not line.isascii():
            yield line
            most -= len(line)
            if most <= 0:
                return


def _decoded(block: bytes) -> tuple[str, bytes]:
    """A block as UTF-8 with marks where it is not, and the bytes of a character that the block's end cuts."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(block)
    return text, decoder.getstate()[0]


def _older(sample: bytes) -> str:
    """An encoding from before Unicode. Cut at a byte of ASCII, so that no character of two bytes is halved."""
    cut = max(sample.rfind(b"\n"), sample.rfind(b","), sample.rfind(b";"), 0)
    sample = sample[:cut] or sample
    for encoding, alphabets in _ALPHABETS:
        if _spelt(sample.decode(encoding, "replace"), alphabets):
            return encoding
    best = from_bytes(sample, cp_isolation=list(_LIKELY), threshold=0.5).best()
    return best.encoding if best is not None else _FALLBACK


def _spelt(text: str, alphabets: tuple[str, ...]) -> bool:
    """Whether nearly all foreign letters are of one language, and no signs stand within words."""
    letters = Counter(letter for letter in text.lower() if letter > "\x7f" and letter.isalpha())
    total = letters.total()
    odd = text.count("\ufffd") + len(_IN_WORD.findall(text))
    if odd > total * (1 - _FITTING):
        return False
    return any(sum(letters[one] for one in alphabet) >= total * _FITTING for alphabet in alphabets)
