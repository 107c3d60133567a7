"""Making a deal of a lead: one command that may be sent any number of times and makes one deal.

What was converted is a unique value of the deal, so that the database itself refuses a second one, whichever process or
retry asks; only a conversion writes it. Ids of contacts that were merged mean the survivor: whichever of them is given,
the survivor has the deal that one of them was made into. The deal is linked to the contact and the company in the
transaction that makes it; both sides show the link, and the deal says what it was made of. The key that tells apart
several deals of one contact is the caller's: it may say anything of anybody, so the deal holds a keyed hash of it,
which tells nobody what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.opportunities.rules.origin import CONVERSION, MADE_OF
from shared.kernel.context import Context
from shared.kernel.errors import Conflict, FieldError, Invalid
from shared.service.entities import BulkItem, Draft, Entity, ItemError, LinkTo, Ref, View
from shared.service.erasure.secret import Secret, secrets_of
from shared.service.links import permit_links
from shared.service.mirrors.knowing import Neighbour

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PRIMARY_COMPANY = 5
MOST_KEY = 60
_HASHED = 24
_NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Lead:
    """A contact, with the company they are of. key: tells apart several deals of one contact."""

    contact: int
    company: int | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class _Known:
    """Who a lead's ids mean; None where there is nobody, or none was given."""

    contact: Neighbour | None
    company: Neighbour | None


def made_of(contact: int, key: str, secret: Secret | None) -> str:
    """What a deal says it was made of. secret: hashes the key, None: as it is."""
    if not key:
        return f"contact/{contact}"
    told = key if secret is None else secret.hash("contact", str(contact), key).hex()[:_HASHED]
    return f"contact/{contact}/{told}"


def convert(
    service: Runtime, ctx: Context, lead: Lead, values: Mapping[str, object], view: View
) -> tuple[Entity, bool]:
    """The deal of a lead, and whether it was made now. `values` count for a deal that is made; one that is there stays
    as it is. Raises Invalid with everything wrong: values, and ids of contacts and companies that are not there;
    Forbidden."""
    live = service.catalog.type("deal")
    if any((one := live.find(name)) is not None and one.name == MADE_OF for name in values):
        raise Invalid.one(MADE_OF, "READ_ONLY_VALUE", f"{MADE_OF} follows from the contact: say it there")
    _permit(service, ctx, lead)
    secrets = secrets_of(service.settings) if lead.key else ()
    known = _who(service, lead)
    names = _names(service.neighbours.namesakes("contact", lead.contact), lead.key, secrets)
    found = _there(service, ctx, names, view)
    if found is not None:
        return found, False
    _check(service, ctx, lead, known, values)
    assert known.contact is not None  # checked
    links = [LinkTo("contact", known.contact.id)]
    if known.company is not None:
        links.append(LinkTo("company", known.company.id, (PRIMARY_COMPANY,)))
    name = made_of(known.contact.id, lead.key, secrets[0] if secrets else None)
    draft = Draft(_named(service, values, known), links=tuple(links))
    try:
        (made,) = service.entities.create(replace(ctx, source=CONVERSION, source_id=name), "deal", [draft], view)
    except Conflict:
        found = _there(service, ctx, names, view)
        if found is None:
            raise
        return found, False
    assert not isinstance(made, ItemError)  # a single one raises
    return made, True


def title(contact: Mapping[str, object], company: Mapping[str, object]) -> str:
    """A name for a deal, by what is known of whom it is with: the company's, else the person's, else none."""
    person = " ".join(str(contact[one]) for one in ("first_name", "last_name") if contact.get(one))
    names = (company.get("name"), contact.get("company"), person, company.get("domain"), contact.get("email"))
    return next((str(one).strip()[:_NAME_LENGTH] for one in names if one and str(one).strip()), "")


def _permit(service: Runtime, ctx: Context, lead: Lead) -> None:
    """Raises Forbidden for whoever may not link to these types: they learn of no ids either."""
    ends = (LinkTo("contact", lead.contact), *(() if lead.company is None else (LinkTo("company", lead.company),)))
    permit_links(ctx, service.catalog, [Draft({}, links=ends)])


def _names(contacts: Iterable[int], key: str, secrets: Sequence[Secret]) -> list[str]:
    """Everything a deal of this lead may say, by any secret in force; as it is, for those that were made before. Where
    several say so, since they were made before a merge, the first counts."""
    return list(dict.fromkeys(made_of(one, key, secret) for one in contacts for secret in (*secrets, None)))


def _there(service: Runtime, ctx: Context, names: Sequence[str], view: View) -> Entity | None:
    refs = [Ref(attribute=MADE_OF, value=one) for one in names]
    return next((one for one in service.entities.read(ctx, "deal", refs, view) if one is not None), None)


def _who(service: Runtime, lead: Lead) -> _Known:
    contact = service.neighbours.find("contact", lead.contact)
    return _Known(contact, None if lead.company is None else service.neighbours.find("company", lead.company))


def _check(service: Runtime, ctx: Context, lead: Lead, known: _Known, values: Mapping[str, object]) -> None:
    """Raises Invalid where somebody is not there, with what is wrong with the values besides."""
    asked = (("contact", lead.contact, known.contact), ("company", lead.company, known.company))
    errors = [
        FieldError(name, "OBJECT_NOT_FOUND", f"{name}: {ident} is not the id of any {name} that is there")
        for name, ident, found in asked
        if ident is not None and found is None
    ]
    if errors:
        (judged,) = service.entities.bulk(ctx, "deal", [BulkItem(values, mode="create")], dry=True)
        raise Invalid((*errors, *judged.errors))


def _named(service: Runtime, values: Mapping[str, object], known: _Known) -> dict[str, object]:
    """The values with a name for the deal, where the caller has none."""
    live = service.catalog.type("deal")
    given = dict(values)
    spelled = [one for one in given if (found := live.find(one)) is not None and found.name == "name"]
    if any(given[one] not in (None, "") for one in spelled):
        return given
    for one in spelled:
        del given[one]
    contact, company = ({} if one is None else one.values for one in (known.contact, known.company))
    return {**given, "name": title(contact, company) or f"Lead {known.contact.id if known.contact else ''}".strip()}
