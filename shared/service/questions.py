"""Conditions that look through links, for those who judge entities in Python: `company.industry` of a ticket.

A condition on linked entities is a question that only the database can answer: it is asked once for all entities of a
batch, and its answer stands among an entity's values under the question's own key. So whoever judges needs values
only, and may keep answers with them. Answers are as links and linked values are now; nobody knows how they were.

Not for queries, which ask through links themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from shared.eav.catalog import Catalog, LiveType, StaleCatalog
from shared.eav.filters import Checked, Node, check, parse
from shared.eav.links.neighbours import Neighbours, linked_name, named_types
from shared.eav.links.relations import Relations
from shared.eav.patience import tries
from shared.eav.query.narrowing import narrowed
from shared.eav.query.picking import fitting_among
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid, NotFound, Unavailable
from shared.kernel.json import canonical
from shared.kernel.telemetry import logger
from shared.service.permissions import require
from shared.service.replica.evaluating import Test, Values, compiled_filter, filter_keys

_MARK = "@"
_log = logger("questions")
Answers = Mapping[int, Mapping[str, bool]]
Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One condition on linked entities. key: where its answer stands among values, true; absent: false."""

    key: str
    raw: Tree = field(hash=False, compare=False)


def question(live: LiveType, leaf: Tree) -> Question | None:
    """The question that a condition is, None for one on an attribute of the type itself."""
    if linked_name(live, str(leaf.get("attribute", ""))) is None:
        return None
    return Question(_MARK + blake2b(canonical(leaf), digest_size=8).hexdigest(), leaf)


def questions(live: LiveType, tree: Tree | None) -> tuple[Question, ...]:
    """All questions of a filter, each once."""
    found = (question(live, leaf) for leaf in _leaves(tree or {}))
    return tuple(dict.fromkeys(one for one in found if one is not None))


def own_keys(live: LiveType, tree: Tree | None) -> frozenset[str]:
    """Keys of all values of the type itself that a filter looks at. Raises Invalid."""
    own = [leaf for leaf in _leaves(tree or {}) if question(live, leaf) is None]
    return frozenset(key for leaf in own for key in filter_keys(live, leaf))


def compiled_conditions(live: LiveType, tree: Tree | None) -> Test | None:
    """A filter as a test of values with the answers to its questions among them, None for none. Raises Invalid for
    what is wrong with conditions on the type itself; those on links are checked by `Asking.check`."""
    if not tree:
        return None
    if not questions(live, tree):
        return compiled_filter(live, tree)
    parse(dict(tree))
    return _test(live, tree)


def answered(key: str) -> bool:
    """Whether what stands among values under a key is an answer."""
    return key.startswith(_MARK)


def with_answers(values: Values, answers: Mapping[str, bool] | None) -> Values:
    """Values with the answers of their entity; absent ones are false."""
    return {**values, **answers} if answers else values


class Asking:
    """Questions to one database."""

    def __init__(self, catalog: Catalog, relations: Relations) -> None:
        self._catalog = catalog
        self._relations = relations

    def check(self, type_name: str, tree: Tree | None) -> Checked | None:
        """A filter with all that it asks of linked entities, None for none. Raises Invalid with every error, also for
        what lies more than one link away."""
        if tree is None:
            return None
        node = parse(dict(tree))
        try:
            return self._checked(type_name, node)
        except Invalid:
            self._relations.refresh()  # what it asks for may have been heard of only just now, by another process
            return self._checked(type_name, node)

    def types(self, type_name: str, tree: Tree | None) -> set[str]:
        """Names of the types that a filter looks at through links."""
        return named_types(self._catalog, self._catalog.type(type_name), parse(dict(tree))) if tree else set()

    def mirrored(self) -> set[str]:
        """Names of the types of other services that are at hand here."""
        return {live.name for live in self._catalog.mirrors()}

    def permit(self, ctx: Context, type_name: str, tree: Tree | None) -> None:
        """Raises Forbidden unless the actor may read whatever a filter looks at through links."""
        for name in sorted(self.types(type_name, tree)):
            require(ctx.actor, "objects", self._catalog.linkable(name).defn, "read")

    def answers(
        self, connection: Connection, type_name: str, asked: Iterable[Question], ids: Collection[int]
    ) -> Answers:
        """Which questions are true of which entities, as it is in the transaction of the connection: {id: {key: True}}.
        Two statements for each question, however many ids."""
        found: dict[int, dict[str, bool]] = {}
        for one in dict.fromkeys(asked) if ids else ():
            for ident in self._answer(connection, type_name, one, ids):
                found.setdefault(ident, {})[one.key] = True
        return found

    def _answer(self, connection: Connection, type_name: str, one: Question, ids: Collection[int]) -> list[int]:
        for _ in tries():
            try:
                checked = narrowed(connection, self.check(type_name, one.raw))
                assert checked is not None
                return fitting_among(connection, self._catalog.type(type_name), checked, ids)
            except StaleCatalog:
                self._relations.refresh()
            except (Invalid, NotFound) as error:
                # What it asks for is no more: nothing fits, and what asks it is told of elsewhere.
                _log.warning("a question cannot be asked", type=type_name, error=str(error)[:300])
                return []
        raise Unavailable("the catalog keeps changing: try again")

    def _checked(self, type_name: str, node: Node) -> Checked:
        live = self._catalog.type(type_name)
        return check(node, live, Neighbours(self._catalog, self._relations, live))


def _leaves(tree: Tree) -> Iterator[Tree]:
    if "attribute" in tree:
        yield tree
    for one in _children(tree):
        yield from _leaves(one)


def _children(tree: Tree) -> list[Tree]:
    inner = [*_list(tree.get("and")), *_list(tree.get("or")), *([tree["not"]] if "not" in tree else [])]
    return [one for one in inner if isinstance(one, Mapping)]


def _list(raw: object) -> list[Any]:
    return raw if isinstance(raw, list) else []


def _test(live: LiveType, tree: Tree) -> Test:
    own: Question | None = question(live, tree) if "attribute" in tree else None
    if own is not None:
        key = own.key
        return lambda values: bool(values.get(key))
    if not questions(live, tree):
        return compiled_filter(live, tree) or (lambda _values: True)
    tests = [_test(live, one) for one in _children(tree)]
    combine = next(_COMBINED[word] for word in _COMBINED if word in tree)
    return combine(tests)


def _all(tests: list[Test]) -> Test:
    return lambda values: all(test(values) for test in tests)


def _any(tests: list[Test]) -> Test:
    return lambda values: any(test(values) for test in tests)


def _none(tests: list[Test]) -> Test:
    return lambda values: not tests[0](values)


_COMBINED: Mapping[str, Callable[[list[Test]], Test]] = {"and": _all, "or": _any, "not": _none}
