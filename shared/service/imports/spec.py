"""What an import is asked to do: which column goes where, how it is written, what blanks and missing targets mean.

One frozen document, made where the file was uploaded, sent with the job's first event, obeyed by the service that owns
the entities. Its JSON form (`model_dump(mode="json")`, `ImportSpec.model_validate`) is published language: fields may
be added with defaults, none renamed or removed. Not for what a file looks like: that is its profile.

Columns are counted from 0. Attribute names may be any name an attribute is known by (name, wire name).
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Blank = Literal["keep", "clear"]
DateFormat = Literal["DMY", "MDY", "YMD", "ISO", "SERIAL"]
Decimals = Literal[".", ","]
Missing = Literal["reject", "create", "left"]
Mode = Literal["create", "update", "upsert"]
BY_ID = "id"
"""The attribute name of a key or a link whose cells hold entity ids."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Key(_Frozen):
    """The column by which rows find their entity. The attribute needs no unique flag, but a slot."""

    column: int = Field(ge=0)
    attribute: str = Field(min_length=1)


class Column(_Frozen):
    """One column that fills one attribute.

    blank: what an empty cell means here, None: as the whole import. date_format and decimal: how cells are written,
    None: only what cannot be misread is taken (ISO dates, plain numbers). SERIAL: days as spreadsheets count them.
    values: cell text -> what is meant instead, tried before anything else ("" clears).
    """

    index: int = Field(ge=0)
    attribute: str = Field(min_length=1)
    header: str = ""
    blank: Blank | None = None
    date_format: DateFormat | None = None
    decimal: Decimals | None = None
    values: dict[str, str] = Field(default_factory=dict)


class Link(_Frozen):
    """A column whose cells name entities to link to, several apart by `;`.

    attribute: of the target type, by whose value the target is found; `id`: cells are ids. relation: the association
    type id besides the plain one, None: plain. missing: what a cell means that names nobody: the row is refused, a
    target is created that has only this value, or the row is written without the link. values: a name in a cell ->
    what is meant instead ("" nobody).
    """

    column: int = Field(ge=0)
    type: str = Field(min_length=1)
    attribute: str = BY_ID
    header: str = ""
    relation: int | None = None
    missing: Missing = "reject"
    values: dict[str, str] = Field(default_factory=dict)


class EffectiveAt(_Frozen):
    """The column that says since when a row's values hold. Rows of a chunk about one entity apply in that order; one
    that is older than what an attribute came to since is refused."""

    column: int = Field(ge=0)
    date_format: DateFormat | None = None


class ImportSpec(_Frozen):
    """Everything about an import but its rows.

    key None and id_column None: rows find nobody, every row is created (mode `create` only). id_column: its cells are
    ids of entities to update. set: values that every row gets on top. blanks: words that mean "no value", such as
    Select; compared without case and outer blanks. header: the file's own; rows with more or fewer cells are refused.
    """

    type: str = Field(min_length=1)
    mode: Mode = "upsert"
    key: Key | None = None
    id_column: int | None = Field(None, ge=0)
    columns: tuple[Column, ...] = ()
    set: dict[str, str] = Field(default_factory=dict)
    links: tuple[Link, ...] = ()
    blanks: tuple[str, ...] = ()
    blank: Blank = "keep"
    effective_at: EffectiveAt | None = None
    header: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> ImportSpec:
        """Rules about several fields; the message tells all that are broken."""
        wrong = []
        if self.key is not None and self.id_column is not None:
            wrong.append("key and id_column: rows are found by one of them")
        if self.mode != "create" and self.key is None and self.id_column is None:
            wrong.append(f"mode {self.mode} needs a key or an id_column")
        if self.mode != "update" and self.id_column is not None:
            wrong.append("id_column needs mode update: ids are never chosen from outside")
        for name in sorted({one.attribute for one in self.columns if self._filled(one.attribute) > 1}):
            wrong.append(f"{name} is filled by more than one column")
        width = len(self.header)
        beyond = sorted(one for one in self._used() if width and one >= width)
        if beyond:
            wrong.append(f"there are {width} columns, counted from 0; none of them is {', '.join(map(str, beyond))}")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @cached_property
    def written(self) -> frozenset[str]:
        """The names under which rows have values."""
        keyed = () if self.key is None else (self.key.attribute,)
        return frozenset((*(one.attribute for one in self.columns), *self.set, *keyed))

    def _filled(self, attribute: str) -> int:
        return sum(one.attribute == attribute for one in self.columns)

    def _used(self) -> frozenset[int]:
        listed = [*(one.index for one in self.columns), *(one.column for one in self.links)]
        listed += [one.column for one in (self.key, self.effective_at) if one is not None]
        return frozenset(listed if self.id_column is None else (*listed, self.id_column))
