"""What one run of the command line works with: the address, the token, the screen, and the API made from them."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console, RenderableType
from rich.text import Text

from crm.api import Api, exact
from crm.screen import Screen
from crm.vocabulary import Vocabulary, load_vocabulary
from shared.kernel import json as kernel_json
from shared.kernel.config import Settings

_PIPE_WIDTH = 200


@dataclass
class Session:
    """Made once by `crm.cli.main` and handed to every command. `transport` replaces the network in tests.

    url, token: as given by --url and --token; empty means the environment, then the defaults. as_json: answer with
    JSON on standard output, one document, instead of tables.
    """

    url: str | None = None
    token: str | None = None
    as_json: bool = False
    transport: httpx.BaseTransport | None = None
    console: Console = field(default_factory=lambda: _screen())
    errors: Console = field(default_factory=lambda: Screen(stderr=True))

    @cached_property
    def settings(self) -> Settings:
        """The process's settings."""
        return Settings()

    @cached_property
    def address(self) -> str:
        """--url, CRM_URL, this machine at PORT, where the system of CRM_HOME runs, or this machine at 8000."""
        given = self.url or os.environ.get("CRM_URL")
        if not given and "port" not in self.settings.model_fields_set:
            given = self.running_at
        return given.rstrip("/") if given else f"http://127.0.0.1:{self.settings.port}"

    @property
    def running_at(self) -> str:
        """Where `make up` says that the system of CRM_HOME answers; empty when it says nothing."""
        try:
            return str(json.loads((self.settings.home / "run" / "lock").read_text())["url"]).rstrip("/")
        except (OSError, ValueError, TypeError, KeyError):
            return ""

    @cached_property
    def api(self) -> Api:
        """The API at that address with --token, CRM_TOKEN, or the token that `make up` left in CRM_HOME."""
        return Api(self.address, self.token or os.environ.get("CRM_TOKEN") or self._admin_token(), self.transport)

    @property
    def token_shell(self) -> str:
        """How a shell gets at the same token, for commands to copy; never the token itself."""
        if self.token or os.environ.get("CRM_TOKEN"):
            return "$CRM_TOKEN"
        return f"$(cat {shlex.quote(str(self._token_file))})"

    def vocabulary(self, type_name: str) -> Vocabulary:
        """The attributes of a type, asked for once."""
        if type_name not in self._vocabularies:
            self._vocabularies[type_name] = load_vocabulary(self.api, type_name)
        return self._vocabularies[type_name]

    def answer(self, body: Any, shown: Callable[[], RenderableType]) -> None:
        """The answer of a command: `body` for --json, else what `shown()` makes of it.

        A Text is never wrapped or cut, since somebody may copy from it.
        """
        if self.as_json:
            self.write_json(body)
        else:
            made = shown()
            self.console.print(made, highlight=False, soft_wrap=isinstance(made, Text))

    def write_json(self, body: Any) -> None:
        """One line of JSON, never wrapped or coloured."""
        self.console.file.write(kernel_json.dumps(exact(body)).decode() + "\n")
        self.console.file.flush()

    def say(self, text: str) -> None:
        """A remark for people: on standard error with --json, so that the output stays JSON."""
        (self.errors if self.as_json else self.console).print(text, highlight=False)

    def close(self) -> None:
        """Give back what was opened."""
        if "api" in self.__dict__:
            self.api.close()

    @cached_property
    def _vocabularies(self) -> dict[str, Vocabulary]:
        return {}

    @property
    def _token_file(self) -> Path:
        return self.settings.home / "secrets" / "admin-token"

    def _admin_token(self) -> str | None:
        """The token that `make up` keeps for the administrator; without one the API says what is missing."""
        file = self._token_file
        try:
            return file.read_text().strip() or None
        except FileNotFoundError:
            return None
        except OSError as error:
            self.errors.print(f"{file} cannot be read ({error.strerror}): give --token or CRM_TOKEN", style="yellow")
            return None


def _screen() -> Console:
    """Standard output; wide where it is no terminal, so that a pipe gets whole lines."""
    wide = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Screen(width=_PIPE_WIDTH if wide else None)
