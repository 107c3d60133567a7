"""Files of JSON from which something is declared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

File = Annotated[Path, typer.Argument(help="A file of JSON; - for standard input.", allow_dash=True)]


def read_file(file: Path) -> dict[str, Any]:
    """The object in a file. Raises BadParameter."""
    try:
        text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text(encoding="utf-8")
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file} cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{file} must hold a JSON object")
    return found
