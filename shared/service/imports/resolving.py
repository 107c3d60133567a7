"""Whom rows name: references by e-mail and the like become ids, link columns become targets; for a whole chunk at once.

Row errors are added to the rows. A link target of the imported type itself may stand further down in the file: such a
row waits. Everything else is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.eav.bulk.items import BulkItem, BulkOutcome
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.requests import LinkTo, Ref
from shared.kernel.db import Connection
from shared.kernel.errors import FieldError, NotFound
from shared.service.imports.conversion import Row
from shared.service.imports.dated import in_order, judge_dates
from shared.service.imports.neighbours import named_ids
from shared.service.imports.rows import TARGET, record
from shared.service.imports.spec import BY_ID, Link
from shared.service.imports.targets import Found, find_targets, told_by
from shared.service.imports.task import Task
from shared.service.imports.telling import why_not
from shared.service.replicas import OWNER

_LOCK = "select pg_advisory_xact_lock(7202, hashtext(%(what)s))"
NO_OWNER = "COULD_NOT_FIND_OWNER"
SEVERAL_OWNERS = "MULTIPLE_OWNERS_FOUND"
NO_TARGET = "NO_OBJECT_ID_FROM_ASSOCIATION_IDENTIFIER"
SEVERAL_TARGETS = "INVALID_ASSOCIATION_IDENTIFIER"
NO_REFERENCE = "INVALID_OBJECT_ID"
TOO_MANY = "LIMIT_EXCEEDED"
_TOLD_AS_IT_IS = frozenset({"ERASED_VALUE"})

Refusals = dict[str, FieldError]
"""Text -> why nothing could be created from it."""


@dataclass(slots=True)
class Resolved:
    """A row, what it is linked to, and the targets (link column, text) that are not there, or not yet.

    meant: whom the texts of link columns mean, 0 where a dry run imagines it. hidden: names of values that a dry run
    judges itself; later: links that it gains if others of the file come.
    """

    row: Row
    links: list[LinkTo] = field(default_factory=list)
    missing: list[tuple[int, str]] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    meant: dict[tuple[int, str], int] = field(default_factory=dict)
    later: list[tuple[int, str]] = field(default_factory=list)


def resolve(task: Task, rows: Sequence[Row]) -> list[Resolved]:
    """What the rows name, in the order in which they apply. Missing targets of other types are decided by their
    column's policy, those of the imported type stay in `missing`."""
    _references(task, rows)
    if task.spec.effective_at is not None:
        rows = [rows[place] for place in in_order(rows, [task.key(row) for row in rows])]
        judge_dates(task, rows)
    resolved = [Resolved(row) for row in rows]
    for place, link in enumerate(task.spec.links):
        _link(task, resolved, place, link)
    return resolved


def _references(task: Task, rows: Sequence[Row]) -> None:
    named = {name for row in rows for name in row.lookups}
    for name in named:
        attribute = task.find(name)
        asking = [row for row in rows if name in row.lookups]
        found = {} if attribute is None else _named(task, attribute, {row.lookups[name] for row in asking})
        for row in asking:
            ids = found.get(row.lookups[name], ())
            if len(ids) == 1:
                row.values[name] = str(ids[0])
            else:
                row.errors.append(_nobody(attribute, name, several=bool(ids)))
    written = task.spec.written
    for attribute in task.live.attributes.values():
        if task.runtime.foreign.follows(attribute.reference):
            for name in {attribute.name, attribute.wire} & written:
                _known_ids(task, attribute, name, rows)


def _nobody(attribute: AttributeDef | None, name: str, *, several: bool) -> FieldError:
    what = attribute.reference if attribute else "entity"
    if several:
        return FieldError(name, SEVERAL_OWNERS if what == OWNER else SEVERAL_TARGETS, f"more than one {what} is meant")
    return FieldError(name, NO_OWNER if what == OWNER else NO_REFERENCE, f"no {what} is known by this")


def _named(task: Task, attribute: AttributeDef, texts: set[str]) -> Found:
    """Whom texts mean that are no ids: entities of this service by what people call them, others by asking."""
    if not attribute.reference:
        return {}
    try:
        live = task.runtime.catalog.type(attribute.reference)
    except NotFound:
        return named_ids(task.runtime.settings, attribute.reference, texts)
    by = told_by(live)
    if by is None:
        return {}
    with task.runtime.db.connect() as connection:
        return find_targets(connection, task.runtime.engine.judge, live, by, texts)


def _known_ids(task: Task, attribute: AttributeDef, name: str, rows: Sequence[Row]) -> None:
    """Ids of another service's entities that nobody knows are errors. name: how the rows call the attribute."""
    asked: dict[int, list[Row]] = {}
    for row in rows:
        value = row.values.get(name)
        if isinstance(value, str) and value.isdecimal() and len(value) < 19:
            asked.setdefault(int(value), []).append(row)
    if asked:
        for ident in task.runtime.foreign.unknown(attribute.reference, asked.keys()):
            for row in asked[ident]:
                row.errors.append(_nobody(attribute, name, several=False))


def _link(task: Task, resolved: Sequence[Resolved], place: int, link: Link) -> None:
    texts = {text for one in resolved for text in one.row.links.get(place, ())}
    if not texts:
        return
    live = task.link_types[place]
    found = _targets(task, live, link.attribute, texts)
    if live.mirror and texts - found.keys():
        # They may have been made a moment ago. Raises Unavailable, and the chunk is tried again, while that is unknown.
        task.catch_up(live)
        found = _targets(task, live, link.attribute, texts)
    refused: Refusals = {}
    if not task.inward(place) and link.missing == "create":
        made, refused = create_targets(task, place, resolved, texts - found.keys())
        found |= made
    single = single_place(task, place)
    for one in resolved:
        named = one.row.links.get(place, ())
        if single and len({text.casefold() for text in named}) > 1:
            message = f"the cell names {len(named)}, and there is room for one {link.type}"
            one.row.errors.append(FieldError(link.header or link.type, TOO_MANY, message))
        for text in named:
            meant(task, one, place, text, found.get(text, ()), refused)


def single_place(task: Task, place: int) -> bool:
    """Whether an entity has at most one of what a link column names."""
    relation = task.spec.links[place].relation
    defn = None if relation is None else task.runtime.engine.relations.get(relation)
    return defn is not None and defn.single


def _targets(task: Task, live: LiveType, attribute: str, texts: set[str]) -> Found:
    with task.runtime.db.connect() as connection:
        return find_targets(connection, task.runtime.engine.judge, live, attribute, texts)


class Edge(NamedTuple):
    """How a link column leads through a tree: the tree's relation, and whether the row is the child."""

    tree: int
    upwards: bool


def edge_of(task: Task, place: int) -> Edge | None:
    """The tree that a link column belongs to, if any."""
    relations = task.runtime.engine.relations
    relation = task.spec.links[place].relation
    defn = None if relation is None else relations.get(relation)
    other = None if defn is None else relations.get(defn.inverse)
    if defn is not None and defn.tree:
        return Edge(defn.id, True)
    return Edge(other.id, False) if other is not None and other.tree else None


def waits(task: Task, one: Resolved) -> bool:
    """Whether a row of a dry run is decided after all others: whom it names is not there, or it stands in a tree, where
    rows that come before it count."""
    return bool(one.missing) or any(task.inward(place) and edge_of(task, place) for place in one.row.links)


def meant(
    task: Task, one: Resolved, place: int, text: str, ids: tuple[int, ...], refused: Refusals | None = None
) -> None:
    """Note a target of a row, or that there is none. refused: why targets could not be made."""
    link = task.spec.links[place]
    relations = () if link.relation is None else (link.relation,)
    if len(ids) == 1:
        # A dry run creates no targets: nothing stands for them.
        one.meant[place, text] = max(ids[0], 0)
        if ids[0] > 0:
            one.links.append(LinkTo(link.type, ids[0], relations))
    elif ids:
        message = f"more than one {task.link_types[place].name} is meant: {ids[0]} and {ids[1]}, perhaps more"
        one.row.errors.append(FieldError(link.header or link.type, SEVERAL_TARGETS, message))
    elif refused and text in refused:
        texts = one.row.links.get(place, ())
        which = f" (number {texts.index(text) + 1} of {len(texts)} in the cell)" if len(texts) > 1 else ""
        one.row.errors.append(not_made(task, place, refused[text], which))
    elif task.inward(place):
        one.missing.append((place, text))
    elif link.missing != "left":
        one.row.errors.append(no_target(task, place))


def not_made(task: Task, place: int, reason: FieldError, which: str = "") -> FieldError:
    """The error of a link column whose cell names somebody who cannot be created. which: of several, since words that
    are kept hold no cell."""
    link = task.spec.links[place]
    code = reason.code if reason.code in _TOLD_AS_IT_IS else NO_TARGET
    message = f"no {task.link_types[place].name} can be created from this{which}: {reason.message}"
    return FieldError(link.header or link.type, code, message)


def no_target(task: Task, place: int) -> FieldError:
    """The error of a link column whose cell names nobody."""
    link = task.spec.links[place]
    return FieldError(link.header or link.type, NO_TARGET, f"there is no {task.link_types[place].name} known by this")


def create_targets(task: Task, place: int, resolved: Iterable[Resolved], texts: set[str]) -> tuple[Found, Refusals]:
    """Make entities that have nothing but the value they are named by, in a transaction of their own: who comes again
    finds them. In a dry run they count as found, under no id. And why others could not be made."""
    link, live = task.spec.links[place], task.link_types[place]
    if link.attribute == BY_ID or not texts:
        return {}, {}
    lines: dict[str, int] = {}
    for one in resolved:
        for text in one.row.links.get(place, ()):
            lines.setdefault(text, one.row.line)
    if task.dry:
        return _made(task, live.name, link.attribute, lines, texts)
    # Names need not be unique: without the lock, two chunks that miss the same target would make it twice.
    with task.runtime.db.transaction() as keeper:
        keeper.row(_LOCK, {"what": f"{live.name}.{link.attribute}"})
        found = find_targets(keeper, task.runtime.engine.judge, live, link.attribute, texts)
        made, refused = _made(task, live.name, link.attribute, lines, texts - found.keys())
        return found | made, refused


def judge_targets(task: Task, place: int, texts: set[str]) -> Refusals:
    """Why some of these could not be created; nothing is."""
    link, live = task.spec.links[place], task.link_types[place]
    return {} if link.attribute == BY_ID else _made(task, live.name, link.attribute, {}, texts, dry=True)[1]


def _made(
    task: Task, type_name: str, attribute: str, lines: Mapping[str, int], texts: set[str], *, dry: bool = False
) -> tuple[Found, Refusals]:
    dry = dry or task.dry
    ordered = sorted(texts, key=lambda text: (lines.get(text, 0), text))
    items = [BulkItem({attribute: text}, Ref(attribute=attribute, value=text)) for text in ordered]

    def also(connection: Connection, outcomes: Sequence[BulkOutcome]) -> None:
        if not dry:
            made = [(lines.get(ordered[one.place], 0), one) for one in outcomes if one.outcome == "created"]
            record(connection, task.job.id, type_name, made, TARGET)

    outcomes = task.runtime.engine.bulk.write(type_name, items, task.context, dry=dry, also=also)
    made: Found = {ordered[one.place]: (one.id or 0,) for one in outcomes if one.outcome != "rejected"}
    refused = {
        ordered[one.place]: why_not(one.errors[0], ordered[one.place]) for one in outcomes if one.outcome == "rejected"
    }
    return made, refused
