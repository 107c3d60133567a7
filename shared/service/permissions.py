"""Which scopes allow what on an entity type. Pure: an actor and a type in, nothing or Forbidden out.

Use `require` in the corridor before anything is read or written, and `allowed` where a right only filters what is
shown. Rights on the service itself (feed, tokens) are single scopes: see `require_scope`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from shared.eav.declare import TypeDef
from shared.kernel.context import Actor
from shared.kernel.errors import Forbidden

Kind = Literal["objects", "schemas"]
Mode = Literal["read", "write"]

SHORT_NAMES = {"owners": "crm.owners", "users": "crm.users", "teams": "crm.teams"}
FEED_READ = "crm.feed.read"
BUS_READ = "crm.bus.read"
BUS_WRITE = "crm.bus.write"
TOKENS_READ = "crm.tokens.read"
TOKENS_WRITE = "crm.tokens.write"
EFFECTIVE_WRITE = "crm.effective.write"
ERASURES_READ = "crm.erasures.read"
ERASURES_WRITE = "crm.erasures.write"
REPORTS_READ = "crm.reports.read"
REPORTS_WRITE = "crm.reports.write"
SERVICE_SCOPES = (
    FEED_READ,
    BUS_READ,
    BUS_WRITE,
    TOKENS_READ,
    TOKENS_WRITE,
    EFFECTIVE_WRITE,
    ERASURES_READ,
    ERASURES_WRITE,
    REPORTS_READ,
    REPORTS_WRITE,
)
"""Rights that are not about an entity type."""


@lru_cache(maxsize=4096)
def scopes_for(kind: Kind, plural: str, custom: bool, mode: Mode) -> frozenset[str]:
    """All scopes of which one suffices, `*` included. Custom types also listen to `custom`."""
    scopes = {"*", f"crm.{kind}.{plural}.{mode}"}
    if custom:
        scopes.add(f"crm.{kind}.custom.{mode}")
    if kind == "objects" and plural in SHORT_NAMES:
        scopes.add(f"{SHORT_NAMES[plural]}.{mode}")
    return frozenset(scopes)


def allowed(actor: Actor, kind: Kind, entity_type: TypeDef, mode: Mode) -> bool:
    """Whether the actor may do this."""
    return not actor.scopes.isdisjoint(scopes_for(kind, entity_type.plural, not entity_type.builtin, mode))


def require(actor: Actor, kind: Kind, entity_type: TypeDef, mode: Mode) -> None:
    """Raises Forbidden, naming the scopes that would do, unless the actor may do this."""
    wanted = scopes_for(kind, entity_type.plural, not entity_type.builtin, mode)
    if actor.scopes.isdisjoint(wanted):
        raise Forbidden(sorted(wanted - {"*"}))


def require_scope(actor: Actor, scope: str) -> None:
    """Raises Forbidden unless the actor holds this very scope or `*`."""
    if not actor.may(scope):
        raise Forbidden((scope,))
