"""The ledger outlives the database: what a restored backup brings back is erased again, and nobody else is."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask

from services.contacts.manifest import MANIFEST as CONTACTS_SERVICE
from shared.kernel.config import Settings
from shared.service.app import build_app, migrate
from shared.service.erasure.secret import FILE, secrets_of
from shared.service.tokens import ensure_bootstrap
from tests.factories.searching import tables_with
from tests.integration.service.conftest import ADMIN, SERVICE

CONTACTS = "/api/v1/objects/contacts"
LEDGER = "/api/v1/contacts/erasures"


class Installation:
    """Contacts alone, over a database of its own that can be backed up."""

    def __init__(self, app: Flask, url: str) -> None:
        self.app, self.url = app, url
        self.client: Any = app.test_client()
        self.client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ADMIN}"
        self.runtime = app.extensions["crm"]

    def create(self, **values: object) -> str:
        answer = self.client.post(CONTACTS, json={"values": values})
        assert answer.status_code == 201, answer.json
        return str(answer.json["id"])

    def erase(self, ident: str) -> None:
        assert self.client.post(f"{CONTACTS}/{ident}/erase", json={}).json["erased"]

    def there(self, ident: str) -> bool:
        paths = (f"{CONTACTS}/{ident}", f"{CONTACTS}/{ident}?archived=true")
        return any(self.client.get(path).status_code == 200 for path in paths)

    def texts_left(self, *texts: str) -> dict[str, list[str]]:
        with self.runtime.db.connect() as connection:
            return tables_with(connection, texts)


@pytest.fixture
def install(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Installation]]:
    """A function that opens an installation over a database."""
    home = tmp_path_factory.mktemp("home")
    made: list[Installation] = []

    def open_(url: str) -> Installation:
        monkeypatch.setenv("CONTACTS_DATABASE_URL", url)
        monkeypatch.setenv("CRM_HOME", str(home))
        settings = Settings(redis_url=redis_url, service_token=SERVICE, pool_size=2)  # type: ignore[arg-type]
        migrate(CONTACTS_SERVICE, settings)
        app = build_app(CONTACTS_SERVICE, settings)
        with app.extensions["crm"].db.connect() as connection:
            ensure_bootstrap(connection, ADMIN, SERVICE)
        made.append(Installation(app, url))
        return made[-1]

    yield open_
    for one in made:
        one.runtime.db.dispose()


@pytest.fixture
def here(install: Callable[[str], Installation], new_database: Callable[..., str]) -> Installation:
    return install(new_database(CONTACTS_SERVICE))


def backup(one: Installation, pg_url: str) -> str:
    """A copy of the database as it is now; its URL."""
    one.runtime.db.dispose()
    name, copy = one.url.rpartition("/")[2].partition("?")[0], f"copy{uuid.uuid4().hex[:10]}"
    with psycopg.connect(pg_url, autocommit=True) as connection:
        connection.execute(f'create database "{copy}" template "{name}"')
    return one.url.replace(f"/{name}", f"/{copy}")


def carry_over(old: Installation, new: Installation) -> dict[str, Any]:
    """Export, import, reapply; as the commands of `crm erasures` do."""
    exported: list[Any] = []
    after: str | None = None
    while True:
        page = old.client.get(f"{LEDGER}?limit=2" + (f"&after={after}" if after else "")).json
        exported += page["results"]
        after = page.get("next_after")
        if after is None:
            break
    taken = new.client.post(LEDGER, json={"entries": exported})
    assert taken.status_code == 200, taken.json
    return dict(new.client.post(f"{LEDGER}/reapply", json={}).json)


def test_a_restored_backup_is_erased_again(
    here: Installation, install: Callable[[str], Installation], pg_url: str
) -> None:
    gone = [here.create(email=f"gone{n}@x.test", first_name=f"Goner{n}") for n in range(3)]
    stays = here.create(email="stays@x.test")
    here.client.delete(f"{CONTACTS}/{gone[1]}")
    old = install(backup(here, pg_url))
    late = here.create(email="late@x.test")
    for ident in (*gone, late):
        here.erase(ident)
    assert old.texts_left("goner0", "gone2@x.test")
    same_number = old.create(email="new@x.test", first_name="Somebody new")
    assert same_number == late
    assert carry_over(here, old) == {"known": 4, "erased": 3}
    assert old.texts_left("goner", "gone0@x.test", "gone1@x.test", "gone2@x.test") == {}
    assert not any(old.there(ident) for ident in gone)
    assert old.there(stays)
    assert old.there(same_number), "an id that was given out anew is another entity"
    events = old.runtime.feed.read("start", limit=1000).page().events
    assert sorted(str(one.entity_id) for one in events if one.kind == "entity.erased") == sorted(gone)
    assert carry_over(here, old) == {"known": 4, "erased": 0}


def test_merges_of_a_backup_do_not_take_others_along(
    here: Installation, install: Callable[[str], Installation], pg_url: str
) -> None:
    mine, other, third = (here.create(email=f"{name}@x.test", first_name=name) for name in ("mine", "other", "third"))
    here.client.post(f"{CONTACTS}/{other}/merge", json={"absorb": [mine]})
    here.client.post(f"{CONTACTS}/{third}/merge", json={"absorb": [other]})
    old = install(backup(here, pg_url))
    for ident in (third, other):
        assert here.client.post(f"{CONTACTS}/{ident}/unmerge", json={}).status_code == 200
    here.erase(mine)
    assert carry_over(here, old)["erased"] == 1
    assert not old.there(mine)
    assert old.texts_left("mine@x.test") == {}
    assert old.client.get(f"{CONTACTS}/{other}").json["values"]["first_name"] == "other"
    assert old.client.get(f"{CONTACTS}/{third}").json["values"]["email"] == "third@x.test"


def test_an_erased_whole_of_a_backup_that_was_not_merged_yet(
    here: Installation, install: Callable[[str], Installation], pg_url: str
) -> None:
    parts = [here.create(email=f"part{n}@x.test") for n in range(2)]
    old = install(backup(here, pg_url))
    here.client.post(f"{CONTACTS}/{parts[0]}/merge", json={"absorb": [parts[1]]})
    here.erase(parts[0])
    assert carry_over(here, old)["erased"] == 2
    assert old.texts_left("part0@x.test", "part1@x.test") == {}


def test_the_ledger_holds_no_value_and_keeps_what_it_is_told(here: Installation) -> None:
    ident = here.create(email="secret.person@x.test")
    here.erase(ident)
    (entry,) = here.client.get(LEDGER).json["results"]
    assert (entry["type"], entry["id"], len(entry["values"])) == ("contact", ident, 1)
    assert here.texts_left("secret.person") == {}
    lifted = {"type": "contact", "attribute": "email", "value": "secret.person@x.test"}
    here.client.post(f"{LEDGER}/lift", json=lifted)
    entry["values"][0]["blocked"] = True
    here.client.post(LEDGER, json={"entries": [entry, entry]})
    assert here.client.get(LEDGER).json["results"][0]["values"][0]["blocked"] is False
    assert len(here.client.get(LEDGER).json["results"]) == 1


@pytest.mark.parametrize("entries", [None, "x", [1], [{}], [{"type": "contact", "id": "x"}], [{"type": 1, "id": "1",
    "erased_at": "never", "values": []}]])  # fmt: skip
def test_what_is_no_ledger_is_refused(here: Installation, entries: Any) -> None:
    answer = here.client.post(LEDGER, json={"entries": entries})
    assert answer.status_code == 400
    assert answer.json["category"] == "VALIDATION_ERROR"


def test_the_secret_is_made_once_and_read_by_nobody_else(here: Installation) -> None:
    settings = here.runtime.settings
    first = secrets_of(settings)
    assert secrets_of(settings) == first
    path = settings.home / FILE
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("a newer one\n" + path.read_text())
    assert [one.id for one in secrets_of(settings)][1:] == [one.id for one in first]
    assert secrets_of(settings.model_copy(update={"erasure_secrets": _Secret("x, y")}))[1].key == b"y"


class _Secret:
    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        return self._text
