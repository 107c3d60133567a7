"""Which scopes an import needs: those that its writes would need one by one, whoever's workers do them later.

Asked wherever a mapping is accepted or obeyed, since workers have all rights: what is let through there is done. A
mapping that others saved, or an import that others uploaded, lends no rights. Not for who may see an import: that is
`targets.require_write`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from services.workspace.commands.targets import ImportTarget, find_target
from services.workspace.tables.jobs import ImportJob
from shared.kernel.context import Actor
from shared.kernel.errors import Forbidden
from shared.service.permissions import EFFECTIVE_WRITE, Kind, allowed, scopes_for
from shared.service.schema import TypeDef

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def require_asked(service: Runtime, actor: Actor, target: ImportTarget, mapping: Mapping[str, Any]) -> None:
    """What a mapping asks for, before it was checked against the file. Raises Forbidden with all scopes that are
    missing; NotFound for a type to link to that nobody knows."""
    if actor.may("*"):
        return
    links = [str(one.get("type") or "") for one in _objects(mapping.get("links"))]
    wanted = [str(one.get("name") or "") for one in _objects(mapping.get("create_attributes"))]
    made = [name for name in wanted if target.find(name) is None]
    _require(service, actor, target, links, makes=bool(made), backdates=mapping.get("effective_at") is not None)


def require_prepared(
    service: Runtime, actor: Actor, target: ImportTarget, spec: Mapping[str, Any], attributes: Sequence[Any]
) -> None:
    """What a run does. attributes: definitions it makes first. Raises Forbidden with all scopes that are missing."""
    if actor.may("*"):
        return
    links = [one["type"] for one in spec.get("links") or ()]
    backdates = spec.get("effective_at") is not None
    _require(service, actor, target, links, makes=bool(attributes), backdates=backdates)


def require_run(service: Runtime, actor: Actor, job: ImportJob) -> None:
    """What this import does once it runs, or looks at when it is only tried."""
    require_prepared(service, actor, find_target(service, job.entity_type), job.spec or {}, job.attributes)


def require_undo(service: Runtime, actor: Actor, job: ImportJob) -> None:
    """Undoing archives what was made, linked entities too, and takes links away; attributes stay."""
    require_prepared(
        service, actor, find_target(service, job.entity_type), {**(job.spec or {}), "effective_at": None}, ()
    )


def _require(
    service: Runtime, actor: Actor, target: ImportTarget, links: Iterable[str], *, makes: bool, backdates: bool
) -> None:
    linked = [find_target(service, name).defn for name in sorted({*links} - {""})]
    needs: list[tuple[Kind, TypeDef]] = [("objects", target.defn), *(("objects", one) for one in linked)]
    if makes:
        needs.append(("schemas", target.defn))
    missing: set[str] = set()
    for kind, defn in needs:
        if not allowed(actor, kind, defn, "write"):
            missing |= scopes_for(kind, defn.plural, not defn.builtin, "write") - {"*"}
    if backdates and not actor.may(EFFECTIVE_WRITE):
        missing.add(EFFECTIVE_WRITE)
    if missing:
        raise Forbidden(sorted(missing))


def _objects(listed: object) -> list[Mapping[str, Any]]:
    """The objects of a list; whatever else there is, is told when the mapping is prepared."""
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
