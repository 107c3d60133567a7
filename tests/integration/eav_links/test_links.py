"""Links are seen from both sides, primaries are registers, labels imply the plain relation, archive hides."""

from __future__ import annotations

import pytest

from shared.eav.engine import Engine
from shared.eav.links.asked import LinkItem, LinkOutcome, Unlink
from shared.eav.removal import remove_type
from shared.eav.requests import ItemError, LinkTo, Ref
from shared.kernel.db import Database
from shared.kernel.errors import Invalid, NotFound
from tests.factories.asking import CONTEXT, IDS
from tests.factories.kinds import attribute, entity_type
from tests.factories.linking import (
    CHILD,
    FIRMS,
    PARENT,
    PLAIN,
    PLAIN_BACK,
    PRIMARY,
    PRIMARY_BACK,
    Told,
    audit_links,
    link,
    links,
    rows,
    some,
)
from tests.factories.schema import Schema


def test_a_link_is_seen_from_both_sides_under_inverse_relations(engine: Engine, told: Told):
    (person,), (one, other) = some(engine, "contact", 1), some(engine, "company", 2)
    assert link(engine, "contact", person, "company", one) == LinkOutcome(person, one, (PLAIN, PRIMARY), True)
    link(engine, "companies", other, "0-1", person)
    assert links(engine, "contact", person, "company") == {one: (PLAIN, PRIMARY), other: (PLAIN,)}
    assert links(engine, "company", one, "contact") == {person: (PLAIN_BACK, PRIMARY_BACK)}
    assert told.taken() == {
        (PLAIN, person, one, True),
        (PRIMARY, person, one, True),
        (PLAIN_BACK, other, person, True),
    }


def test_the_same_again_changes_and_tells_nothing(engine: Engine, told: Told, database: Database):
    (person,), (firm,) = some(engine, "contact", 1), some(engine, "company", 1)
    link(engine, "contact", person, "company", firm)
    told.taken()
    before = rows(database)
    assert link(engine, "contact", person, "company", firm) == LinkOutcome(person, firm, (PLAIN, PRIMARY), False)
    assert told.taken() == set()
    assert rows(database) == before


def test_a_primary_moves_and_leaves_the_plain_link(engine: Engine, told: Told):
    (person,), (one, other) = some(engine, "contact", 1), some(engine, "company", 2)
    link(engine, "contact", person, "company", one)
    told.taken()
    link(engine, "company", other, "contact", person, PRIMARY_BACK)
    assert links(engine, "contact", person, "company") == {one: (PLAIN,), other: (PLAIN, PRIMARY)}
    assert told.taken() == {
        (PRIMARY, person, one, False),
        (PLAIN_BACK, other, person, True),
        (PRIMARY_BACK, other, person, True),
    }


def test_removing_drops_labels_or_everything(engine: Engine, told: Told, database: Database):
    (person,), (firm,) = some(engine, "contact", 1), some(engine, "company", 1)
    link(engine, "contact", person, "company", firm)
    engine.links.remove("company", [Unlink(firm, "contact", person, (PRIMARY_BACK,))], CONTEXT)
    assert links(engine, "contact", person, "company") == {firm: (PLAIN,)}
    engine.links.remove("contact", [Unlink(person, "company", firm)], CONTEXT)
    assert links(engine, "company", firm, "contact") == {}
    told.taken()
    engine.links.remove("contact", [Unlink(person, "company", firm), Unlink(2**63, "company", 0)], CONTEXT)
    assert told.taken() == set()
    assert not [one for one in rows(database) if person in one]


def test_archive_hides_and_restore_shows(engine: Engine):
    (person,), (one, other) = some(engine, "contact", 1), some(engine, "company", 2)
    link(engine, "contact", person, "company", one)
    engine.writes.archive("company", [Ref(one)], CONTEXT)
    assert links(engine, "contact", person, "company") == {}
    with pytest.raises(NotFound):
        engine.links.page("company", one, "contact")
    with pytest.raises(NotFound, match=str(one)):
        link(engine, "contact", person, "company", one)
    link(engine, "contact", person, "company", other)
    assert links(engine, "contact", person, "company") == {other: (PLAIN, PRIMARY)}
    engine.writes.restore("company", one, CONTEXT, IDS)
    assert links(engine, "contact", person, "company") == {one: (PLAIN,), other: (PLAIN, PRIMARY)}


def test_what_is_wrong_is_told_and_nothing_written(engine: Engine, database: Database):
    (person,), (firm,) = some(engine, "contact", 1), some(engine, "company", 1)
    before = rows(database)
    with pytest.raises(Invalid, match=r"2: not an association type.*279.*1 \(Primary\)"):
        link(engine, "contact", person, "company", firm, PRIMARY_BACK)
    with pytest.raises(Invalid, match="itself"):
        link(engine, "company", firm, "company", firm)
    unknown = [
        LinkItem(person, LinkTo("company", firm)),
        *[LinkItem(person, LinkTo("company", n)) for n in (-1, 2**70)],
    ]
    with pytest.raises(NotFound) as refused:
        engine.links.put("contact", unknown, CONTEXT)
    assert refused.value.ids == ("-1", str(2**70))
    assert rows(database) == before
    done = engine.links.put("contact", unknown, CONTEXT, partial=True)
    assert [type(one) for one in done] == [LinkOutcome, ItemError, ItemError]


def test_setting_labels_takes_the_others_away(engine: Engine):
    (boss, firm) = some(engine, "company", 2)
    link(engine, "company", firm, "company", boss, PARENT)
    assert links(engine, "company", boss, "company") == {firm: (FIRMS, CHILD)}
    engine.links.put("company", [LinkItem(firm, LinkTo("company", boss))], CONTEXT, exact=True)
    assert links(engine, "company", boss, "company") == {firm: (FIRMS,)}


def test_a_child_has_one_parent_and_nobody_stands_above_itself(engine: Engine):
    a, b, c, d = some(engine, "company", 4)
    link(engine, "company", a, "company", b, PARENT)
    link(engine, "company", b, "company", c, PARENT)
    with pytest.raises(Invalid, match="stands below"):
        link(engine, "company", c, "company", a, PARENT)
    with pytest.raises(Invalid, match="stands below"):
        link(engine, "company", a, "company", c, CHILD)
    link(engine, "company", a, "company", d, PARENT)
    link(engine, "company", c, "company", a, PARENT)
    assert links(engine, "company", a, "company") == {b: (FIRMS,), d: (FIRMS, PARENT), c: (FIRMS, CHILD)}


def test_types_without_a_listed_relation_have_one_all_the_same(engine: Engine):
    (person,), (gadget,) = some(engine, "contact", 1), some(engine, "gadget", 1)
    plain = engine.relations.plain("contact", "gadget")
    assert link(engine, "contact", person, "gadget", gadget).relations == (plain.id,)
    assert links(engine, "gadget", gadget, "contact") == {person: (plain.inverse,)}


def test_links_go_with_their_type(engine: Engine, database: Database):
    schema = Schema(engine)
    live = schema.add_type(entity_type("trinket", attribute("code", "string")))
    (person,), (gadget,), trinkets = some(engine, "contact", 1), some(engine, "gadget", 1), some(engine, "trinket", 2)
    for other, ident in (("contact", person), ("gadget", gadget), ("trinket", trinkets[1])):
        link(engine, "trinket", trinkets[0], other, ident)
    link(engine, "contact", person, "gadget", gadget)
    audit_links(engine)
    engine.writes.archive("trinket", [Ref(one) for one in trinkets], CONTEXT)
    with database.transaction() as connection:
        remove_type(connection, live)
    engine.catalog.refresh()
    assert {frozenset(one[1:]) for one in rows(database) if {person, gadget, *trinkets} & {*one[1:]}} == {
        frozenset((person, gadget))
    }
    audit_links(engine)


def test_pages_of_many_in_one_statement(engine: Engine, database: Database):
    (person, lonely), firms = some(engine, "contact", 2), some(engine, "company", 5)
    engine.links.put("contact", [LinkItem(person, LinkTo("company", one)) for one in firms], CONTEXT)
    with database.counted() as statements:
        found = engine.links.pages("contact", [person, lonely], "company", 2)
    assert len(statements) == 1
    assert engine.links.pages("contact", [person, lonely, 2**62, 2**70, -1], "company", 2) == found
    (first, behind), seen = found.pop(person), []
    assert found == {lonely: ([], None)}
    while behind is not None:
        seen += first
        first, behind = engine.links.page("contact", person, "company", 2, behind)
    assert [one.to_id for one in (*seen, *first)] == firms
