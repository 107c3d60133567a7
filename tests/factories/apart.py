"""Two services that mirror each other's types, in one process and two databases; the one hears the other on demand."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.bus.client import DirectSource
from shared.bus.consumer import Subscription, pull
from shared.eav import mirroring
from shared.eav.links.asked import LinkItem, Unlink
from shared.eav.requests import Draft, LinkTo, Ref, Update
from shared.kernel.config import Settings
from shared.kernel.context import Actor, Context
from shared.kernel.errors import Unavailable
from shared.service.app import build_app, migrate
from shared.service.entities import View
from shared.service.manifest import Manifest
from shared.service.mirrors.declare import Mirror
from shared.service.mirrors.following import mirror_subscription
from shared.service.mirrors.keeper import Keeper
from shared.service.mirrors.sweeping import sweep
from shared.service.runtime import Runtime
from shared.service.schema import GroupDef, TypeDef, attribute, choices, grouped, system_attributes
from shared.service.tokens import ensure_bootstrap

ADMIN = "crm_" + "admin-token-for-tests-" * 2
SERVICE = "crm_" + "service-token-for-tests-" * 2
EVERYBODY = Context(actor=Actor("tests", "tests", frozenset({"*"})))
PLAIN, BACK = 341, 342
PRIMARY, PRIMARY_BACK = 5, 6
DEAL_CONTACT, CONTACT_DEAL = 3, 4
_words = itertools.count()


def _type(name: str, plural: str, wire_id: str, *attributes: Any) -> TypeDef:
    about = f"{name}information"
    return TypeDef(
        name, plural, name.capitalize(), plural.capitalize(), wire_id,
        groups=(GroupDef(about, "About", 0),),
        attributes=(*system_attributes(about), *grouped(about, attributes)),
        primary_display="name", searchable=("name",), builtin=True, pool=(12, 12, 6, 6),
    )  # fmt: skip


STAGES = choices(("new", "New"), ("won", "Won"), ("lost", "Lost"))
INDUSTRIES = choices(("software", "Software"), ("retail", "Retail"), ("energy", "Energy"))
COMPANY = (
    attribute("name", "Name", default=True),
    attribute("domain", "Domain", unique=True, default=True),
    attribute("industry", "Industry", "enumeration", options=INDUSTRIES),
    attribute("staff", "Staff", "number"),
    attribute("founded", "Founded", "date"),
    attribute("listed", "Listed", "boolean"),
    attribute("about", "About", "long_text"),
    attribute("motto", "Motto"),
)
CONTACT = (
    attribute("name", "Name", default=True),
    attribute("email", "E-mail", "email", unique=True, default=True),
)
DEAL = (
    attribute("name", "Name", default=True),
    attribute("stage", "Stage", "enumeration", options=STAGES),
    attribute("amount", "Amount", "number"),
    attribute("closed_at", "Closed", "datetime"),
)
LINE = (attribute("name", "Name", default=True),)
MIRRORED = ("name", "domain", "industry", "staff", "founded", "listed", "about")


@cache
def manifests() -> tuple[Manifest, Manifest]:
    """Both services, none of which is started."""
    people = Manifest(
        "people",
        (_type("contact", "contacts", "0-1", *CONTACT), _type("company", "companies", "0-2", *COMPANY)),
        mirrors=(Mirror("sales", "deal", ("name", "stage", "amount", "closed_at")),),
    )
    sales = Manifest(
        "sales",
        # Line items are mirrored nowhere.
        (_type("deal", "deals", "0-3", *DEAL), _type("line_item", "line_items", "0-8", *LINE)),
        mirrors=(Mirror("people", "contact", ("name", "email")), Mirror("people", "company", MIRRORED)),
    )
    return people, sales


@dataclass
class Side:
    """One service as tests use it: through its corridors, or through its doors."""

    app: Any
    keepers: dict[str, Keeper] = field(default_factory=dict)

    @property
    def runtime(self) -> Runtime:
        """Its runtime."""
        found: Runtime = self.app.extensions["crm"]
        return found

    @property
    def name(self) -> str:
        """The service's name."""
        return self.runtime.manifest.name

    def client(self, token: str = ADMIN) -> FlaskClient:
        """A client of its doors."""
        made: FlaskClient = self.app.test_client()
        made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return made

    def create(self, type: str, links: tuple[LinkTo, ...] = (), **values: object) -> int:
        """A new entity's id."""
        given = {"name": f"{type} {next(_words)}", **values}
        (done,) = self.runtime.entities.create(EVERYBODY, type, [Draft(given, links=links)], View("json"))
        return done.id  # type: ignore[union-attr]

    def update(self, type: str, ident: int, **values: object) -> None:
        """Change values."""
        self.runtime.entities.update(EVERYBODY, type, [Update(Ref(id=ident), values)], View("json"))

    def archive(self, type: str, ident: int) -> None:
        """Archive one."""
        self.runtime.entities.archive(EVERYBODY, type, [Ref(id=ident)])

    def restore(self, type: str, ident: int) -> None:
        """Restore one."""
        self.runtime.entities.restore(EVERYBODY, type, ident, view=View("json"))

    def link(self, start: str, ident: int, end: str, other: int, *relations: int, exact: bool = False) -> None:
        """Link two."""
        item = LinkItem(ident, LinkTo(end, other, relations))
        self.runtime.links.put(EVERYBODY, start, [item], exact=exact)

    def unlink(self, start: str, ident: int, end: str, other: int, *relations: int) -> None:
        """Undo a link, or these labels of it."""
        self.runtime.links.remove(EVERYBODY, start, [Unlink(ident, end, other, relations or None)])

    def links(self, start: str, ident: int, end: str) -> dict[int, tuple[int, ...]]:
        """Whom one is linked to, and by what."""
        found, _ = self.runtime.links.page(EVERYBODY, start, ident, end)
        return {one.to_id: one.relations for one in found}

    def rows(self, *relations: int) -> set[tuple[int, int, int]]:
        """All rows of these relations as they are stored, hidden ones among them."""
        sql = "select relation, from_id, to_id from eav_link where relation = any(%(r)s)"
        with self.runtime.db.connect() as connection:
            return {(row[0], row[1], row[2]) for row in connection.rows(sql, {"r": list(relations)})}

    def mirrored(self, type: str, ident: int) -> dict[str, Any] | None:
        """What a mirror shows of an entity, by name; None when it is not there."""
        with self.runtime.db.connect() as connection:
            (keeper,) = self.keepers.values()
            live = keeper.known(connection).lives[type]
            found = mirroring.standing(connection, live, [ident]).get(ident)
        if found is None or found.archived:
            return None
        return {live.by_id[int(key)].name: value for key, value in found.values.items()}

    def sweep(self) -> int:
        """One round of undoing what is in vain."""
        return sweep(self.runtime.db, self.name, self.runtime.manifest.mirrors)


@dataclass
class Apart:
    """Both sides."""

    people: Side
    sales: Side

    def __post_init__(self) -> None:
        for side, other in ((self.people, self.sales), (self.sales, self.people)):
            side.keepers[other.name] = Keeper(side.name, other.name, side.runtime.manifest.mirrors)

    def subscription(self, side: Side, **more: Any) -> Subscription:
        """How one side follows the other."""
        (keeper,) = side.keepers.values()
        return replace(mirror_subscription(keeper, self.asker(self.other(side))), **more)

    def other(self, side: Side) -> Side:
        """The other side."""
        return self.sales if side is self.people else self.people

    def asker(self, side: Side) -> Any:
        """Answers GET paths of a side."""

        def ask(path: str) -> Mapping[str, Any]:
            answer = side.client(SERVICE).get(path)
            if answer.status_code != 200:
                raise Unavailable(answer.get_data(as_text=True))
            return dict(answer.get_json())

        return ask

    def hear(self, side: Side, **more: Any) -> int:
        """Let a side take in all that the other has told; how many events that were."""
        source = DirectSource({self.other(side).name: self.other(side).runtime.feed})
        subscription, count = self.subscription(side, **more), 0
        while (done := pull(side.runtime.db, source, subscription)).applied or done.behind:
            count += done.applied
        return count

    def settle(self) -> None:
        """Let both hear each other until nobody has news."""
        while self.hear(self.people) + self.hear(self.sales):
            pass

    def dispose(self) -> None:
        """Close connections."""
        for side in (self.people, self.sales):
            side.runtime.db.dispose()
            if side.runtime.redis is not None:
                side.runtime.redis.close()


def service(manifest: Manifest, url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Side:
    """A service on a fresh database."""
    monkeypatch.setenv(f"{manifest.name.upper()}_DATABASE_URL", url)
    settings = Settings(redis_url=redis_url, service_token=SERVICE, pool_size=4)  # type: ignore[arg-type]
    migrate(manifest, settings)
    app = build_app(manifest, settings)
    with app.extensions["crm"].db.connect() as connection:
        ensure_bootstrap(connection, ADMIN, SERVICE)
    return Side(app)
