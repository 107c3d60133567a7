"""Links of an entity: a page of them, one made or changed, one undone; and the `links` of bodies that write entities.

Relations are told by id, and asked for by id, name or label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from shared.kernel.clock import iso
from shared.kernel.errors import ErrorList, Invalid
from shared.service.links import MAX_LINK_PAGE, ItemError, LinkItem, LinkTo, RelationDef, Unlink
from shared.service.web.native import link_models as models
from shared.service.web.native import present
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import context, int_param, json_object, known_keys, list_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PAGE = 100
PATH = "/api/v1/objects/{type}/{id}/links/{to_type}"
ONE = PATH + "/{to_id}"
MOST_LINKS, MOST_RELATIONS = 1000, 50


def relation_json(one: RelationDef) -> dict[str, Any]:
    """One direction of a kind of link."""
    return {"id": one.id, "name": one.name, "label": one.label, "plain": one.plain}


def list_links(service: Runtime, type: str, id: str, to_type: str) -> Response:
    """A page of the entities linked to one, by their ids."""
    ctx, name = context(), service.catalog.type(type).name
    target = service.links.type(ctx, to_type)
    limit = int_param("limit", PAGE, MAX_LINK_PAGE, least=1) or PAGE
    after = int_param("cursor", 0) or 0
    ident = present.entity_id(name, id)
    found, following = service.links.page(ctx, name, ident, target.name, limit=limit, after=after)
    known = {one.id: relation_json(one) for one in service.links.relations(ctx, name, target.name)}
    shown = service.links.shown(ctx, target.name, [one.to_id for one in found])
    results = [
        {
            "id": str(one.to_id),
            "type": target.name,
            "relations": [known[each] for each in one.relations if each in known],
            "values": shown.get(one.to_id) or {},
            "pending": shown.get(one.to_id) is None,
        }
        for one in found
    ]
    body: dict[str, Any] = {"results": results}
    if following is not None:
        body["next_cursor"] = str(following)
    undone = service.links.undone(ctx, name, ident, target.name)
    if undone:
        body["undone"] = [{"id": str(one.to_id), "at": iso(one.at), "reason": one.reason} for one in undone]
    return answer(body)


def put_link(service: Runtime, type: str, id: str, to_type: str, to_id: str) -> Response:
    """Link two entities; given relations are those the pair has afterwards, besides the plain one."""
    ctx, name = context(), service.catalog.type(type).name
    body = json_object()
    known_keys(body, ("relations",))
    target = service.links.type(ctx, to_type, "write")
    asked = relations(body, "")
    idents = service.links.named(ctx, name, target.name, asked or ())
    link = LinkTo(target.name, present.entity_id(target.name, to_id), idents)
    item = LinkItem(present.entity_id(name, id), link)
    (done,) = service.links.put(ctx, name, [item], exact=asked is not None)
    assert not isinstance(done, ItemError)  # not partial: errors are raised
    known = service.links.known(done.relations)
    shown = [relation_json(known[one]) for one in done.relations if one in known]
    return answer({"id": str(done.to_id), "type": target.name, "relations": shown, "new": done.new})


def remove_link(service: Runtime, type: str, id: str, to_type: str, to_id: str) -> Response:
    """Undo a link, or take only some relations from it; what is not there is fine."""
    ctx, name = context(), service.catalog.type(type).name
    target = service.links.type(ctx, to_type, "write")
    asked = list_param("relations")
    idents = service.links.named(ctx, name, target.name, asked) if asked else None
    item = Unlink(present.entity_id(name, id), target.name, present.entity_id(target.name, to_id), idents)
    service.links.remove(ctx, name, [item])
    return no_content()


def relations(body: dict[str, Any], where: str) -> list[object] | None:
    """The `relations` of a body, None when it has none. Raises Invalid."""
    found = body.get("relations")
    if found is None:
        return None
    fits = isinstance(found, list) and len(found) <= MOST_RELATIONS
    if not fits or not all(isinstance(one, str | int) and not isinstance(one, bool) for one in found):
        message = f"{where}relations must be a list of at most {MOST_RELATIONS} ids, names or labels"
        raise Invalid.one(f"{where}relations", "INVALID_LIST", message)
    return list(found)


def links(service: Runtime, type_name: str, body: dict[str, Any], where: str = "") -> tuple[LinkTo, ...]:
    """The `links` of a body that writes an entity. Raises Invalid, NotFound for what can be no id."""
    found = body.get("links")
    if found is None:
        return ()
    if not isinstance(found, list) or len(found) > MOST_LINKS or not all(isinstance(one, dict) for one in found):
        message = f"{where}links must be a list of at most {MOST_LINKS} objects"
        raise Invalid.one(f"{where}links", "INVALID_LIST", message)
    return tuple(_link(service, type_name, one, f"{where}links[{at}].") for at, one in enumerate(found))


def _link(service: Runtime, type_name: str, one: dict[str, Any], where: str) -> LinkTo:
    known_keys(one, ("type", "id", "relations"), where)
    errors = ErrorList()
    to_type, to_id = one.get("type"), one.get("id")
    if not isinstance(to_type, str) or not to_type:
        errors.add(f"{where}type", "REQUIRED_FIELD", f"{where}type is required: the entity type to link to")
    if not isinstance(to_id, str | int) or isinstance(to_id, bool) or to_id == "":
        errors.add(f"{where}id", "REQUIRED_FIELD", f"{where}id is required: the entity to link to")
    errors.raise_if_any()
    ctx = context()
    target = service.links.type(ctx, str(to_type), "write").name
    asked = relations(one, where)
    idents = service.links.named(ctx, type_name, target, asked, f"{where}relations") if asked else ()
    return LinkTo(target, present.entity_id(target, to_id), idents)


_RELATIONS = QueryParam("relations", "array", "Take only these relations (ids, names or labels); the pair stays linked")
OPERATIONS = (
    Operation(
        "GET",
        PATH,
        "listEntityLinks",
        "List linked entities",
        list_links,
        query=(
            QueryParam("limit", "integer", f"Links per page, at most {MAX_LINK_PAGE}", PAGE),
            QueryParam("cursor", "string", "`next_cursor` of the page before"),
        ),
        response=models.LinkList,
        tag="Links",
    ),
    Operation(
        "PUT",
        ONE,
        "putEntityLink",
        "Link two entities",
        put_link,
        body=models.PutLink,
        response=models.PutLinkOut,
        example={"relations": []},
        tag="Links",
        description="Without `relations`, labels that the pair has stay; with them, it has these and no others. "
        "The first company linked to a contact becomes its primary one.",
    ),
    Operation(
        "DELETE",
        ONE,
        "removeEntityLink",
        "Undo a link",
        remove_link,
        204,
        query=(_RELATIONS,),
        tag="Links",
    ),
)
