"""How a command is declared: `@command(app)` over a function whose first parameter is the Session.

Every command also takes --url, --token and --json, wherever on the line they stand. Use it instead of
`app.command()`, which would know neither.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from crm.session import Session

Url = Annotated[str | None, typer.Option("--url", help="Address of the system; else CRM_URL.", show_default=False)]
Token = Annotated[str | None, typer.Option("--token", help="Access token; else CRM_TOKEN.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with JSON.", show_default=False)]
_SHARED: dict[str, tuple[Any, object]] = {"url": (Url, None), "token": (Token, None), "as_json": (AsJson, False)}


def group(help_text: str) -> typer.Typer:
    """A place for commands under one word."""
    return typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None)


def command(app: typer.Typer, name: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function `(session, ...)` a command of `app`, under its own name or `name`."""

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        def run(ctx: typer.Context, **given: Any) -> None:
            take_shared(ctx.obj, {shared: given.pop(shared) for shared in _SHARED})
            function(ctx.obj, **given)

        run.__name__, run.__doc__ = function.__name__, function.__doc__
        parameters = _parameters(function)
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        app.command(name)(run)
        return function

    return declare


def take_shared(session: Session, given: dict[str, Any]) -> None:
    """Note what of --url, --token and --json was given."""
    for name, value in given.items():
        if value:
            setattr(session, name, value)


def _parameters(function: Callable[..., None]) -> list[inspect.Parameter]:
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    context = inspect.Parameter("ctx", keyword, annotation=typer.Context)
    shared = [
        inspect.Parameter(name, keyword, annotation=annotation, default=default)
        for name, (annotation, default) in _SHARED.items()
    ]
    return [context, *(one.replace(kind=keyword) for one in own), *shared]
