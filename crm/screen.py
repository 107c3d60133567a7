"""The consoles that every command writes to: what comes from people's values can move no cursor and set no title.

Not for `--json` and exported files, which hold values as they are (JSON escapes what is no text).
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_CONTROLS = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))
_DIRECTIONS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Signs that turn the direction of whatever follows them, beyond the value."""
_SHOWN = {code: chr(0x2400 + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}" for code in _CONTROLS}
_SHOWN |= dict.fromkeys(_DIRECTIONS, "\N{REPLACEMENT CHARACTER}")


def harmless(text: str) -> str:
    """A text with its control characters made visible; line ends and tabs stay."""
    return text.translate(_SHOWN)


class Screen(Console):
    """A console that writes texts as texts. Rich's own controls (colours, progress) are no texts, and stay."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As rich does, with every text made harmless before it is measured."""
        for one in super().render(renderable, options):
            yield one if one.control else Segment(harmless(one.text), one.style)
