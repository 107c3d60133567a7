"""What is promised, as this process knows it: loaded when it has changed, looked at again once a second at most.

A write under a book of a second ago is no harm: its row says under which revision it was worked out, and the sweep
works out anew what has another one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import itemgetter
from threading import Lock
from typing import Any

from services.service_desk.domain.policies import Book, Facts, PolicyVersion, Tree
from services.service_desk.domain.progress import Promise
from services.service_desk.domain.timelines import CalendarTimeline, Splice, Timeline
from services.service_desk.promises import store
from services.service_desk.promises.instants import text
from services.service_desk.promises.spelling import read_calendar, read_policy
from services.service_desk.promises.store import Declared
from shared.kernel.clock import monotonic
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid
from shared.kernel.telemetry import logger
from shared.service.questions import Question, answered, compiled_conditions, question, questions
from shared.service.steps import LiveType, in_force

_SECONDS = 1.0
_log = logger("service_desk.books")
_NAME = "attribute"
PROMISE = ("policy", "version", "promised_ms", "calendar", "calendar_version", "calendar_valid_from")
"""What a promise says of itself, as doors show it."""


@dataclass(frozen=True)
class Loaded:
    """A book and what it takes to feed it. asked: keys of the attributes that conditions ask for."""

    revision: int
    live: LiveType
    book: Book
    asked: tuple[str, ...]
    names: Mapping[int, str]
    """policy id -> name"""
    calendars: Mapping[int, str]
    valid: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """calendar id -> (valid from, version), in order of time"""
    questions: tuple[Question, ...] = ()
    """What conditions ask of linked entities; answers stand among facts under their keys."""

    def facts(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What conditions ask of canonical values by attribute key."""
        return {key: values[key] for key in self.asked if values.get(key) is not None}

    def calendar_at(self, calendar: int, at: int) -> tuple[int, int]:
        """(valid from, version) by which a calendar counts at an instant: before all of them, its first one."""
        versions = self.valid[calendar]
        return versions[max(bisect_right(versions, at, key=itemgetter(0)) - 1, 0)]

    @cached_property
    def heeded(self) -> frozenset[str]:
        """Keys of the attributes that clocks heed."""
        return frozenset((self.status, self.priority, *self.asked))

    @cached_property
    def status(self) -> str:
        """The key of the attribute."""
        return self.live.attributes["status"].key

    @cached_property
    def priority(self) -> str:
        """The key of the attribute."""
        return self.live.attributes["priority"].key


class Books:
    """The book of one process."""

    def __init__(self) -> None:
        self._held: Loaded | None = None
        self._looked = 0.0
        self._lock = Lock()

    def current(self, connection: Connection, live: LiveType, *, now: bool = False) -> Loaded:
        """The book in force; `now`: whatever was committed before this moment is in it."""
        held = self._held
        moment = monotonic()
        if held is not None and _heeds(held, live) and not now and moment - self._looked < _SECONDS:
            return held
        with self._lock:
            revision = store.revision(connection)
            if self._held is None or self._held.revision != revision or not _heeds(self._held, live):
                # What was just declared may ask for attributes that another process has just made.
                self._held = loaded(connection, in_force(connection, live), revision)
            self._looked = moment
            return self._held


def _heeds(held: Loaded, live: LiveType) -> bool:
    """Whether it was made of this type, or of a later version."""
    return held.live is live or held.live.version > live.version


def promise_of(loaded: Loaded, promise: Promise | None, at: int) -> dict[str, Any] | None:
    """A promise as JSON, with the version of its calendar that counted at an instant."""
    if promise is None:
        return None
    since, version = loaded.calendar_at(promise.calendar, at)
    policy, calendar = loaded.names.get(promise.policy), loaded.calendars.get(promise.calendar)
    return dict(zip(PROMISE, (policy, promise.version, promise.length, calendar, version, text(since)), strict=True))


def loaded(connection: Connection, live: LiveType, revision: int) -> Loaded:
    """The book as it stands in the database."""
    calendars, policies = store.every(connection, store.CALENDAR), store.every(connection, store.POLICY)
    return bound(live, revision, calendars, [one for one in policies if _stands(live, calendars, one)])


def _stands(live: LiveType, calendars: Sequence[Declared], one: Declared) -> bool:
    """Whether a policy still means something: what it asks for may have been archived since."""
    try:
        bound(live, 0, calendars, [one])
    except Invalid as error:
        _log.warning("a policy cannot be read", policy=one.name, version=one.version, error=error.message)
        return False
    return True


def bound(live: LiveType, revision: int, calendars: Sequence[Declared], policies: Sequence[Declared]) -> Loaded:
    """A book of these calendars and policies. Raises Invalid for one that cannot be."""
    by_name = {one.name: one.id for one in calendars}
    versions, tests = [], {}
    links: dict[Question, None] = {}
    for one in policies:
        calendar = by_name.get(str(one.body.get("calendar", "")), 0)
        version = read_policy(
            one.body, policy=one.id, version=one.version, valid_from=one.valid_from, calendar=calendar
        )  # fmt: skip
        if not calendar and not version.withdrawn:
            message = f"there is no calendar {one.body.get('calendar')}; there are: {', '.join(by_name) or 'none'}"
            raise Invalid.one("calendar", "INVALID_OPTION", message)
        if version.conditions:
            test = compiled_conditions(live, version.conditions)
            links |= dict.fromkeys(questions(live, version.conditions))
            tree = keyed(live, version.conditions)
            tests[id(tree)] = test
            version = replace(version, conditions=tree)
        versions.append(version)

    def fits(tree: Tree, facts: Facts) -> bool:
        test = tests[id(tree)]
        return test is None or test(facts)

    book = Book(versions, timelines(calendars), fits)
    names, known = ({one.id: one.name for one in several} for several in (policies, calendars))
    asked = tuple(name for name in _asked(versions) if not answered(name))
    valid = {
        ident: tuple((one.valid_from, one.version) for one in several) for ident, several in _in_time(calendars).items()
    }
    return Loaded(revision, live, book, asked, names, known, valid, tuple(links))


def timelines(calendars: Iterable[Declared]) -> dict[int, Timeline]:
    """Business time by calendar. Raises Invalid."""
    return {
        ident: Splice.of([(one.valid_from, CalendarTimeline(read_calendar(one.body))) for one in several])
        for ident, several in _in_time(calendars).items()
    }


def _in_time(calendars: Iterable[Declared]) -> dict[int, list[Declared]]:
    """Versions by calendar, in order of time."""
    found: dict[int, list[Declared]] = {}
    for one in sorted(calendars, key=lambda one: (one.id, one.valid_from, one.version)):
        found.setdefault(one.id, []).append(one)
    return found


def keyed(live: LiveType, tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Conditions with keys of attributes, or of questions, instead of names. Raises Invalid for words anywhere."""
    if "text" in tree:
        message = "a policy asks for attributes, not for words anywhere: use CONTAINS_TOKEN on one of them"
        raise Invalid.one("filter", "INVALID_FILTER", message)
    if _NAME in tree:
        asked = question(live, tree)
        return {**tree, _NAME: asked.key if asked is not None else live.attribute(str(tree[_NAME])).key}
    if "not" in tree:
        return {"not": keyed(live, tree["not"])}
    return {word: [keyed(live, one) for one in inner] for word, inner in tree.items()}


def _asked(versions: Iterable[PolicyVersion]) -> tuple[str, ...]:
    return tuple(sorted({name for one in versions for name in _names(one.conditions)}))


def _names(tree: Tree | None) -> Iterable[str]:
    if not tree:
        return
    if _NAME in tree:
        yield tree[_NAME]
    for inner in (*tree.get("and", ()), *tree.get("or", ()), *((tree["not"],) if "not" in tree else ())):
        yield from _names(inner)
