"""Plain text tables, which are Markdown as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def show(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table under a title: the first column to the left, the others to the right."""
    texts = [tuple(map(str, heads)), *(tuple(map(str, row)) for row in rows)]
    widths = [max(len(row[n]) for row in texts) for n in range(len(heads))]
    print(f"\n{title}\n")
    rules = ["-" * (width + 1) for width in widths]
    for number, row in enumerate(texts):
        padded = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print(f"| {' | '.join([row[0].ljust(widths[0]), *padded[1:]])} |")
        if number == 0:
            print(f"|{rules[0]}-|{''.join(f'{rule}:|' for rule in rules[1:])}")
    print(flush=True)
