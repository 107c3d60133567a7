"""The options of `crm import` as the command line declares them, and as they are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from crm.importing.options import (
    DATE_FORMATS,
    MISSING,
    MODES,
    BadOption,
    Options,
    by_column,
    link_options,
    load,
    pairs,
    value_pairs,
)

NOTHING: list[str] = []
Many = list[str]
File = Annotated[
    Path,
    typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV, XLSX or NDJSON; found out by its content."),
]
Type = Annotated[str, typer.Option("--type", help="The entity type: contacts, companies, ...")]
Key = Annotated[str, typer.Option("--key", help="The column that tells entities apart; `id` for ids. Else proposed.")]
Map = Annotated[Many, typer.Option("--map", help="column=attribute, where the proposal is wrong. May repeat.")]
Ignore = Annotated[Many, typer.Option("--ignore", help="A column to leave out. May repeat.")]
Value = Annotated[Many, typer.Option("--value", help="COLUMN:OLD=NEW: what a cell means. May repeat.")]
Set = Annotated[Many, typer.Option("--set", help="attribute=VALUE for every row. May repeat.")]
LinkTo = Annotated[
    Many, typer.Option("--link", help="COLUMN=type.attribute[:label]: its cells name linked entities. May repeat.")
]
Missing = Annotated[
    str, typer.Option("--missing", help="A linked entity that is not there: reject (the row), create (it), left (out).")
]
Blank = Annotated[Many, typer.Option("--blank", help="A word that means no value, such as Select. May repeat.")]
Clear = Annotated[bool, typer.Option("--clear-blanks", help="A blank cell clears the value; else it is kept.")]
Create = Annotated[
    bool, typer.Option("--create-attributes", help="Make a typed attribute for each column that has none.")
]
Mode = Annotated[str, typer.Option("--mode", help="upsert, create or update.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Do everything, keep nothing: what would come of it.")]
Since = Annotated[str, typer.Option("--effective-at", help="The column that says since when a row holds.")]
Dates = Annotated[
    Many, typer.Option("--date-format", help="DMY, MDY, YMD, ISO or SERIAL; COLUMN:DMY for one column. May repeat.")
]
Decimals = Annotated[
    Many, typer.Option("--decimal", help="The decimal mark, . or , ; COLUMN:, for one column. May repeat.")
]
Kept = Annotated[
    Path | None, typer.Option("--mapping", help="Options kept by --save-mapping; what is given here goes first.")
]
Save = Annotated[Path | None, typer.Option("--save-mapping", help="Keep these options for another file.")]
Errors = Annotated[Path | None, typer.Option("--errors", help="Where rejected rows go; else FILE.errors.csv.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


_AS_GIVEN = ("type", "key", "mode", "missing", "clear_blanks", "effective_at", "create_attributes")


def read(given: Mapping[str, Any]) -> Options:
    """What was given by parameter names, over what --mapping kept. Raises BadOption."""
    asked = Options(
        map=pairs(given["map"], "map"),
        ignore=tuple(given["ignore"]),
        values=value_pairs(given["value"]),
        set=pairs(given["set"], "set"),
        links=link_options(given["link"]),
        blanks=tuple(given["blank"]),
        date_formats=by_column(given["date_format"], "date-format", DATE_FORMATS),
        decimals=by_column(given["decimal"], "decimal", (".", ",")),
        **{name: given[name] for name in _AS_GIVEN},
    )
    options = asked.over(load(given["mapping"])) if given["mapping"] is not None else asked
    if not options.type:
        raise BadOption("--type says what the rows are: contacts, companies, ...")
    for name, chosen, known in (("mode", options.mode, MODES), ("missing", options.missing, MISSING)):
        if chosen and chosen not in known:
            raise BadOption(f"--{name} is one of {', '.join(known)}, not {chosen}")
    return options
