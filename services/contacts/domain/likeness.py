"""What is alike about people and companies: names without accents and legal forms, roots of domains, ends of numbers.

Pure text work for match rules. Not for equality filters nor for uniqueness: two spellings that are alike here may well
be two different people.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Words that say what kind of company it is rather than which one; compared without accents, dots and case.
LEGAL_FORMS = frozenset(
    "ab ag as asa bhd bv bvba co company corp corporation cv doo dd eg ek ev eood gbr gesmbh gmbh ggmbh ges inc"
    " incorporated kft kg kgaa kk lda limited llc llp lp ltd ltda mbh nv ohg oo ood oy oyj partg plc pte pty pvt rt"
    " sa sab sae sapa sarl sas sasu sca scs se sia sl slu snc spa spk spol sprl spzoo srl sro srls ug vof zao zrt"
    " the und and et y e".split()
)
_LEGAL_ENDINGS = (
    "有限责任公司",
    "有限责任合伙",
    "股份有限公司",
    "有限公司",
    "集团",
    "公司",
    "株式会社",
    "有限会社",
    "합자회사",
    "주식회사",
)
# Words of mail boxes that belong to nobody in particular.
SHARED_MAILBOXES = frozenset(
    "admin billing contact hello hi help info kontakt mail noreply office post sales service support team webmaster"
    " marketing buchhaltung accounts jobs hr press".split()
)
# Mail providers: two people with such an address have nothing in common.
MAIL_PROVIDERS = frozenset(
    "163.com 126.com aol.com freenet.de free.fr gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com"
    " hotmail.com icloud.com libero.it live.com mac.com mail.com mail.ru me.com msn.com orange.fr outlook.com"
    " outlook.de posteo.de proton.me protonmail.com qq.com rediffmail.com t-online.de web.de yahoo.co.in yahoo.co.uk"
    " yahoo.com yahoo.de yahoo.fr yandex.ru ymail.com zoho.com".split()
)
# Second levels under which names are given out, as in `ada.co.uk`.
_SECOND_LEVELS = frozenset("ac co com edu gob gov gouv go ne net nom or org sch".split())
_LETTERS_APART = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})
_NOT_WORDS = re.compile(r"[^\w]+|_+")
_DIGITS = re.compile(r"\D+")
_VOWELS = frozenset("aeiouyhw")
_NUMBER_LENGTH = 9
_SHORTEST_NUMBER = 6


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """Without accents and case, compatible forms as one: `Zoë  Müller` -> `zoe  muller`."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS_APART)
    letters = unicodedata.normalize("NFKD", folded)
    # Only the accents of European scripts: in others, marks make other letters (か and が).
    return unicodedata.normalize("NFC", "".join(one for one in letters if not "\u0300" <= one <= "\u036f"))


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[str, ...]:
    """The words of a text, plain."""
    if text.isascii() and text.isalnum():
        return (text.lower(),)
    return tuple(word for word in _NOT_WORDS.split(plain(text)) if word)


@lru_cache(maxsize=1024)
def person(*names: str | None) -> tuple[str, ...]:
    """The words of a person's names, in an order that does not depend on which name stands where."""
    return tuple(sorted([word for name in names if name for word in words(name)]))


@lru_cache(maxsize=8192)
def organisation(name: str) -> str:
    """A company's name without its legal form: `Ada & Söhne GmbH & Co. KG` -> `ada sohne`."""
    text = plain(name).replace("'", "").replace("’", "").replace(".", "")
    for ending in _LEGAL_ENDINGS:
        text = text.removesuffix(ending).removeprefix(ending)
    parts = [word for word in _NOT_WORDS.split(text) if word]
    kept = [word for word in parts if word not in LEGAL_FORMS]
    return " ".join(kept or parts)


@lru_cache(maxsize=8192)
def skeleton(word: str) -> str:
    """A word by its first letter and its consonants: spellings that sound alike mostly share it. At most five letters;
    a word of another script is cut to its first two."""
    text = plain(word)
    if not text.isascii():
        return text[:2]
    text = text.replace("ph", "f").replace("ck", "k").replace("th", "t").replace("dt", "t").replace("z", "s")
    text = text.replace("c", "k").replace("q", "k").replace("v", "f").replace("j", "y" if text[:1] == "j" else "j")
    found = text[:1]
    for letter in text[1:]:
        if letter not in _VOWELS and letter != found[-1:]:
            found += letter
    return found[:5]


@lru_cache(maxsize=8192)
def domain_root(host: str) -> str:
    """The part of a host that somebody registered: `shop.ada.co.uk` -> `ada.co.uk`; "" for what has no such part."""
    labels = [label for label in plain(host).strip(".").split(".") if label]
    if len(labels) < 2 or labels[-1].isdigit():
        return ""
    under = len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS and len(labels) > 2
    return ".".join(labels[-3:] if under else labels[-2:])


def number_end(phone: str) -> str:
    """The last digits of a phone number, which do not depend on how its country is written; "" for too few."""
    digits = _DIGITS.sub("", unicodedata.normalize("NFKC", phone))
    return digits[-_NUMBER_LENGTH:] if len(digits) >= _SHORTEST_NUMBER else ""


@lru_cache(maxsize=1024)
def mailbox(address: str) -> tuple[str, str]:
    """(mailbox without dots and sub-address, root of the domain) of an e-mail address; both "" where there is none."""
    local, at, host = plain(address).strip().rpartition("@")
    if not at:
        return "", ""
    return local.partition("+")[0].replace(".", ""), domain_root(host)
