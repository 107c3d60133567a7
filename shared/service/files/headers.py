"""Column names as a file gives them, made unique and never blank; what was changed is told."""

from __future__ import annotations

from collections.abc import Sequence

from shared.service.files.formats import refused

MAX_COLUMNS = 16_384
MAX_NAME = 200
_MAX_NOTES = 20


def make_header(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names and the notes about them. Raises Invalid for more than MAX_COLUMNS columns."""
    if len(cells) > MAX_COLUMNS:
        raise refused("TOO_MANY_COLUMNS", f"The file has {len(cells)} columns; at most {MAX_COLUMNS} can be read")
    plain = [" ".join(cell.replace("\x00", " ").split())[:MAX_NAME] for cell in cells]
    # A name made here must not take one that a later column really has.
    later = {name.casefold() for name in plain}
    taken: set[str] = set()
    next_number: dict[str, int] = {}
    names: list[str] = []
    notes: list[str] = []
    for place, name in enumerate(plain, 1):
        wanted = chosen = name or f"Column {place}"
        while chosen.casefold() in taken or (chosen != name and chosen.casefold() in later):
            number = next_number.get(wanted, 1) + 1
            next_number[wanted] = number
            chosen = f"{wanted} ({number})"
        taken.add(chosen.casefold())
        names.append(chosen)
        if not name:
            notes.append(f"Column {place} has no name; it is called {chosen} here")
        elif chosen != name:
            notes.append(f"Column {place} is not the first called {name}; it is called {chosen} here")
    return tuple(names), _shortened(notes)


def numbered(width: int) -> tuple[str, ...]:
    """Names for a file without a header."""
    return make_header([""] * width)[0]


def _shortened(notes: list[str]) -> tuple[str, ...]:
    if len(notes) <= _MAX_NOTES:
        return tuple(notes)
    return (*notes[:_MAX_NOTES], f"and {len(notes) - _MAX_NOTES} more columns without a name of their own")
