"""What a person who was erased in another service had here: it goes in the transaction that hears of the erasure.

Links to them, and values by which our entities name them, are looked up before their mirror is blanked and their links
are undone. What they had alone is erased, as it would be at home, and what they made. What others have too forgets whom
it named, and is listed for somebody to look at. Hearing it twice changes nothing, and a service that was away does it
when it comes back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, cached_property
from types import MappingProxyType

import redis

from shared.eav import mirroring
from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.engine import Engine
from shared.eav.store.erase import naming
from shared.eav.types import kind_of
from shared.kernel.config import Settings
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection, Database
from shared.service.engines import engine_of
from shared.service.erasure import belonging
from shared.service.erasure.belonging import Claim, Link, Named
from shared.service.erasure.corridor import Erasure
from shared.service.erasure.secret import secrets_of
from shared.service.manifest import Manifest
from shared.service.matching.keeping import Keeping
from shared.service.walks import RedisWalk

SOURCE = "ERASURE"


class Bereft:
    """What erased entities of mirrors leave behind in one service. Connections are opened when first needed."""

    def __init__(self, manifest: Manifest, settings: Settings) -> None:
        self._manifest = manifest
        self._settings = settings

    def concerns(self, mirrored: str) -> bool:
        """Whether entities of ours go with entities of a mirrored type."""
        return mirrored in self._manifest.belongings or mirrored in self._manifest.claims

    def belongs(self, mirrored: str, own: str) -> bool:
        """Whether entities of a type of ours go with those of a mirrored type that they are linked to."""
        return own in self._manifest.belongings.get(mirrored, ())

    def named(self, connection: Connection, mirror: LiveType, ids: Collection[int]) -> Named:
        """Which entities of ours name these of a mirror by a value. Ask before the mirror is blanked. Raises
        StaleCatalog: begin again."""
        claims = self._manifest.claims.get(mirror.name, ())
        states = mirroring.standing(connection, mirror, ids).values() if claims else ()
        found: dict[tuple[int, str], set[int]] = {}
        for one in states:
            for claim in claims:
                value = one.values.get(mirror.attributes[claim.theirs].key)
                if value is not None:
                    found.setdefault((one.id, claim.type), set()).update(self._naming(connection, claim, str(value)))
        return found

    def _naming(self, connection: Connection, claim: Claim, value: str) -> list[int]:
        live = self._engine.catalog.type(claim.type)
        attribute = live.attributes[claim.attribute]
        try:
            return naming(connection, live, attribute, [kind_of(attribute).to_slot(value, attribute)])
        except StaleCatalog:
            self._engine.catalog.refresh()
            raise

    def erase(
        self, connection: Connection, mirrored: str, links: Iterable[Link], named: Named, cause: str | None
    ) -> None:
        """Erase or list what they had, now that their links are undone. Raises StaleCatalog: begin again."""
        context = Context(SYSTEM, SOURCE, cause=cause)
        self._engine.relations.ready()
        left = list(links)
        for (erased, kind), ids in named.items():
            if self.belongs(mirrored, kind):
                relation = self._engine.relations.plain(kind, mirrored).id
                left += [(kind, relation, erased, one) for one in ids]
        try:
            self._erasure.erase_left(context, connection, mirrored, left)
            for (erased, kind), ids in named.items():
                self._take_out(connection, mirrored, erased, kind, sorted(ids), context)
        except StaleCatalog:
            self._engine.catalog.refresh()
            raise
        self._walk.forget()

    def _take_out(
        self, connection: Connection, mirrored: str, erased: int, kind: str, ids: Sequence[int], context: Context
    ) -> None:
        """What is theirs alone of what names them: what they made, and their values in what stays. The rest is listed.
        Of what has gone already, nothing is left to be found."""
        claims = [one for one in self._manifest.claims.get(mirrored, ()) if one.type == kind]
        if any(one.whole for one in claims):
            self._erasure.erase_these(context, connection, kind, ids)
            return
        for one in claims:
            self._erasure.empty(context, connection, kind, ids, (one.attribute, *one.besides))
        if not self.belongs(mirrored, kind) and any(one.listed for one in claims):
            belonging.note_all(connection, mirrored, erased, kind, ids)

    @cached_property
    def _engine(self) -> Engine:
        settings = self._settings
        url = settings.service_database_url(self._manifest.name) or ""
        database = Database(url, pool_size=1, prepare=settings.prepare)
        return engine_of(self._manifest, database, Keeping(self._manifest.matching, database), self._walk)

    @cached_property
    def _walk(self) -> RedisWalk:
        url = self._settings.redis_url.get_secret_value() if self._settings.redis_url else None
        client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=1) if url else None
        return RedisWalk(client, self._manifest.name)

    @cached_property
    def _erasure(self) -> Erasure:
        manifest, settings = self._manifest, self._settings
        secrets = cache(lambda: secrets_of(settings))
        nothing: Mapping[str, tuple[str, ...]] = MappingProxyType({})
        own = {one.name for one in manifest.types}
        belongings = {name: kinds for name, kinds in manifest.belongings.items() if name in own} or nothing
        return Erasure(self._engine, secrets, self._walk.forget, belongings, manifest.forgets, manifest.parts)
