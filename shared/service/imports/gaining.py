"""Whether a row of a dry run would gain a link, beside what is stored and what earlier rows of the file would leave.

A row whose values change nothing is updated where it makes a link that was not there. Links to rows of the file that
are yet to come count once these are known to come.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.eav.bulk.items import BulkOutcome
from shared.service.imports.resolving import Resolved, single_place
from shared.service.imports.task import Task

LINKED = "+"
"""Where keys keep what earlier rows link their entity to, by link column; no attribute has this name."""


def gained(
    task: Task, one: Resolved, outcome: BulkOutcome, prior: Mapping[str, Any]
) -> tuple[bool, dict[str, list[str]]]:
    """Whether a row gains a link to what is there, and what its entity is linked to then. What it gains if others come
    is noted with the row."""
    told: dict[str, list[str]] = dict(prior.get(LINKED, {}))
    new, one.later = False, []
    for place, texts in one.row.links.items():
        single = single_place(task, place)
        for text in texts:
            held, key = told.get(str(place), []), text.casefold()
            waits, ident = (place, text) in one.missing, one.meant.get((place, text))
            if not waits and ident is None:
                continue
            if held[-1] == key if single and held else key in held:
                continue
            if waits:
                one.later.append((place, text))
            else:
                known = (task.link_types[place].name, ident) not in outcome.gained and not (single and held)
                new |= not known or not ident
            told[str(place)] = [key] if single else [*held, key]
    return new, told
