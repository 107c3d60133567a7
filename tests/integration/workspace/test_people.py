"""Owners and teams, as every service knows them from workspace's log."""

from __future__ import annotations

from typing import Any

import pytest

from shared.service import people, replicas
from shared.service.people import Owner
from tests.integration.workspace.moving import Moving


def made(moving: Moving, plural: str, **values: Any) -> int:
    """A new entity of workspace."""
    answer = moving.client().post(f"/api/v1/objects/{plural}", json={"values": values})
    assert answer.status_code == 201, answer.text
    return int(answer.get_json()["id"])


def known(moving: Moving, ident: int) -> Owner | None:
    """An owner as contacts knows them."""
    moving.tell()
    with moving.runtime("contacts").db.connect() as connection:
        return people.owners(connection, [ident]).get(ident)


def test_owners_are_known_with_their_team_and_made_up_teams_are_refused(
    moving: Moving, monkeypatch: pytest.MonkeyPatch
):
    team, other = (made(moving, "teams", name=name) for name in ("North", "South"))
    ident = made(moving, "owners", email="ada@example.test", name="Ada Byron", team_id=team)
    assert known(moving, ident) == Owner(ident, 1, False, "ada@example.test", "Ada Byron", team)
    path = f"/api/v1/objects/owners/{ident}"
    assert moving.client().patch(path, json={"values": {"team_id": other, "last_name": "King"}}).status_code == 200
    after = Owner(ident, 2, False, "ada@example.test", "Ada King", other)
    assert known(moving, ident) == after
    runtime = moving.runtime("contacts")
    assert runtime.foreign.unknown("team", [team, 987654321]) <= {987654321}
    with runtime.db.transaction() as connection:
        connection.run("delete from known_owner")
        connection.run("delete from known_owner_attribute")
        connection.run("delete from foreign_entity")
    ask = moving.client().open
    monkeypatch.setattr(replicas, "_ask", lambda _, method, path: ask(path, method=method).json)
    runtime.follows["contacts.people"].rebuild(runtime.db)
    assert known(moving, ident) == after
    with runtime.db.connect() as connection:
        ids = {row[0] for row in connection.rows("select id from foreign_entity where entity_type = 'team'", {})}
    assert {team, other} <= ids
    assert moving.client().delete(path).status_code == 204
    gone = known(moving, ident)
    assert gone is not None
    assert (gone.archived, gone.team) == (True, other)
