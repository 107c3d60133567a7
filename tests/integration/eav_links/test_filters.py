"""Filters over links: what PostgreSQL finds and counts is what evaluation in Python says, NOT included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.filters import And, Condition, Node, Not, Operator, Or, matches
from shared.eav.install import install
from shared.eav.links.asked import LinkItem
from shared.eav.query import narrowing
from shared.eav.requests import LinkTo, Query, Ref
from shared.eav.types import KINDS
from shared.kernel.db import Database
from shared.kernel.errors import Invalid
from tests.factories import drawing
from tests.factories.asking import CONTEXT, IDS, create, found, typed, walk
from tests.factories.examples import examples
from tests.factories.kinds import OPERANDS, RAW, TOKENS, attribute, entity_type, every_kind
from tests.factories.linking import PARENT, link, linked_engine
from tests.factories.schema import Schema

Op = Operator
POOLS = {"one bank": (8, 8, 4, 4), "several banks": (2, 2, 1, 1)}
PAIRS = [(kind, operator) for kind in KINDS for operator in Op if operator in KINDS[kind].operators]
Values = Mapping[int, Any]


@dataclass(frozen=True)
class World:
    """Contacts and companies: canonical values, ids included, by id; who is linked to whom under which relation."""

    engine: Engine
    types: Mapping[str, LiveType]
    values: Mapping[str, Mapping[int, Values]]
    ends: Mapping[tuple[int, int], frozenset[int]]

    def linked(self, ident: int) -> Callable[[int], list[Values]]:
        """What Python needs to know of one entity's links."""

        def to(relation: int) -> list[Values]:
            defn = self.engine.relations.get(relation)
            assert defn is not None
            live = self.values[defn.to_type]
            return [live[one] for one in self.ends.get((relation, ident), ()) if one in live]

        return to

    def agree(self, name: str, node: Node) -> list[int]:
        """Assert that SQL and Python agree on a filter and its opposite; what it finds."""
        checked = self.engine.reads.check(name, node)
        every = sorted(self.values[name])
        matched = [one for one in every if matches(checked, self.values[name][one], self.linked(one))]
        assert found(self.engine, name, node) == matched, node
        others = [one for one in every if one not in set(matched)]
        assert found(self.engine, name, Not(node)) == others, node
        return matched


@pytest.fixture(scope="module", params=list(POOLS))
def world(request: pytest.FixtureRequest, new_database: Callable[[], str]) -> Iterator[World]:
    """A company for every sample value, each with contacts; companies under companies; some of them archived."""
    database = Database(new_database(), pool_size=4)
    install(database)
    engine = linked_engine(database)
    schema = Schema(engine)
    for name in ("contact", "company"):
        few = (attribute("string", "string"), attribute("number", "number"))
        schema.add_type(entity_type(name, *(every_kind() if name == "company" else few), pool=POOLS[request.param]))
    drafts: list[dict[str, object]] = [{}, {}, {}]
    for kind, raws in RAW.items():
        drafts += [{kind: raw} for raw in raws]
    drafts += [{kind: raws[n % len(raws)] for kind, raws in RAW.items()} for n in range(4)]
    firms = [one.id for one in create(engine, "company", *drafts)]
    people = [one.id for one in create(engine, "contact", *[{"number": n % 5} for n in range(len(firms) + 3)])]
    pairs = [(person, firms[n]) for n, person in enumerate(people[: len(firms)])]
    pairs += [(people[n * 7 % 60], firms[n]) for n in range(0, len(firms), 3)]
    engine.links.put("contact", [LinkItem(person, LinkTo("company", firm)) for person, firm in pairs], CONTEXT)
    for n in range(1, 40):
        link(engine, "company", firms[n], "company", firms[n // 2], PARENT)
    gone = {"company": firms[4::9], "contact": people[5::11]}
    for name, ids in gone.items():
        engine.writes.archive(name, [Ref(one) for one in ids], CONTEXT)
    yield _known(engine, {"company": dict(zip(firms, drafts, strict=True))}, people, gone)
    database.dispose()


def _known(engine: Engine, drafts: Any, people: list[int], gone: Mapping[str, list[int]]) -> World:
    """What the model knows of the world."""
    engine.catalog.refresh()
    types = {name: engine.catalog.type(name) for name in ("contact", "company")}
    raw = {"company": drafts["company"], "contact": {one: {"number": n % 5} for n, one in enumerate(people)}}
    values = {
        name: {
            one: {**typed(types[name], raws), types[name].attributes["id"].id: one}
            for one, raws in raw[name].items()
            if one not in gone[name]
        }
        for name in types
    }
    ends: dict[tuple[int, int], set[int]] = {}
    with engine.database.connect() as connection:
        for relation, start, end in connection.rows("select relation, from_id, to_id from eav_link"):
            ends.setdefault((relation, start), set()).add(end)
    return World(engine, types, values, {key: frozenset(one) for key, one in ends.items()})


@pytest.fixture(params=["looked up", "asked link by link"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of asking: linked entities are few, or more than that."""
    if request.param != "looked up":
        monkeypatch.setattr(narrowing, "FEW", -1)


def conditions(name: str, kind: str, operator: Operator) -> Iterator[Node]:
    """A few conditions on an attribute of linked companies."""
    operands = OPERANDS[kind] if kind == "multi_enumeration" else (*RAW[kind][:4], *OPERANDS[kind][:2])
    asked = f"{name}.{kind}"
    if operator in (Op.HAS, Op.NOT_HAS):
        yield Condition(asked, operator)
    elif operator in (Op.CONTAINS_TOKEN, Op.NOT_CONTAINS_TOKEN):
        yield from (Condition(asked, operator, (one,)) for one in TOKENS)
    elif operator is Op.BETWEEN:
        yield from (Condition(asked, operator, (low, high)) for low in operands[:3] for high in operands[-3:])
    elif operator in (Op.IN, Op.NOT_IN):
        yield from (Condition(asked, operator, operands[:n]) for n in (1, 3))
    else:
        yield from (Condition(asked, operator, (one,)) for one in operands)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("kind", "operator"), PAIRS, ids=[f"{kind}-{operator.value}" for kind, operator in PAIRS])
def test_values_of_linked_entities(world: World, kind: str, operator: Operator):
    several = [world.agree("contact", node) for node in conditions("company", kind, operator)]
    assert any(several), "no operand found anything: the samples are no test"
    for node in list(conditions("companys", kind, operator))[:2]:
        world.agree("company", node)


@pytest.mark.usefixtures("way")
def test_links_themselves(world: World):
    ids = sorted(world.values["company"])
    gone = next(one for ends in world.ends.values() for one in ends if one not in {*ids, *world.values["contact"]})
    for name in world.types["company"].defn.names:
        assert world.agree("contact", Condition(f"associations.{name}", Op.HAS))
        world.agree("contact", Condition(f"associations.{name}", Op.NOT_HAS))
        assert world.agree("contact", Condition(f"{name}.string", Op.HAS))
    for name in ("contact", "company"):
        for some in ((ids[0],), ids[:3], (gone,), (2**40, ids[1]), ids):
            for operator in (Op.IN, Op.NOT_IN):
                world.agree(name, Condition("associations.company", operator, tuple(map(str, some))))
            for operator in (Op.EQ, Op.NEQ):
                world.agree(name, Condition("associations.company", operator, (some[0],)))


@pytest.mark.usefixtures("way")
def test_trees_over_both_types(world: World):
    number = Condition("number", Op.GTE, (2,))
    named = Condition("company.string", Op.HAS)
    staffed = Condition("company.number", Op.GT, (0,))
    linked = Condition("associations.company", Op.HAS)
    for node in (
        And((number, named)),
        Or((number, named, staffed)),
        And((linked, Not(named))),
        Not(And((Not(named), Or((number, Not(staffed)))))),
        And((named, staffed, named)),
    ):
        world.agree("contact", node)


@pytest.mark.usefixtures("way")
def test_what_is_looked_up_leaves_the_rest_its_operands(world: World):
    rest = Condition("number", Op.GTE, ("2",)), Condition("id", Op.GT, (str(sorted(world.values["contact"])[3]),))
    few = Condition("company.number", Op.EQ, (0,))
    more = Condition("company.number", Op.BETWEEN, (-1, 5))
    none = Condition("company.number", Op.NOT_HAS)
    for linked in (few, more, none, few):
        world.agree("contact", And((linked, *rest)))
        world.agree("contact", Or((linked, And(rest))))


@settings(max_examples=examples(60), deadline=None)
@given(data=st.data())
def test_any_tree(world: World, data: st.DataObject):
    name = data.draw(st.sampled_from(["contact", "company"]))
    firms = sorted(world.values["company"])[:12]
    node = data.draw(drawing.filters(world.types[name], {"company": (world.types["company"], firms)}))
    world.agree(name, node)


def test_pages_go_on_over_links(world: World):
    node = Condition("company.string", Op.HAS)
    expected = world.agree("contact", node)
    for offset in (0, None):
        pages = list(walk(world.engine, "contact", Query(node, limit=7, offset=offset)))
        assert [one.id for page in pages for one in page] == expected
        assert len(pages) > 1


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("company.numbr", "company.number"),
        ("associations.compny", "associations.company"),
        ("company.", None),
        ("associations.", None),
        ("nothing.string", None),
    ],
)
def test_wrong_names_are_told_with_the_nearest(world: World, name: str, close: str | None):
    with pytest.raises(Invalid) as refused:
        world.engine.reads.query("contact", Query(Condition(name, Op.HAS)), IDS)
    (error,) = refused.value.errors
    assert (error.name, error.code) == (name, "PROPERTY_DOESNT_EXIST")
    assert close is None or close in error.nearest


@pytest.mark.parametrize(
    ("node", "code"),
    [
        (Condition("associations.company", Op.GT, (1,)), "INVALID_OPERATOR"),
        (Condition("associations.company", Op.EQ, ("x",)), "INVALID_INTEGER"),
        (Condition("company.number", Op.CONTAINS_TOKEN, ("x",)), "INVALID_OPERATOR"),
        (Condition("company.number", Op.LT, ("x",)), "INVALID_INTEGER"),
    ],
)
def test_wrong_operators_and_operands_are_told(world: World, node: Condition, code: str):
    with pytest.raises(Invalid) as refused:
        world.engine.reads.query("contact", Query(node), IDS)
    (error,) = refused.value.errors
    assert (error.name, error.code) == (node.attribute, code)


def test_python_does_not_guess_links(world: World):
    checked = world.engine.reads.check("contact", Condition("associations.company", Op.HAS))
    with pytest.raises(ValueError, match="linked"):
        matches(checked, {})
