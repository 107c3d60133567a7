"""The attributes of one entity type, so that people may say labels where the API wants names.

A name wins over a wire name, that over a label, exact spelling over any other; upper and lower case, spaces and
underscores do not matter when nothing matches exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from crm.api import Api, path_of, results


class UnknownAttribute(ValueError):
    """No attribute, or more than one, is called that. The message names near ones."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """What the command line needs to know of an attribute."""

    name: str
    label: str
    kind: str = "string"
    wire_name: str = ""
    options: tuple[tuple[str, str], ...] = ()
    unique: bool = False
    default: bool = False
    read_only: bool = False
    builtin: bool = False

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Attribute:
        """From the API's definition."""
        options = tuple((str(one["value"]), str(one.get("label") or one["value"])) for one in body.get("options") or ())
        return cls(
            name=body["name"],
            label=body.get("label") or body["name"],
            kind=body.get("type", "string"),
            wire_name=body.get("wire_name") or body["name"],
            options=options,
            unique=bool(body.get("unique")),
            default=bool(body.get("default")),
            read_only=bool(body.get("read_only")),
            builtin=bool(body.get("builtin")),
        )

    def option_label(self, value: str) -> str:
        """What an option is called; the value itself when it is none of them."""
        return dict(self.options).get(value, value)

    def option_value(self, text: str) -> str:
        """The option's value for its label or its value; anything else as it is, for the API to judge."""
        if any(value == text for value, _label in self.options):
            return text
        folded = text.casefold()
        return next((value for value, label in self.options if folded in (label.casefold(), value.casefold())), text)


class Vocabulary:
    """The attributes in force of one type."""

    def __init__(self, type_name: str, attributes: Iterable[Attribute]) -> None:
        self.type_name = type_name
        self.attributes = {one.name: one for one in attributes}

    def key_of(self, text: str) -> str | None:
        """By which attribute a text names one entity: None for an id, else the type's only unique attribute."""
        if text.isdigit():
            return None
        unique = [one.name for one in self.attributes.values() if one.unique and not one.read_only]
        return unique[0] if len(unique) == 1 else None

    def find(self, word: str) -> Attribute:
        """The attribute of that name or label. Raises UnknownAttribute."""
        for called in (_by_name, _by_wire_name, _by_label, _loosely):
            found = [one for one in self.attributes.values() if called(one, word)]
            if len(found) == 1:
                return found[0]
            if found:
                names = ", ".join(one.name for one in found)
                raise UnknownAttribute(f"{word!r} may be any of {names}: say which")
        near = self._near(word)
        hint = f"; did you mean {' or '.join(near)}?" if near else f": see crm attributes list {self.type_name}"
        raise UnknownAttribute(f"{self.type_name} has no attribute {word!r}{hint}")

    def label(self, name: str) -> str:
        """The label of an attribute's name, or the name when it is none."""
        found = self.attributes.get(name)
        return found.label if found else name

    def _near(self, word: str) -> list[str]:
        folded = {
            spelling.casefold(): one.name for one in self.attributes.values() for spelling in (one.name, one.label)
        }
        return list(dict.fromkeys(folded[one] for one in get_close_matches(word.casefold(), folded, 3, 0.6)))


def load_vocabulary(api: Api, type_name: str) -> Vocabulary:
    """The attributes of a type as the API tells them."""
    body = api.get(path_of("types", type_name, "attributes"))
    return Vocabulary(type_name, map(Attribute.read, results(body)))


def _by_name(one: Attribute, word: str) -> bool:
    return one.name == word


def _by_wire_name(one: Attribute, word: str) -> bool:
    return one.wire_name == word


def _by_label(one: Attribute, word: str) -> bool:
    return one.label == word


def _loosely(one: Attribute, word: str) -> bool:
    return _plain(word) in (_plain(one.name), _plain(one.label), _plain(one.wire_name))


def _plain(text: str) -> str:
    return text.casefold().replace(" ", "").replace("_", "").replace("-", "")
