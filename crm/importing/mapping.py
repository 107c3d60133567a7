"""From options and what the system proposes to the mapping of an import, and to what people are shown of it.

Everything that is wrong is told at once. Pure but for two questions, which are handed in: the attributes of a type, and
the relation that a label stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from crm.importing.options import BadOption, LinkOption, Options
from crm.vocabulary import Attribute, UnknownAttribute, Vocabulary

ID = "id"
Terms = Callable[[str], Vocabulary]
RelationOf = Callable[[str, str, str], int]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the system makes of one column: the attribute it fills, or the one that could be made for it."""

    index: int
    header: str
    attribute: str | None = None
    date_format: str | None = None
    decimal: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    definition: Mapping[str, Any] | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Proposals:
    """What the system makes of a whole file. key, id_column: the column that tells entities apart, if any seems to."""

    columns: Sequence[Proposal]
    key: int | None = None
    id_column: int | None = None
    blanks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One column in the table of the mapping: where it goes, and what else is to be said."""

    column: str
    target: str
    note: str = ""


@dataclass(slots=True)
class Plan:
    """What will be done. mapping: as the system takes it; definitions: attributes to make first, by their column."""

    mapping: dict[str, Any] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    definitions: dict[int, dict[str, Any]] = field(default_factory=dict)


def make_plan(options: Options, proposals: Proposals, terms: Terms, relation_of: RelationOf) -> Plan:
    """The plan. `create_attributes`: columns without one get one of their own. Raises BadOption with every fault."""
    return _Planner(options, proposals, terms, relation_of).plan()


class _Planner:
    def __init__(self, options: Options, proposals: Proposals, terms: Terms, relation_of: RelationOf) -> None:
        self._options = options
        self._proposed = proposals
        self._proposals = proposals.columns
        self._terms = terms
        self._vocabulary = terms(options.type)
        self._relation_of = relation_of
        self._create = options.create_attributes
        self._wrong: list[str] = []
        self._places = {one.header: one.index for one in proposals.columns}
        self._definitions: dict[int, dict[str, Any]] = {}

    def plan(self) -> Plan:
        """Everything put together."""
        options = self._options
        named = {at: self._attribute(word) for at, word in self._by_column(options.map, "map").items()}
        ignored = {self._column(one, "ignore") for one in options.ignore}
        links = {at: one for one in options.links if (at := self._column(one.column, "link")) is not None}
        since = self._column(options.effective_at, "effective-at") if options.effective_at else None
        key = self._column(options.key, "key") if options.key else self._proposed_key(named)
        aside = {one for one in (*ignored, *links, since) if one is not None}
        targets = self._targets(named, aside, key)
        found = self._mapping(targets, links, since, key)
        if self._wrong:
            raise BadOption("\n  ".join(self._wrong))
        return Plan(found, self._lines(targets, links, since, ignored, found), self._definitions)

    def _proposed_key(self, named: Mapping[int, Attribute | None]) -> int | None:
        """The system's choice, where nothing that was said speaks against it."""
        if self._options.mode == "create":
            return None
        if self._options.mode in ("", "update") and self._proposed.id_column is not None:
            return self._proposed.id_column
        key = self._proposed.key
        if key is None or key in named:
            return key
        return key if self._create or self._proposals[key].attribute is not None else None

    def _targets(self, named: Mapping[int, Attribute | None], aside: set[int], key: int | None) -> dict[int, str]:
        """Column -> attribute. What was said goes first; no attribute is filled twice."""
        targets = {at: one.name for at, one in named.items() if one is not None}
        taken = set(targets.values())
        for one in self._proposals:
            if one.index in targets or one.index in aside or (one.index == key and _is_id(one.header)):
                continue
            attribute = self._vocabulary.attributes.get(one.attribute or "")
            if attribute is not None and not attribute.read_only and attribute.name not in taken:
                targets[one.index] = attribute.name
                taken.add(attribute.name)
            elif attribute is None and self._create and one.definition is not None:
                # The key tells entities apart: its attribute holds a value once.
                self._definitions[one.index] = {**one.definition, **({"unique": True} if one.index == key else {})}
        return targets

    def _mapping(
        self, targets: Mapping[int, str], links: Mapping[int, LinkOption], since: int | None, key: int | None
    ) -> dict[str, Any]:
        options = self._options
        found: dict[str, Any] = {
            "columns": [self._filling(at, name) for at, name in sorted({**targets, **self._made()}.items())],
            "set": self._set(),
            "links": [link for at, one in links.items() if (link := self._link(at, one)) is not None],
            "blanks": list(dict.fromkeys((*options.blanks, *self._proposed.blanks))),
            "blank": "clear" if options.clear_blanks else "keep",
            "create_attributes": list(self._definitions.values()),
        }
        if since is not None:
            form = self._form(since, options.date_formats) or self._proposals[since].date_format
            found["effective_at"] = {"column": self._proposals[since].header, "date_format": form}
        return {**found, **self._key(key, targets)}

    def _key(self, key: int | None, targets: Mapping[int, str]) -> dict[str, Any]:
        mode = self._options.mode
        if key is None and mode != "create":
            key = self._usual_key(targets)
            if key is None:
                self._wrong.append(
                    "which column tells entities apart? --key COLUMN; or --mode create for new ones only"
                )
                return {}
        if key is None:
            return {"mode": "create"}
        header = self._proposals[key].header
        if _is_id(header) and key not in targets:
            if mode not in ("", "update"):
                self._wrong.append(f"{header} holds ids, which the system chooses: --mode update")
            return {"mode": "update", "id_column": header}
        if key not in targets and key not in self._definitions:
            self._wrong.append(f"the key {header!r} fills no attribute: --map '{header}=...' or --create-attributes")
        attribute = targets.get(key) or self._made().get(key)
        return {"mode": mode or "upsert", "key": {"column": header, "attribute": attribute}}

    def _made(self) -> dict[int, str]:
        return {at: str(one["name"]) for at, one in self._definitions.items()}

    def _usual_key(self, targets: Mapping[int, str]) -> int | None:
        unique = [at for at, name in targets.items() if self._vocabulary.attributes[name].unique]
        return min(unique, default=None)

    def _filling(self, at: int, name: str) -> dict[str, Any]:
        one, options = self._proposals[at], self._options
        values = self._by_column(options.values, "value").get(at, {})
        attribute = self._vocabulary.attributes.get(name)
        meant = {old: attribute.option_value(new) if attribute else new for old, new in values.items()}
        told = {
            "date_format": self._form(at, options.date_formats) or one.date_format,
            "decimal": self._form(at, options.decimals) or one.decimal,
            "values": {**one.values, **meant},
        }
        return {"column": one.header, "attribute": name, **{key: value for key, value in told.items() if value}}

    def _form(self, at: int, forms: Mapping[str, str]) -> str | None:
        single = {self._column(name, "date-format"): form for name, form in forms.items() if name}
        return single.get(at) or forms.get("")

    def _set(self) -> dict[str, str]:
        found = {}
        for word, value in self._options.set.items():
            attribute = self._attribute(word)
            if attribute is not None:
                found[attribute.name] = attribute.option_value(value)
        return found

    def _link(self, at: int, one: LinkOption) -> dict[str, Any] | None:
        link = {"column": self._proposals[at].header, "type": one.type, "missing": self._options.missing or "reject"}
        try:
            attribute = ID if one.attribute == ID else self._terms(one.type).find(one.attribute).name
            relation = self._relation_of(self._options.type, one.type, one.label) if one.label else None
        except (UnknownAttribute, BadOption) as error:
            self._wrong.append(str(error))
            return None
        values = self._by_column(self._options.values, "value").get(at)
        told = {"relation": relation, "values": values}
        return {**link, "attribute": attribute, **{name: value for name, value in told.items() if value is not None}}

    def _attribute(self, word: str) -> Attribute | None:
        try:
            return self._vocabulary.find(word)
        except UnknownAttribute as error:
            self._wrong.append(str(error))
            return None

    def _by_column(self, table: Mapping[str, Any], option: str) -> dict[int, Any]:
        found = ((self._column(name, option), value) for name, value in table.items())
        return {at: value for at, value in found if at is not None}

    def _column(self, name: str, option: str) -> int | None:
        if name in self._places:
            return self._places[name]
        loose = [at for header, at in self._places.items() if _plain(header) == _plain(name)]
        if len(loose) == 1:
            return loose[0]
        near = get_close_matches(name, self._places, 3, 0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else f": it has {', '.join(self._places)}"
        told = f"--{option}: the file has no column {name!r}{hint}"
        if told not in self._wrong:
            self._wrong.append(told)
        return None

    def _lines(
        self,
        targets: Mapping[int, str],
        links: Mapping[int, LinkOption],
        since: int | None,
        ignored: set[int | None],
        mapping: Mapping[str, Any],
    ) -> list[Line]:
        key = (mapping.get("key") or {}).get("column", mapping.get("id_column"))
        lines = []
        for one in self._proposals:
            at, notes, target = one.index, [], ""
            if at in targets:
                target = self._vocabulary.label(targets[at])
                notes += [one.why] if targets[at] == one.attribute and one.why else []
            elif at in self._definitions:
                made = self._definitions[at]
                target, notes = str(made.get("label")), [f"new {made.get('type', 'string')} attribute"]
            elif one.header == mapping.get("id_column"):
                target = "(id)"
            if at in links:
                link = links[at]
                notes.append(f"links to {link.type} by {link.attribute}{f', {link.label}' if link.label else ''}")
            if at == since:
                notes.append("since when the row holds")
            if one.header == key:
                notes.append("key")
            if not target and not notes:
                target = "(ignored)" if at in ignored else "(not imported)"
            lines.append(Line(one.header, target, ", ".join(notes)))
        return lines


def _is_id(header: str) -> bool:
    return _plain(header) == ID


def _plain(text: str) -> str:
    return "".join(text.casefold().split()).replace("_", "")
