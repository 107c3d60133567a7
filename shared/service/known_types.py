"""Names and ids of the entity types that services of this system have, today or later: data of the kit.

For what is said about types of other services (labels between them, scopes, links). A type's own service knows it from
its declaration; types made at run time are in the catalog of the service that keeps them, and nowhere here.
"""

from __future__ import annotations

from shared.eav.catalog import Catalog
from shared.eav.declare import TypeDef
from shared.kernel.errors import NotFound

_NAMES = (
    ("contact", "contacts", "0-1"),
    ("company", "companies", "0-2"),
    ("deal", "deals", "0-3"),
    ("ticket", "tickets", "0-5"),
    ("product", "products", "0-7"),
    ("line_item", "line_items", "0-8"),
    ("quote", "quotes", "0-14"),
    ("communication", "communications", "0-18"),
    ("feedback_submission", "feedback_submissions", "0-19"),
    ("task", "tasks", "0-27"),
    ("note", "notes", "0-46"),
    ("meeting", "meetings", "0-47"),
    ("call", "calls", "0-48"),
    ("email", "emails", "0-49"),
    ("invoice", "invoices", "0-53"),
    ("marketing_event", "marketing_events", "0-54"),
    ("goal_target", "goal_targets", "0-74"),
    ("user", "users", "0-115"),
    ("postal_mail", "postal_mail", "0-116"),
    ("order", "orders", "0-123"),
    ("lead", "leads", "0-136"),
)


def _known(name: str, plural: str, wire_id: str) -> TypeDef:
    label = name.replace("_", " ").capitalize()
    plural_label = plural.replace("_", " ").capitalize()
    return TypeDef(name, plural, label, plural_label, wire_id=wire_id, builtin=True)


KNOWN_TYPES: tuple[TypeDef, ...] = tuple(_known(*one) for one in _NAMES)
_BY_NAME = {name: one for one in KNOWN_TYPES for name in one.names}


def known_type(name: str) -> TypeDef | None:
    """A type of this system by name, plural or id in any case, whichever service has it; None for any other."""
    return _BY_NAME.get(name) or _BY_NAME.get(name.lower())


def type_of(catalog: Catalog, name: str) -> TypeDef:
    """A type that lives here, or one of this system that lives elsewhere; raises NotFound with the nearest names."""
    try:
        return catalog.linkable(name).defn
    except NotFound:
        found = known_type(name)
        if found is None:
            raise
        return found
