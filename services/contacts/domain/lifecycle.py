"""The way from stranger to customer: the order of lifecycle stages, and that one does not walk it backwards.

A stage says how far somebody has ever come, so a later form or an import must not throw a customer back to lead.
Whoever means it clears the stage first; the stage then starts again anywhere.
"""

from __future__ import annotations

ORDER = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)
_PLACE = {stage: place for place, stage in enumerate(ORDER)}


def moves_back(old: str | None, new: str | None) -> bool:
    """Whether going from `old` to `new` is a step back.

    Setting a first stage, clearing, and staying are none. Stages an installation added itself have no place in the
    order: moves from and to them are free.
    """
    if old is None or new is None or old not in _PLACE or new not in _PLACE:
        return False
    return _PLACE[new] < _PLACE[old]
