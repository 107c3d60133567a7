"""Every normaliser leaves alone what it made: what is stored is not asked for again when it is written as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contacts.manifest import MANIFEST as CONTACTS
from services.workspace.manifest import MANIFEST as WORKSPACE
from shared.service.rules import Normalise, RuleSet

NORMALISERS = [
    pytest.param(normalise, id=f"{type_name}.{name}")
    for manifest in (CONTACTS, WORKSPACE)
    for type_name, rules in manifest.rules.items()
    if isinstance(rules, RuleSet)
    for name, normalise in rules.normalise.items()
]
_DIGITS = st.text("0123456789 ()-./", min_size=5, max_size=18)
TEXTS = st.one_of(
    st.text(max_size=30),
    st.builds("{}{}".format, st.sampled_from(["+", "00", "+49", "+1", "+39 0", " +44 (0)", "0"]), _DIGITS),
    st.builds("{}{}{}".format, st.sampled_from(["https://", "www.", " HTTP://WWW.", ""]), st.text("aB.ü-", max_size=12),
              st.sampled_from([".com", ".CO.UK/path?x=1", ":8080", "."])),
    st.builds("{}@{}".format, st.text("aB .+", max_size=8), st.sampled_from(["X.com ", "ü.de"])),
)  # fmt: skip


def test_there_are_some() -> None:
    assert len(NORMALISERS) >= 5


@pytest.mark.parametrize("normalise", NORMALISERS)
@given(text=TEXTS)
def test_twice_is_once(normalise: Normalise, text: str) -> None:
    made = normalise(text)
    assert normalise(made) == made
