"""What a JSON body may be."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.errors import Invalid
from shared.service.web.body import MAX_DEPTH, parse_object


@pytest.mark.parametrize("raw", [b"", b"  \n", b"{}"])
def test_no_body_is_an_empty_object(raw: bytes) -> None:
    assert parse_object(raw) == {}


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b"1",
        b'"text"',
        b"null",
        b'{"a":NaN}',
        b'{"a":NaN,"b":1e5}',
        b'{"a":"\\u0000"}',
        b'{"a\\u0000":1}',
        b'{"a":[{"b":"x\\u0000"}]}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\ud800","b":1e400}',
        b'{"a":"\xff"}',
        b'{"a":1e999999999}',
        b'{"a":' + b"1" * 5000 + b"}",
        b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' + b'{"b":' * 3000 + b"1e5" + b"}" * 3001,
    ],
)
def test_what_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        parse_object(raw)
    assert caught.value.errors[0].code == "INVALID_JSON"
    assert len(caught.value.message) < 200


def test_depth_is_counted_by_nesting_not_by_number() -> None:
    wide = b'{"a":[' + b",".join([b'{"b":[1]}'] * 500) + b"]}"
    assert len(parse_object(wide)["a"]) == 500
    deepest = b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"
    assert parse_object(deepest)


def test_backslash_u0000_as_text_is_fine() -> None:
    assert parse_object(b'{"a":"\\\\u0000"}') == {"a": "\\u0000"}


def test_numbers_keep_every_digit() -> None:
    found = parse_object(b'{"a":12345678901234567890.123456789,"b":123456789012345678901234,"c":1.5,"d":1e3,"e":1e400}')
    assert found["a"] == Decimal("12345678901234567890.123456789")
    assert found["b"] == 123456789012345678901234
    assert (found["c"], found["d"]) == (Decimal("1.5"), 1000)
    assert found["e"] == Decimal("1e400")


@given(st.binary(max_size=200))
def test_any_bytes_give_an_object_or_a_refusal(raw: bytes) -> None:
    with contextlib.suppress(Invalid):
        assert isinstance(parse_object(raw), dict)


@given(st.binary(max_size=60))
def test_any_text_inside_an_object(raw: bytes) -> None:
    with contextlib.suppress(Invalid):
        parse_object(b'{"a":"' + raw + b'"}')
