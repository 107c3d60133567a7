"""Pictures of the command line for the README: `python -m crm.pictures DIR` writes one SVG per command.

Runs the commands against the system that answers at the usual address and holds the demo's data, in a folder with the
demo's files. The width is fixed and the pictures name no font to be fetched, so that they look the same everywhere.
"""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from crm.cli import execute
from crm.demo import Company
from crm.demo.files import write_files
from crm.session import Session

WIDTH = 110
PICTURES = (
    ("status", "crm status"),
    (
        "find",
        "crm find contact 'score > 80 and city in (北京, 東京, Köln)' --sort -score --limit 8"
        " --columns 'First name,Last name,Company name,City,Score'",
    ),
    ("show", "crm show contact takumi.suzuki2@hokuto-denki.jp.example --history"),
    ("attributes", "crm attributes list company"),
    ("import", "crm import contacts.csv --type contacts --key email --blank Select --dry-run"),
)
_FONT_FACES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def picture(command: str, session: Session | None = None) -> tuple[int, str]:
    """Exit code and SVG of one command line."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text(f"$ {command}", style="bold"))
    session = session or Session()
    session.console = console
    code = execute(shlex.split(command)[1:], session)
    svg = console.export_svg(title="crm", unique_id=re.sub(r"[^a-z0-9]+", "-", command)[:40])
    return code, _FONT_FACES.sub("", svg)


def main(arguments: Sequence[str]) -> int:
    """Write all pictures into the folder; 1 when a command failed, 2 without a folder."""
    if len(arguments) != 1:
        print("usage: python -m crm.pictures DIR", file=sys.stderr)
        return 2
    folder = Path(arguments[0]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    with TemporaryDirectory() as files, chdir(files):
        write_files(Company(), Path(files))
        for name, command in PICTURES:
            code, svg = picture(command)
            if code:
                failed = 1
                print(f"not drawn, exit code {code}: {command}", file=sys.stderr)
                continue
            path = folder / f"crm-{name}.svg"
            path.write_text(svg, encoding="utf-8")
            print(path)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
