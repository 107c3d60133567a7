"""When two contacts, or two companies, may be the same: match rules, most certain first.

Keys are stored: whoever changes what a rule's keys are made of gives the rule another version, and maintenance makes
them anew. What counts as alike in a text is `domain.likeness`.
"""

from __future__ import annotations

from collections.abc import Iterator

from rapidfuzz import fuzz

from services.contacts.domain import likeness
from shared.service.matching.rules import Matching, MatchRule, Values, certain

_NAMES = ("first_name", "last_name")
_PHONES = ("phone", "mobile_phone")
# The best score of a likeness.
_FUZZY = 0.85


def _name(values: Values) -> tuple[str, ...]:
    return likeness.person(values.get("first_name"), values.get("last_name"))


def mailbox_and_name(values: Values) -> Iterator[str]:
    """The same mailbox at another provider, and the same name."""
    mailbox, _ = likeness.mailbox(values.get("email") or "")
    name = _name(values)
    if mailbox and name and mailbox not in likeness.SHARED_MAILBOXES:
        yield f"{mailbox} {' '.join(name)}"


def phone_numbers(values: Values) -> Iterator[str]:
    """A phone number, however its country is written."""
    for one in _PHONES:
        yield likeness.number_end(values.get(one) or "")


def name_and_company(values: Values) -> Iterator[str]:
    """The same name at the same company."""
    name, company = _name(values), likeness.organisation(values.get("company") or "")
    if name and company:
        yield f"{' '.join(name)} {company}"


def names_that_sound_alike(values: Values) -> Iterator[str]:
    """Blocks: how the names sound, within a company, a company's domain, or a place."""
    name = _name(values)
    if len(name) < 2:
        return
    sound = " ".join(sorted([likeness.skeleton(word)[:3] for word in name]))
    company = likeness.organisation(values.get("company") or "")
    _, domain = likeness.mailbox(values.get("email") or "")
    if company:
        yield f"c {sound} {company.split()[0]}"
    if domain and domain not in likeness.MAIL_PROVIDERS:
        yield f"d {sound} {domain}"
    place = likeness.plain(values.get("city") or "").strip()
    if place:
        yield f"p {sound} {place}"


def likeness_of_names(one: Values, other: Values) -> float:
    """How alike two full names are, never as certain as a rule that compares them exactly."""
    return _FUZZY * float(fuzz.ratio(" ".join(_name(one)), " ".join(_name(other)))) / 100


def domains(values: Values) -> Iterator[str]:
    """What was registered of the company's domain or site."""
    for one in ("domain", "website"):
        host = (values.get(one) or "").partition("//")[2] or (values.get(one) or "")
        root = likeness.domain_root(host.partition("/")[0].partition(":")[0].rpartition("@")[2])
        if root and root not in likeness.MAIL_PROVIDERS:
            yield root


def company_name(values: Values) -> Iterator[str]:
    """The name without legal forms."""
    yield likeness.organisation(values.get("name") or "").replace(" ", "")


def company_names_that_look_alike(values: Values) -> Iterator[str]:
    """Blocks: how the name begins, and how its longest word sounds."""
    words = likeness.organisation(values.get("name") or "").split()
    whole = "".join(words)
    if len(whole) >= 4:
        yield f"b {whole[:6]}"
        yield f"s {likeness.skeleton(max(words, key=len))} {len(words)}"


def likeness_of_companies(one: Values, other: Values) -> float:
    """How alike two companies' names are, legal forms aside."""
    mine, theirs = (likeness.organisation(values.get("name") or "") for values in (one, other))
    return _FUZZY * max(float(fuzz.ratio(mine, theirs)), float(fuzz.token_sort_ratio(mine, theirs))) / 100


CONTACT = (
    MatchRule("same_mailbox_and_name", 1, ("email", *_NAMES), mailbox_and_name, certain(0.95)),
    MatchRule("same_name_and_company", 1, (*_NAMES, "company"), name_and_company, certain(0.9)),
    MatchRule("same_phone", 1, _PHONES, phone_numbers, certain(0.8)),
    MatchRule("similar_name", 1, (*_NAMES, "company", "email", "city"), names_that_sound_alike, likeness_of_names, 0.6),
)
COMPANY = (
    MatchRule("same_domain", 1, ("domain", "website"), domains, certain(0.95)),
    MatchRule("same_name", 1, ("name",), company_name, certain(0.9)),
    MatchRule("similar_name", 1, ("name",), company_names_that_look_alike, likeness_of_companies, 0.72),
)
MATCHING: Matching = {"contact": CONTACT, "company": COMPANY}
