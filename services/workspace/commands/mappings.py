"""From a mapping as people and programs write it to an ImportSpec, with every mistake told at once.

Columns are named by header or by number from 0, attributes by any of their names. `create_attributes` lists definitions
that the target's service makes before the first row; they may be filled like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from services.workspace.commands.targets import ImportTarget, find_target
from services.workspace.domain.profile import ColumnSummary
from shared.kernel.errors import ErrorList, Invalid, NotFound
from shared.service.imports.spec import BY_ID, ImportSpec
from shared.service.schema import FIELD_TYPES

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

KEYS = ("mode", "key", "id_column", "columns", "set", "links", "blanks", "blank", "effective_at", "create_attributes")
_COLUMN_KEYS = ("column", "attribute", "blank", "date_format", "decimal", "values")
_LINK_KEYS = ("column", "type", "attribute", "relation", "missing", "values")
_NEW_KEYS = ("name", "label", "type", "options", "unique", "searchable", "group", "description")
_MAX_NEW = 1000
_MOST_COLUMNS = 20_000
_PERHAPS_NEW = frozenset({"UNKNOWN_ATTRIBUTE", "UNKNOWN_TYPE"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A mapping made ready. attributes: definitions to be made first; mapping: as it is shown, columns by header."""

    spec: ImportSpec
    attributes: tuple[Mapping[str, Any], ...]
    mapping: Mapping[str, Any]


def prepare(service: Runtime, target: ImportTarget, header: Sequence[str], mapping: Mapping[str, Any]) -> Prepared:
    """Check a mapping and name everything exactly. Raises Invalid with all that is wrong."""
    return _Preparation(service, target, header).prepared(mapping)


def with_decimals(mapping: Mapping[str, Any], profile: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A mapping in which columns of numbers say how all cells of the file are written, where it is not said. Pure."""
    known = [ColumnSummary.from_document(one) for one in profile]
    marks: dict[Any, str] = {one.index: one.decimal for one in known if one.kind == "number" and one.decimal}
    marks |= {one.header: one.decimal for one in known if one.kind == "number" and one.decimal}
    columns = mapping.get("columns")
    if not marks or not isinstance(columns, list):
        return mapping
    return {**mapping, "columns": [_marked(one, marks) for one in columns]}


def _marked(one: Any, marks: Mapping[Any, str]) -> Any:
    column = one.get("column") if isinstance(one, Mapping) else None
    if not isinstance(column, str | int) or one.get("decimal") is not None or column not in marks:
        return one
    return {**one, "decimal": marks[column]}


def check_form(service: Runtime, target: ImportTarget, mapping: Mapping[str, Any]) -> None:
    """What can be said of a mapping before its file is known: every column that it names is taken to be there. Raises
    Invalid with all that is wrong."""
    named: list[object] = [mapping.get("id_column")]
    for key in ("key", "effective_at", "columns", "links"):
        given = mapping.get(key)
        listed = given if isinstance(given, list) else [given]
        named += [one.get("column") for one in listed if isinstance(one, Mapping)]
    texts = list(dict.fromkeys(one for one in named if isinstance(one, str) and one))
    places = [one for one in named if isinstance(one, int) and not isinstance(one, bool) and 0 <= one < _MOST_COLUMNS]
    fill = max(places, default=-1) + 1
    header = [*(f"\x00{place}" for place in range(fill)), *texts]
    try:
        prepare(service, target, header, mapping)
    except Invalid as error:
        inside = [one if one.name == "mapping" else replace(one, name=f"mapping.{one.name}") for one in error.errors]
        raise Invalid(inside) from None


def perhaps_new(error: Exception) -> bool:
    """Whether the mistake may be that our copy of the target's definitions is a moment behind."""
    return isinstance(error, Invalid) and all(one.code in _PERHAPS_NEW for one in error.errors)


class _Preparation:
    """One mapping. Everything wrong gathers in `errors`; what cannot be made out is left out meanwhile."""

    def __init__(self, service: Runtime, target: ImportTarget, header: Sequence[str]) -> None:
        self._service = service
        self._target = target
        self._header = tuple(header)
        self._places = {name: place for place, name in enumerate(self._header)}
        self._folded = {name.casefold(): place for place, name in enumerate(self._header)}
        self._errors = ErrorList()
        self._new: dict[str, Mapping[str, Any]] = {}

    def prepared(self, mapping: Mapping[str, Any]) -> Prepared:
        """The outcome, or Invalid."""
        self._known_keys(mapping, KEYS, "")
        for place, one in enumerate(self._listed(mapping, "create_attributes")):
            self._definition(one, f"create_attributes[{place}]")
        asked = {name: mapping[name] for name in ("mode", "blanks", "blank") if mapping.get(name) is not None}
        asked["type"] = self._target.name
        asked["columns"] = self._columns(mapping)
        asked["links"] = self._links(mapping)
        asked["set"] = self._set(mapping)
        for name in sorted({one["attribute"] for one in asked["columns"]} & asked["set"].keys()):
            self._errors.add(f"set.{name}", "FILLED_TWICE", f"{name} is filled by a column already")
        asked["header"] = self._header
        self._single(mapping, asked)
        self._errors.raise_if_any()
        try:
            spec = ImportSpec.model_validate(asked)
        except ValidationError as error:
            raise _invalid(error) from None
        attributes = tuple(one for name, one in self._new.items() if self._target.find(name) is None)
        return Prepared(spec, attributes, shown(spec, attributes))

    def _single(self, mapping: Mapping[str, Any], asked: dict[str, Any]) -> None:
        key, effective = mapping.get("key"), mapping.get("effective_at")
        if isinstance(key, Mapping):
            self._known_keys(key, ("column", "attribute"), "key.")
            column, name = self._column(key, "key"), self._attribute(key.get("attribute"), "key.attribute", read=True)
            found = None if name is None else self._target.find(name)
            if found is not None and (found.system or found.name == BY_ID):
                message = f"{found.name} is no key: to find rows by id, name the column as id_column"
                self._errors.add("key.attribute", "INVALID_KEY", message)
            asked["key"] = {"column": column, "attribute": name}
        elif key is not None:
            self._errors.add("key", "INVALID_KEY", "key must be an object with column and attribute")
        if mapping.get("id_column") is not None:
            asked["id_column"] = self._column({"column": mapping["id_column"]}, "id_column")
        if isinstance(effective, Mapping):
            self._known_keys(effective, ("column", "date_format"), "effective_at.")
            column = self._column(effective, "effective_at")
            asked["effective_at"] = {"column": column, "date_format": effective.get("date_format")}
        elif effective is not None:
            self._errors.add("effective_at", "INVALID_COLUMN", "effective_at must be an object with column")
        if "mode" not in asked:
            by_id = asked.get("id_column") is not None
            asked["mode"] = "update" if by_id else "upsert" if asked.get("key") is not None else "create"

    def _columns(self, mapping: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = []
        for place, one in enumerate(self._listed(mapping, "columns")):
            where = f"columns[{place}]"
            self._known_keys(one, _COLUMN_KEYS, f"{where}.")
            index = self._column(one, where)
            name = self._attribute(one.get("attribute"), f"{where}.attribute")
            if index is not None and name is not None:
                given = {key: one[key] for key in _COLUMN_KEYS[2:] if one.get(key) is not None}
                found.append({"index": index, "attribute": name, "header": self._header[index], **given})
        return found

    def _links(self, mapping: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = []
        for place, one in enumerate(self._listed(mapping, "links")):
            where = f"links[{place}]"
            self._known_keys(one, _LINK_KEYS, f"{where}.")
            index = self._column(one, where)
            linked = self._linked_type(one.get("type"), f"{where}.type")
            if index is None or linked is None:
                continue
            name = self._linked_attribute(linked, one.get("attribute"), f"{where}.attribute")
            given = {key: one[key] for key in _LINK_KEYS[3:] if one.get(key) is not None}
            told = {"column": index, "header": self._header[index], "type": linked.name, "attribute": name}
            found.append({**told, **given})
        return found

    def _linked_type(self, name: object, where: str) -> ImportTarget | None:
        try:
            return find_target(self._service, str(name or ""))
        except NotFound as error:
            self._errors.add(where, "UNKNOWN_TYPE", error.message)
            return None

    def _linked_attribute(self, linked: ImportTarget, name: object, where: str) -> str:
        text = str(name or BY_ID)
        found = linked.find(text)
        if found is None and text != BY_ID:
            names = [one.name for one in linked.attributes]
            self._unknown(where, "UNKNOWN_ATTRIBUTE", f"{linked.name} has no attribute {text[:80]}", text, names)
        return found.name if found is not None else text

    def _set(self, mapping: Mapping[str, Any]) -> dict[str, str]:
        given = mapping.get("set") or {}
        if not isinstance(given, Mapping):
            self._errors.add("set", "INVALID_SET", "set must be an object of attributes and values")
            return {}
        named = {name: self._attribute(name, f"set.{str(name)[:80]}") for name in given}
        return {named[name] or "": _text(value) for name, value in given.items() if named[name]}

    def _definition(self, one: Mapping[str, Any], where: str) -> None:
        self._known_keys(one, _NEW_KEYS, f"{where}.")
        name, label, kind = (str(one.get(key) or "") for key in ("name", "label", "type"))
        if not name:
            self._errors.add(f"{where}.name", "REQUIRED_FIELD", "an attribute to be made needs a name")
        if kind and kind not in FIELD_TYPES:
            self._unknown(f"{where}.type", "INVALID_TYPE", f"there is no type {kind[:40]}", kind, list(FIELD_TYPES))
        if len(self._new) >= _MAX_NEW:
            self._errors.add(where, "TOO_MANY_ATTRIBUTES", f"at most {_MAX_NEW} attributes are made by an import")
        self._new[name] = {**one, "name": name, "label": label or name, "type": kind or "string"}

    def _attribute(self, given: object, where: str, *, read: bool = False) -> str | None:
        """An attribute's exact name; `read`: it is only looked at."""
        text = str(given or "")
        if text in self._new and self._target.find(text) is None:
            return text
        found = self._target.find(text)
        if found is None:
            names = [one.name for one in self._target.attributes] + list(self._new)
            self._unknown(
                where, "UNKNOWN_ATTRIBUTE", f"{self._target.name} has no attribute {text[:80] or '?'}", text, names
            )
            return None
        if found.read_only and not read:
            self._errors.add(where, "READ_ONLY_VALUE", f"{found.name} is kept by the system and cannot be written")
        return found.name

    def _column(self, one: Mapping[str, Any], where: str) -> int | None:
        given = one.get("column")
        if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < len(self._header):
            return given
        text = str(given if given is not None else "")
        found = self._places.get(text, self._folded.get(" ".join(text.split()).casefold()))
        if found is None:
            message = f"the file has no column {text[:80] or '?'}"
            self._unknown(f"{where}.column", "UNKNOWN_COLUMN", message, text, self._header)
        return found

    def _unknown(self, where: str, code: str, message: str, text: str, known: Sequence[str]) -> None:
        nearest = get_close_matches(text, known[:2000], 3, 0.5)
        hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ""
        self._errors.add(where, code, message + hint, nearest)

    def _listed(self, mapping: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
        given = mapping.get(name) or []
        if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
            self._errors.add(name, "INVALID_LIST", f"{name} must be a list of objects")
            return []
        return given

    def _known_keys(self, given: Mapping[str, Any], known: Sequence[str], where: str) -> None:
        for key in given:
            if key not in known:
                self._unknown(f"{where}{str(key)[:80]}", "UNKNOWN_KEY", f"unknown key {str(key)[:80]}", str(key), known)


def shown(spec: ImportSpec, attributes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A mapping as doors show and take it."""
    header = spec.header

    def told(one: Any, column: int, *names: str) -> dict[str, Any]:
        given = {name: getattr(one, name) for name in names}
        return {"column": header[column], **{name: value for name, value in given.items() if value not in (None, {})}}

    document: dict[str, Any] = {
        "mode": spec.mode,
        "key": told(spec.key, spec.key.column, "attribute") if spec.key else None,
        "id_column": None if spec.id_column is None else header[spec.id_column],
        "columns": [told(one, one.index, *_COLUMN_KEYS[1:]) for one in spec.columns],
        "set": dict(spec.set),
        "links": [told(one, one.column, *_LINK_KEYS[1:]) for one in spec.links],
        "blanks": list(spec.blanks),
        "blank": spec.blank,
        "effective_at": None,
        "create_attributes": [dict(one) for one in attributes],
    }
    if spec.effective_at is not None:
        document["effective_at"] = told(spec.effective_at, spec.effective_at.column, "date_format")
    return document


def _invalid(error: ValidationError) -> Invalid:
    errors = ErrorList()
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(map(str, one["loc"])) or "mapping"
        for message in one["msg"].removeprefix("Value error, ").split("; "):
            errors.add(where, "INVALID_MAPPING", message if where == "mapping" else f"{where}: {message}")
    return Invalid(errors.errors)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
