"""What must hold and what follows when a contact or a company is written.

The lifecycle stage moves forward only (`domain.lifecycle`). A step back is refused, with 400 and a message that says
how to do it on purpose: clear the stage, then set the earlier one. Both doors answer the same. Keeping the old stage
in silence was the alternative: it spares old integrations an error, but answers a write with a value other than the
written one and hides the loss from whoever sent it, so it was rejected.

Phone numbers become E.164 when that is certain: written internationally, or the entity's country is known, and the
number is valid in that country's numbering plan. The first needs no more than the text, so it is a normaliser, which
equality filters share: a number is found by what was typed. Anything else (extensions, fictional numbers, words) stays
as typed, and a stored number is not touched when only the country changes.

An owner set or changed stamps when that was, unless the same write says so itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import phonenumbers

from services.contacts.domain.countries import region_of
from services.contacts.domain.email import normalise_email
from services.contacts.domain.lifecycle import moves_back
from services.contacts.domain.web_domain import normalise_domain
from shared.service.ownership import stamp_owner
from shared.service.rules import PASS, Check, Proposal, RuleSet, Verdict, complete, on_text, refuse

_E164 = re.compile(r"\+([1-9]\d{6,14})", re.ASCII)
_DIALLED = re.compile(r"[\d\s()+./\-\u2010-\u2015]{5,}")


def keep_lifecycle_forward(proposal: Proposal) -> Verdict:
    """Refuse a step back on the way to customer."""
    old, new = proposal.before("lifecycle_stage"), proposal.after("lifecycle_stage")
    if not moves_back(_text(old), _text(new)):
        return PASS
    return refuse(
        "lifecycle_stage",
        "INVALID_OPTION",
        f"The lifecycle stage moves forward only: it is {old} and cannot go back to {new}. "
        f"To set it back on purpose, clear it first, then write {new}.",
    )


def international_phones(*names: str) -> Check:
    """A check that brings the named phone attributes to E.164 where that is certain.

    What begins with + needs no country: `international` has seen to it.
    """

    def check(proposal: Proposal) -> Verdict:
        given = ((name, _text(proposal.new.get(name))) for name in names)
        written = {name: text for name, text in given if text and not text.startswith("+")}
        if not written:
            return PASS
        region = region_of(_text(proposal.after("country")) or "")
        found = {name: e164(text, region) for name, text in written.items()}
        return complete(**{name: number for name, number in found.items() if number != written[name]})

    return check


def international(text: str) -> str:
    """A phone number with its country's code (`+49...`, `0049...`) as `+4930901820`; any other text as typed."""
    typed = text.strip()
    return _certain(f"+{typed[2:]}" if typed.startswith("00") else typed, None) or text


def e164(text: str, region: str | None) -> str:
    """A phone number as `+49301234567`, or the text as typed when it is not certainly a number of `region`."""
    return _certain(text, region) or text


def _certain(text: str, region: str | None) -> str | None:
    typed = text.strip()
    if not _DIALLED.fullmatch(typed) or (region is None and not typed.startswith("+")):
        return None
    try:
        number = _written_out(typed) or phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _written_out(typed: str) -> phonenumbers.PhoneNumber | None:
    """What the library's parser makes of a number that stands in E.164 already, as nearly all do that a machine wrote,
    in a tenth of its time. None for any other, and where the parser might drop digits: what is dialled within a country
    before the number proper."""
    found = _E164.fullmatch(typed)
    if found is None:
        return None
    digits = found[1]
    lengths = (n for n in (1, 2, 3) if int(digits[:n]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
    if (length := next(lengths, None)) is None:
        return None
    code, rest = int(digits[:length]), digits[length:]
    if rest.startswith("0") or _dialled_before(code).match(rest):
        return None
    return phonenumbers.PhoneNumber(country_code=code, national_number=int(rest))


@lru_cache(maxsize=256)
def _dialled_before(code: int) -> re.Pattern[str]:
    """What is dialled before a number within its country."""
    region = phonenumbers.region_code_for_country_code(code)
    known = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    return re.compile((known and known.national_prefix_for_parsing) or "(?!)")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


_PHONE = on_text(international)
CONTACT = RuleSet(
    normalise={"email": on_text(normalise_email), "phone": _PHONE, "mobile_phone": _PHONE, "fax": _PHONE},
    check=(keep_lifecycle_forward, international_phones("phone", "mobile_phone", "fax"), stamp_owner),
)
COMPANY = RuleSet(
    normalise={"domain": on_text(normalise_domain), "phone": _PHONE},
    check=(keep_lifecycle_forward, international_phones("phone")),
)
RULES: Mapping[str, RuleSet] = {"contact": CONTACT, "company": COMPANY}
