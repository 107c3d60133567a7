"""Entity tags in all their forms."""

from __future__ import annotations

import pytest

from shared.kernel.errors import VersionMismatch
from shared.service.web.errors import ProtocolError
from shared.service.web.native.preconditions import check, etag, expected_versions, is_known


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("*", None),
        (' "3" ', (3,)),
        ('W/"3"', (3,)),
        ('"3", W/"4"', (3, 4)),
        ('"other"', (-1,)),
        ('""', (-1,)),
        ('"99999999999999999999"', (-1,)),
    ],
)
def test_if_match(header: str | None, expected: tuple[int, ...] | None) -> None:
    assert expected_versions(header) == expected


@pytest.mark.parametrize("header", ["", "3", '"3', "W/3", '"3" "4"', '"3",', '*, "3"', '"a\x01"', "'3'"])
def test_what_is_no_tag_is_refused(header: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        expected_versions(header)
    assert caught.value.status == 400


def test_if_none_match_and_check() -> None:
    assert etag(3) == '"3"'
    assert is_known('W/"3"', 3)
    assert is_known("*", 3)
    assert not is_known('"2"', 3)
    assert not is_known(None, 3)
    check(None, 3)
    check((2, 3), 3)
    with pytest.raises(VersionMismatch):
        check((2,), 3)
