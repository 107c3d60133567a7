"""What writers do: creations, changes, archivings, restorings and links of companies, many about the same few."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from shared.eav.entity import View
from shared.eav.links.asked import LinkItem
from shared.eav.requests import Draft, ItemError, LinkTo, Ref, Update
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Conflict, Invalid, NotFound
from shared.service.runtime import Runtime

TYPE = "company"
STATUS = ("NEW", "OPEN", "CONNECTED", "BAD_TIMING", None)
CITIES = ("北京", "Zürich", "İzmir", None)
REVENUES = (None, "0.1", "12.25", "-3", "99999999999999999999.01")
HOT = 12
_VIEW = View(attributes=("name",))


def values(drawn: random.Random) -> dict[str, Any]:
    """Values that move an entity between groups."""
    told = {
        "lead_status": drawn.choice(STATUS),
        "city": drawn.choice(CITIES),
        "annual_revenue": drawn.choice(REVENUES),
        "number_of_employees": drawn.choice((None, "1", "20", "300")),
    }
    return {name: told[name] for name in drawn.sample(sorted(told), drawn.randint(1, len(told)))}


class Writer:
    """One writer in a service. It learns what there is when it begins, and forgets what it cannot find."""

    def __init__(self, runtime: Runtime, drawn: random.Random, size: int = 1) -> None:
        self._runtime = runtime
        self._size = size
        self._random = drawn
        self._ctx = Context()
        entities = runtime.entities
        self._here = [one.id for one in entities.list(self._ctx, TYPE, _VIEW, limit=500, after=None)[0]]
        gone = entities.list(self._ctx, TYPE, _VIEW, limit=100, after=None, archived=True)[0]
        self._gone = [one.id for one in gone]
        self._steps: tuple[Callable[[], None], ...] = (
            *[self.create] * 4,
            *[self.update] * 9,
            *[self.update_many] * 5,
            self.archive,
            self.restore,
            self.link,
        )

    def step(self) -> None:
        """One random write. Raises what the database raises; refusals are part of the day."""
        with suppress(NotFound, Conflict, Invalid):
            self._random.choice(self._steps)()

    def create(self) -> None:
        """One, or up to five times the size at once."""
        count = self._random.choice((1, 1, 2 * self._size, 5 * self._size))
        drafts = [Draft(values(self._random)) for _ in range(count)]
        made = self._runtime.entities.create(self._ctx, TYPE, drafts, _VIEW)
        self._here += [one.id for one in made if not isinstance(one, ItemError)]

    def update(self) -> None:
        """One, often one that others change as well."""
        if self._here:
            self._update([self._one()])

    def update_many(self) -> None:
        """Several in one transaction."""
        if self._here:
            self._update(sorted({self._one() for _ in range(self._random.randint(2, 8 * self._size))}))

    def archive(self) -> None:
        """To the archive."""
        if len(self._here) > HOT:
            one = self._here.pop(self._random.randrange(len(self._here)))
            self._runtime.entities.archive(self._ctx, TYPE, [Ref(one)])
            self._gone.append(one)

    def restore(self) -> None:
        """Back from it."""
        if self._gone:
            one = self._gone.pop(self._random.randrange(len(self._gone)))
            self._runtime.entities.restore(self._ctx, TYPE, one, view=_VIEW)
            self._here.append(one)

    def link(self) -> None:
        """A contact of a company, new or not."""
        if self._here:
            [made] = self._runtime.entities.create(self._ctx, "contact", [Draft({"first_name": "A"})], _VIEW)
            link = LinkItem(made.id, LinkTo(TYPE, self._one()))  # type: ignore[union-attr]
            self._runtime.links.put(self._ctx, "contact", [link])

    def _one(self) -> int:
        hot = self._here[:HOT] if self._random.random() < 0.6 else self._here
        return self._random.choice(hot)

    def _update(self, ids: list[int]) -> None:
        updates = [Update(Ref(one), values(self._random)) for one in ids]
        done = self._runtime.entities.update(self._ctx, TYPE, updates, _VIEW)
        missing = {ids[one.index] for one in done if isinstance(one, ItemError)}
        self._here = [one for one in self._here if one not in missing]


def early_transaction_ids(drawn: random.Random, share: float = 0.25) -> None:
    """Let some transactions of this process draw their id and dawdle before they lock anything.

    Their later writes then carry ids older than those of the writes they follow: the inversion that an order by
    transaction id would get wrong.
    """
    original = Database.transaction

    @contextmanager
    def early(self: Database) -> Iterator[Connection]:
        with original(self) as connection:
            if drawn.random() < share:
                connection.row("select pg_current_xact_id()")
                time.sleep(drawn.random() * 0.03)
            yield connection

    Database.transaction = early  # type: ignore[method-assign]
