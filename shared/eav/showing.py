"""Which values a view shows, and under which keys."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from shared.eav.catalog import Keyed, LiveType, keyed
from shared.eav.entity import Form, View

EVERY = "*"
"""Among the names that a view asks for."""


def shown_names(live: LiveType, view: View, also: Sequence[str] = ()) -> tuple[str, ...]:
    """Internal names a view shows: the asked ones that exist (EVERY: all there are; or the default set) and the
    system's own."""
    return _names(keyed(live), view.attributes, tuple(also))


@lru_cache(maxsize=4096)
def _names(key: Keyed, asked: tuple[str, ...] | None, also: tuple[str, ...]) -> tuple[str, ...]:
    live = key.live
    if asked is None:
        chosen = [one.name for one in live.attributes.values() if one.default and not one.system]
        chosen = chosen or list(live.stored)
    elif EVERY in asked:
        chosen = list(live.attributes)
    else:
        chosen = [found.name for name in asked if (found := live.find(name))]
    system = [one.name for one in live.attributes.values() if one.system]
    return tuple(dict.fromkeys((*system, *chosen, *also)))


def form_name(live: LiveType, name: str, form: Form) -> str:
    """The key a value has in a form."""
    return live.attributes[name].wire if form == "text" else name
