"""Words that must not stand in the project: the vendor's name, hosts of registries, paths of somebody's machine."""

from __future__ import annotations

import re

import pytest

from tests.architecture.sources import files, texts

VENDOR = "hub" + "spot"

# Where its name may stand as such: where we say that we are somebody else, and where its client library is used.
SAYS_WHO = ("README.md", "NOTICE", "CHANGELOG.md", "docs/")
USES_THE_CLIENT = ("pyproject.toml", "requirements.lock", "tests/contract/", "tests/journeys/", "docs/examples/")
# Everywhere else only as a token of the protocol.
TOKENS = re.compile(rf"{VENDOR}_[a-z_]+|{VENDOR}Defined|{VENDOR}_DEFINED|x-{VENDOR}-[a-z-]+", re.IGNORECASE)

REGISTRIES = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.|unpkg\.com|jsdelivr|proxy\.golang|docker\.io/")
MACHINE = re.compile(r"(?<![\w.$}~*])/(?:work|root|home|Users|mnt)/[\w.]")


def named_here(name: str, text: str) -> bool:
    """Whether a file names the vendor where it must not."""
    if name.startswith((*SAYS_WHO, *USES_THE_CLIENT)):
        return False
    return VENDOR in TOKENS.sub("", text).lower()


def test_the_vendor_is_named_by_tokens_of_the_protocol_only():
    assert [name for name, text in texts() if named_here(name, text)] == []


def test_no_file_is_named_after_the_vendor():
    assert [name for name in files() if VENDOR in name.lower()] == []


@pytest.mark.parametrize("page", ["README.md", "NOTICE"])
def test_it_is_said_that_we_are_not_they(page: str):
    text = dict(texts())[page].lower()
    assert f"compatible with clients of the {VENDOR} crm api" in text
    assert "not affiliated" in text


@pytest.mark.parametrize("forbidden", [REGISTRIES, MACHINE], ids=["registries", "machine"])
def test_no_hosts_of_registries_and_no_paths_of_a_machine(forbidden: re.Pattern[str]):
    own = "tests/architecture/test_words.py"
    found = [(name, hit[0]) for name, text in texts() if name != own and (hit := forbidden.search(text))]
    assert found == []


def test_the_measures_measure():
    assert named_here("shared/x.py", f"made for {VENDOR.title()}")
    assert not named_here("shared/x.py", f'"{VENDOR}_owner_id", "X-{VENDOR.title()}-RateLimit-Max"')
    assert REGISTRIES.search("https://pypi.org/simple")
    assert MACHINE.search("cd /root/x")
    assert not MACHINE.search("GET /crm/v3/objects/home/x")
