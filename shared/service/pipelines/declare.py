"""What a service declares about the pipelines of an entity type: attributes, defaults and what a stage says of itself.

Entity types made at run time need no declaration: their first pipeline gives them the attributes of `CUSTOM`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches

from shared.kernel.errors import ErrorList
from shared.service.pipelines.values import PipelineDraft

CLOSED = "isClosed"
NEXT_STAGES, REQUIRED, ROTTING_DAYS = "nextStages", "requiredAttributes", "rottingDays"
MOST_DAYS = 3650
MOST_KEYS = 50
MOST_KEY = 100
MOST_TEXT = 1000
Metadata = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StageField:
    """One thing a stage says of itself. `read` answers the canonical text or raises ValueError with what is allowed."""

    name: str
    read: Callable[[str], str]
    required: bool = False
    default: str = ""


def _never(_metadata: Metadata) -> bool:
    return False


def _as_said(metadata: Metadata, _said: Collection[str]) -> Metadata:
    return metadata


@dataclass(frozen=True, slots=True)
class StageSchema:
    """What the metadata of a stage may hold, and which of it means that the way ends here.

    free: further texts of the caller's choice are kept. Without it they are passed over. agreed: of fields that say
    the same in two ways, what they come to, given those that were said now: what was not said follows what was. It
    raises ValueError, with a field and a message, where both were said and contradict each other.
    """

    fields: tuple[StageField, ...] = ()
    closed: Callable[[Metadata], bool] = _never
    free: bool = False
    agreed: Callable[[Metadata, Collection[str]], Metadata] = _as_said

    def complete(
        self,
        given: Mapping[str, object],
        errors: ErrorList,
        where: str = "metadata.",
        old: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """The metadata as it is kept, `isClosed` included; everything wrong is noted. old: what stays where nothing is
        said of it."""
        known = {one.name for one in self.fields}
        every = {**(old or {}), **given}
        found = _free_texts(every, known, errors, where) if self.free else {}
        found |= read_fields(self.fields, every, errors, where)
        try:
            found = dict(self.agreed(found, {name for name, one in given.items() if _text(one)}))
        except ValueError as problem:
            name, message = problem.args
            errors.add(f"{where}{name}", "INVALID_OPTION", f"{where}{name} {message}")
        return {**found, CLOSED: "true" if self.closed(found) else "false"}

    def check_names(self, given: Mapping[str, object], errors: ErrorList, where: str = "metadata.") -> None:
        """Note what such a stage cannot say of itself: for callers whose typing errors shall not pass in silence."""
        if not self.free:
            check_names((*(one.name for one in self.fields), CLOSED), given, errors, where)


def check_names(known: Collection[str], given: Iterable[str], errors: ErrorList, where: str = "metadata.") -> None:
    """Note names that are none of those that are known."""
    for name in given:
        if name not in known:
            shown, close = f"{where}{name[:MOST_KEY]}", get_close_matches(name, known, 3, 0.5)
            hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
            errors.add(shown, "UNKNOWN_KEY", f"unknown key {shown}; {hint}", close)


def read_fields(
    fields: Iterable[StageField], given: Mapping[str, object], errors: ErrorList, where: str = "metadata."
) -> dict[str, str]:
    """What these fields come to; what has no value is left out, everything wrong is noted."""
    found = {}
    for one in fields:
        text = _text(given.get(one.name))
        if text is None:
            errors.add(f"{where}{one.name}", "INVALID_TYPE", f"{where}{one.name} must be a text")
            continue
        if not text:
            if one.required:
                errors.add(f"{where}{one.name}", "REQUIRED_FIELD", f"{where}{one.name} is required")
            text = one.default
        if text:
            try:
                found[one.name] = one.read(text)
            except ValueError as problem:
                errors.add(f"{where}{one.name}", "INVALID_OPTION", f"{where}{one.name} {problem}")
    return found


def _text(raw: object) -> str | None:
    """What was given as text, "" for nothing, None for what is no text at all."""
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return str(raw).strip() if isinstance(raw, str | int | float | Decimal) else None


def _free_texts(given: Mapping[str, object], known: Collection[str], errors: ErrorList, where: str) -> dict[str, str]:
    if len(given) > MOST_KEYS:
        errors.add(where.rstrip("."), "LIMIT_EXCEEDED", f"a stage has at most {MOST_KEYS} metadata")
        return {}
    found = {}
    for name, raw in given.items():
        if raw is None or name in known:
            continue
        text = _text(raw)
        if text is None or len(name) > MOST_KEY or len(text) > MOST_TEXT:
            message = f"{where}{name[:MOST_KEY]} must be a text of at most {MOST_TEXT} characters"
            errors.add(f"{where}{name[:MOST_KEY]}", "INVALID_TYPE", message)
        else:
            found[name] = text
    return found


def _decimal(text: str, allowed: str) -> Decimal:
    """A number in ASCII, without the underscores that programs allow themselves. Raises ValueError."""
    try:
        if text.isascii() and "_" not in text:
            return Decimal(text)
    except InvalidOperation:
        pass
    raise ValueError(allowed)


def probability(text: str) -> str:
    """A share from 0.0 to 1.0, as it is shown."""
    allowed = "must be a number from 0.0 to 1.0"
    number = _decimal(text, allowed)
    if not number.is_finite() or not 0 <= number <= 1 or len(text) > 20:
        raise ValueError(allowed)
    plain = f"{number.normalize():f}"
    return plain if "." in plain else f"{plain}.0"


def one_of(*words: str) -> Callable[[str], str]:
    """One of these words, in any case."""
    known = {word.casefold(): word for word in words}

    def read(text: str) -> str:
        if text.casefold() not in known:
            raise ValueError(f"must be {' or '.join(words)}")
        return known[text.casefold()]

    return read


def listed(text: str) -> str:
    """Names separated by commas, each once."""
    found = dict.fromkeys(part for one in text.split(",") if (part := one.strip()))
    return ",".join(found)


def listed_in(metadata: Metadata, name: str) -> tuple[str, ...]:
    """The names that such a list holds."""
    found = metadata.get(name, "")
    return tuple(found.split(",")) if found else ()


def days(text: str) -> str:
    """A number of days above 0."""
    allowed = f"must be a number of days above 0, at most {MOST_DAYS}"
    number = _decimal(text, allowed)
    if not number.is_finite() or not 0 < number <= MOST_DAYS or len(text) > 20:
        raise ValueError(allowed)
    return f"{number.normalize():f}"


# What a stage may demand: stages one may go on to, attributes without which nothing stands in it.
GATES = (StageField(NEXT_STAGES, listed), StageField(REQUIRED, listed))
# The same, and days after which what stands in it rots.
STAGE_RULES = (*GATES, StageField(ROTTING_DAYS, days))
# How strictly a pipeline is with those who break its rules: `native` refuses at the native door, lets the wire dialect
# pass and warns in imports; `all` refuses everywhere, `none` nowhere.
ENFORCE = "enforce"
PIPELINE_RULES = (StageField(ENFORCE, one_of("native", "all", "none")),)

PROBABILITY_STAGES = StageSchema(
    (StageField("probability", probability, required=True), *STAGE_RULES),
    closed=lambda metadata: metadata.get("probability") in ("0.0", "1.0"),
)
TICKET_STAGES = StageSchema(
    (StageField("ticketState", one_of("OPEN", "CLOSED"), default="OPEN"), *STAGE_RULES),
    closed=lambda metadata: metadata.get("ticketState") == "CLOSED",
)
PLAIN_STAGES = StageSchema(
    (StageField(CLOSED, one_of("true", "false"), default="false"), *GATES),
    closed=lambda metadata: metadata.get(CLOSED) == "true",
    free=True,
)


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Internal names of declared attributes of the kind datetime: since when an entity is in its stage, and when it
    will have been there for too long. group: where the attributes go that every stage gets, see `timing`."""

    entered: str
    rotting: str
    group: str


@dataclass(frozen=True, slots=True)
class Pipelined:
    """That entities of a type stand in stages: by which attributes, and which pipelines there are from the start.

    pipeline, stage: internal names of two declared attributes of the kind enumeration, without options of their own.
    rules: what a pipeline may say of itself. times: where it is noted since when an entity stands where it stands, and
    how long it stood where; None: only the log of visits tells. begins: who is made and names no stage stands in the
    first one of the pipeline; else in none.
    """

    pipeline: str
    stage: str
    stages: StageSchema = PLAIN_STAGES
    defaults: tuple[PipelineDraft, ...] = field(default=())
    rules: tuple[StageField, ...] = PIPELINE_RULES
    times: StageTimes | None = None
    begins: bool = False

    @property
    def usual(self) -> str:
        """The pipeline of an entity that names none, while it is there."""
        return self.defaults[0].id if self.defaults else ""


CUSTOM = Pipelined("hs_pipeline", "hs_pipeline_stage")
