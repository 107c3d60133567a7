"""Progress bars on the error console, so that the output stays what was asked for; none with --json."""

from __future__ import annotations

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from crm.session import Session


class Speed(ProgressColumn):
    """Rows per second."""

    def render(self, task: Task) -> Text:
        """The speed of a task, nothing before there is one."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} rows/s" if speed else "", style="cyan")


def bars(session: Session, *more: ProgressColumn, shown: bool = True, remaining: bool = False) -> Progress:
    """Bars that count rows and tell their speed."""
    columns: list[ProgressColumn] = [TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), Speed()]
    columns += [TimeRemainingColumn() if remaining else TimeElapsedColumn(), *more]
    return Progress(*columns, console=session.errors, disable=session.as_json or not shown)
