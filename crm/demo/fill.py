"""The invented company sent to a running system, in batches, through the public API alone.

Sending it again changes nothing: owners and contacts are known by their e-mail, companies by their domain, and an
entity's version says how much of its history is there, so that an interrupted run is taken up where it ended. Contacts
are linked with the companies they work for, deals with both; activities and tickets come with their links. Memory stays
flat: a few batches are under way at any time, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from threading import Lock
from typing import Any

from crm.api import Api, ApiError, path_of, results
from crm.demo.activities import ActivityFill, in_chunks
from crm.demo.company import SCORE, SPAN, Company, domain_of
from crm.demo.promises import promise
from crm.demo.story import Story
from crm.demo.tickets import TicketFill
from crm.vocabulary import UnknownAttribute, load_vocabulary
from shared.kernel import clock

BATCH = 200
WORKERS = 4
_KEYS = {"companies": "domain", "contacts": "email"}
Advance = Callable[[str, int], None]


@dataclass
class Outcome:
    """What filling did. `dated` tells whether the past could be written as the past; `promised` from when on something
    is promised to customers, "" when nothing was declared; `problems` are samples."""

    created: int = 0
    changed: int = 0
    kept: int = 0
    linked: int = 0
    activities: int = 0
    said: int = 0
    refused: int = 0
    dated: bool = True
    promised: str = ""
    problems: list[str] = field(default_factory=list)


class Fill:
    """One filling of one system. `advance(kind, rows)` is called as rows are done, from several threads."""

    def __init__(self, api: Api, company: Company, advance: Advance = lambda _kind, _rows: None) -> None:
        self.api = api
        self.company = company
        self.outcome = Outcome()
        self._advance = advance
        self._lock = Lock()
        self._owners: list[str] = []
        self._names: dict[str, str] = {}

    def run(self) -> Outcome:
        """Send everything. Raises ApiError and Unreachable."""
        self._names = {"score": score_attribute(self.api)}
        self.outcome.promised = promise(self.api, self.company.now - SPAN, self.company.now)
        for chunk in _chunks(self.company.owners(), BATCH):
            self._owners += self._send("owners", chunk)
        company = self.company
        kinds = (("companies", company.companies()), ("contacts", company.contacts()), ("deals", company.deals()))
        for kind, stories in kinds:
            self._send_all(partial(self._send, kind), _chunks(stories, BATCH))
        self._send_all(self._send_activities, in_chunks(company.contacts()))
        self._send_all(self._send_tickets, _chunks(company.tickets(), BATCH))
        return self.outcome

    def _send_all(self, send: Callable[[list[Story]], object], chunks: Iterable[list[Story]]) -> None:
        with ThreadPoolExecutor(WORKERS) as pool:
            under_way: set[Future[object]] = set()
            for chunk in chunks:
                under_way.add(pool.submit(send, chunk))
                if len(under_way) > WORKERS:
                    done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    _raise_first(done)
            _raise_first(under_way)

    def _send(self, kind: str, stories: list[Story]) -> list[str]:
        """Create what is missing, then let each live through what is missing of its history. The ids, in order."""
        known = self._known(kind, stories[0].key_attribute, [story.key for story in stories])
        fresh = [story for story in stories if story.key not in known]
        links = self._tickets().links(fresh) if kind == "tickets" and fresh else {}
        births = [(one.created, {"values": self._values(one), **_linked(links.get(one.key))}) for one in fresh]
        made = self._write(kind, "create", births)
        self._count(created=len(made), kept=len(stories) - len(fresh))
        known |= {fresh[at].key: (entity["id"], 1) for at, entity in made}
        reached = self._tickets().reached(stories) if kind == "tickets" and len(fresh) < len(stories) else {}
        for turn in range(max(len(story.steps) for story in stories)):
            due = [
                (step.at, {"id": known[story.key][0], "values": self._renamed(step.values)})
                for story in stories
                for step in story.steps[turn : turn + 1]
                if story.key in known and reached.get(story.key, known[story.key][1] - 1) <= turn
            ]
            self._count(changed=len(self._write(kind, "update", due)))
        with_known = [(known[story.key][0], story) for story in stories if story.key in known]
        if kind == "contacts":
            self._link(kind, "companies", {ident: domain_of(story) for ident, story in with_known})
        if kind == "deals":
            self._link(kind, "contacts", {ident: story.contact for ident, story in with_known})
            self._link(kind, "companies", {ident: story.contact.rpartition("@")[2] for ident, story in with_known})
        self._advance(kind, len(stories))
        return [known.get(story.key, ("", 0))[0] for story in stories]

    def _tickets(self) -> TicketFill:
        return TicketFill(self.api, self._known, dated=self.outcome.dated)

    def _send_tickets(self, tickets: list[Story]) -> None:
        ids = self._send("tickets", tickets)
        said = self._tickets().say([(ident, one) for ident, one in zip(ids, tickets, strict=True) if ident])
        with self._lock:
            self.outcome.said += said

    def _send_activities(self, contacts: list[Story]) -> None:
        company, dated = self.company, self.outcome.dated
        sender = ActivityFill(self.api, self._known, self._owners, seed=company.seed, now=company.now, dated=dated)
        made = sender.send(contacts, company.size.contacts)
        with self._lock:
            self.outcome.activities += made
        self._advance("activities", len(contacts))

    def _link(self, kind: str, other: str, keys: dict[str, str]) -> None:
        """Link entities (by id) with the others of these keys, unless they are linked with any."""
        links = f"/crm/v4/associations/{kind}/{other}/batch"
        body = self.api.post(f"{links}/read", {"inputs": [{"id": ident} for ident in keys]})
        linked = {one["from"]["id"] for one in body["results"]}
        wanted = {ident: key for ident, key in keys.items() if ident not in linked}
        if not wanted:
            return
        found = self._known(other, _KEYS[other], sorted(set(wanted.values())))
        pairs = [{"from": {"id": ident}, "to": {"id": found[key][0]}} for ident, key in wanted.items() if key in found]
        self.api.post(f"{links}/associate/default", {"inputs": pairs})
        self._count(linked=len(pairs))

    def _known(self, kind: str, name: str, keys: list[str]) -> dict[str, tuple[str, int]]:
        """Id and version of those that are there, by key, which is an attribute's value."""
        if kind in ("companies", "deals"):  # domains and names identify nothing as far as the system knows
            condition = {"attribute": name, "operator": "IN", "values": keys}
            question: dict[str, Any] = {"filter": condition, "attributes": [name], "limit": BATCH}
            found = results(self.api.post(path_of("objects", kind, "query"), question))
        else:
            question = {"ids": keys, "by": name, "attributes": [name]}
            found = results(self.api.post(path_of("objects", kind, "batch", "read"), question))
        return {one["values"][name]: (one["id"], one["version"]) for one in found}

    def _write(
        self, kind: str, act: str, inputs: list[tuple[datetime, dict[str, Any]]]
    ) -> list[tuple[int, dict[str, Any]]]:
        """Send inputs with their instants; what was written, each with its place among the inputs.

        The first refusal of instants ends their use: all is then dated now.
        """
        if not inputs:
            return []
        dated = self.outcome.dated
        sent = [{**one, "effective_at": clock.iso(at)} if dated else one for at, one in inputs]
        try:
            body = self.api.post(path_of("objects", kind, "batch", act), {"inputs": sent, "partial": True})
        except ApiError as error:
            if not dated or "effective" not in str(error):
                raise
            self.outcome.dated = False
            return self._write(kind, act, inputs)
        refused = {one["index"]: one for one in body.get("errors", ())}
        self._note_refused(refused)
        places = [at for at in range(len(inputs)) if at not in refused]
        written = list(zip(places, body["results"], strict=True))
        if dated and act == "create" and written and not _as_dated(inputs[written[0][0]][0], written[0][1]):
            self.outcome.dated = False
        return written

    def _values(self, story: Story) -> dict[str, str]:
        values = self._renamed(story.values)
        if story.owner is not None and (owner := self._owners[story.owner]):
            values["owner_id"] = owner
        return values

    def _renamed(self, values: dict[str, str]) -> dict[str, str]:
        return {self._names.get(name, name): value for name, value in values.items()}

    def _note_refused(self, refused: dict[int, dict[str, Any]]) -> None:
        with self._lock:
            self.outcome.refused += len(refused)
            self.outcome.problems += [str(one.get("message")) for one in refused.values()]
            del self.outcome.problems[5:]

    def _count(self, created: int = 0, changed: int = 0, kept: int = 0, linked: int = 0) -> None:
        with self._lock:
            self.outcome.linked += linked
            self.outcome.created += created
            self.outcome.changed += changed
            self.outcome.kept += kept


def score_attribute(api: Api) -> str:
    """The internal name of the contacts' custom attribute Score, made if it is not there."""
    try:
        return load_vocabulary(api, "contacts").find(SCORE["label"]).name
    except UnknownAttribute:
        return str(api.post(path_of("types", "contacts", "attributes"), SCORE)["name"])


def _linked(links: list[dict[str, str]] | None) -> dict[str, Any]:
    return {"links": links} if links else {}


def _as_dated(at: datetime, entity: dict[str, Any]) -> bool:
    """Whether the system took the instant for the creation's; one that ignores it is not told again."""
    return abs(datetime.fromisoformat(entity["created_at"]) - at) < timedelta(hours=1)


def _chunks(stories: Iterable[Story], size: int) -> Iterator[list[Story]]:
    source = iter(stories)
    while chunk := list(islice(source, size)):
        yield chunk


def _raise_first(done: Iterable[Future[object]]) -> None:
    for future in done:
        future.result()
