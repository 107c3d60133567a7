"""The one route table, made from the services' manifests: which service answers a path.

Every path names its entity type by a segment, or a service, or belongs to exactly one service by a literal beginning;
everything else (custom and unknown entity types, unknown paths) belongs to `workspace`. Association paths go by the
type they start from, but labels and limits of links belong to `workspace` whatever the types. The front and nginx's
configuration both stand on this table; neither has rules of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

FALLBACK = "workspace"
OWN = r"/(?:healthz|readyz|openapi\.json|docs|docs/.*)?/?"
"""Whole paths that belong to no service: the front's own."""

_DATE = r"20\d\d-\d\d"
TYPED: tuple[str, ...] = (
    r"/crm/v[34]/objects",
    r"/crm/v3/(?:properties|pipelines|schemas)",
    r"/crm-object-schemas/v3/schemas",
    r"/crm/v[34]/associations(?:/definitions/configurations)?",
    rf"/crm/(?:objects|properties|pipelines)/{_DATE}",
    rf"/crm/associations/{_DATE}(?:/definitions/configurations)?",
    rf"/crm-object-schemas/{_DATE}(?:/schemas)?",
    r"/properties/v[12]",
    r"/api/v1/(?:objects|types)",
)
"""Beginnings of paths whose next segment is an entity type. Regular expressions that Python and PCRE read alike."""

_OF_LABELS = r"definitions/configurations(?:/.*)?|[^/]+/[^/]+/labels(?:/[^/]*)?/?"
LABELS = rf"/crm/(?:v4/associations|associations/{_DATE})/(?:{_OF_LABELS})"
"""Whole paths of labels and limits of links, which come before all that goes by type."""

_OWN = re.compile(OWN, re.DOTALL)
_LABELS = re.compile(LABELS, re.DOTALL)
_TYPE_SEGMENT = re.compile(rf"(?:{'|'.join(TYPED)})/(?:p\d+_)?([^/]+)(?:/.*)?", re.DOTALL)
_SERVICE_SEGMENT = re.compile(r"/(?:api/v1/)?([^/]+)(?:/.*)?", re.DOTALL)


class TypeNames(Protocol):
    """What is needed of a declared entity type."""

    @property
    def name(self) -> str: ...
    @property
    def plural(self) -> str: ...
    @property
    def wire_id(self) -> str: ...
    @property
    def synonyms(self) -> tuple[str, ...]: ...


class HasPath(Protocol):
    """What is needed of a declared operation."""

    @property
    def path(self) -> str: ...


class ServiceNames(Protocol):
    """What is needed of a manifest."""

    @property
    def name(self) -> str: ...
    @property
    def types(self) -> Iterable[TypeNames]: ...
    @property
    def operations(self) -> Iterable[HasPath]: ...


@dataclass(frozen=True, slots=True)
class RouteTable:
    """`types`: folded entity type name -> service. `claims`: literal beginning of a path -> service, longest first."""

    services: frozenset[str]
    types: Mapping[str, str]
    claims: Mapping[str, str]

    def service(self, path: str) -> str:
        """The service that answers the path."""
        if _LABELS.fullmatch(path) is not None:
            return FALLBACK
        typed = _TYPE_SEGMENT.fullmatch(path)
        if typed is not None:
            return self.types.get(typed[1].lower(), FALLBACK)
        for beginning, service in self.claims.items():
            if path == beginning or path.startswith(f"{beginning}/"):
                return service
        named = _SERVICE_SEGMENT.fullmatch(path)
        if named is not None and named[1] in self.services:
            return named[1]
        return FALLBACK


def is_own(path: str) -> bool:
    """Whether the front answers the path itself."""
    return _OWN.fullmatch(path) is not None


def route_table(manifests: Iterable[ServiceNames]) -> RouteTable:
    """The table. Raises ValueError when two services claim one type's name or one path."""
    manifests = tuple(manifests)
    types: dict[str, str] = {}
    for manifest in manifests:
        for one in manifest.types:
            for name in (one.name, one.plural, one.wire_id, *one.synonyms):
                if name:
                    _claim(types, name.lower(), manifest.name)
    without_claims = RouteTable(frozenset(manifest.name for manifest in manifests), types, {})
    claims: dict[str, str] = {}
    for manifest in manifests:
        for operation in manifest.operations:
            if without_claims.service(operation.path) != manifest.name:
                _claim(claims, _literal_beginning(operation.path), manifest.name)
    longest_first = dict(sorted(claims.items(), key=lambda item: -len(item[0])))
    return RouteTable(without_claims.services, types, longest_first)


def _claim(table: dict[str, str], key: str, service: str) -> None:
    if table.setdefault(key, service) != service:
        raise ValueError(f"{key} belongs to {table[key]} and to {service}")


def _literal_beginning(path: str) -> str:
    """`/a/b/{id}/c` -> `/a/b`. A path of placeholders alone, or a typed one of a foreign type, cannot be claimed."""
    beginning = path.partition("/{")[0].rstrip("/")
    if not beginning or _TYPE_SEGMENT.fullmatch(path) is not None:
        raise ValueError(f"{path} cannot belong to a service by its beginning")
    return beginning
