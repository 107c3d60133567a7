"""Links of satisfaction: what was signed is read, what was changed anywhere is nothing."""

from __future__ import annotations

from pathlib import Path

from services.service_desk.satisfaction.signing import Link, keys_of, read, signed
from shared.kernel.config import Settings

LINK = Link(7, 42, 2, 0, 1_900_000_000)
NEW, OLD = b"n" * 32, b"o" * 32


def test_what_was_signed_is_read() -> None:
    assert read(signed(LINK, [NEW]), [NEW, OLD]) == LINK
    assert read(signed(LINK, [OLD]), [NEW, OLD]) == LINK
    assert read(signed(LINK, [OLD]), [NEW]) is None


def test_what_was_changed_is_nothing() -> None:
    text = signed(LINK, [NEW])
    # The last character holds bits that mean nothing: it is not among what counts.
    for place in range(len(text) - 1):
        other = "A" if text[place] != "A" else "B"
        assert read(text[:place] + other + text[place + 1 :], [NEW]) is None
    for wrong in ("", text[:-1], f"{text}A", f" {text[1:]}", "=" * len(text), "é" * len(text), "\x00" * len(text)):
        assert read(wrong, [NEW]) is None


def test_keys_are_of_this_purpose_only(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, erasure_secrets="first,second")  # type: ignore[arg-type]
    keys = keys_of(settings)
    assert len(set(keys)) == 2
    assert b"first" not in keys
    assert keys == keys_of(settings)
