"""`crm`, the operator's door: one command line over the public HTTP API, and `crm run` to start a service alone.

Exit codes: 0 done, 1 the system refused, 2 the command line makes no sense, 3 nothing answers.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from crm.api import ApiError, Unreachable
from crm.command import AsJson, Token, Url, command, take_shared
from crm.commands import (
    assign,
    attributes,
    bus,
    changes,
    convert,
    demo,
    erasures,
    exports,
    filters,
    find,
    forecast,
    imports,
    macros,
    mail,
    metrics,
    owners,
    pipelines,
    queues,
    rates,
    repairs,
    report,
    run,
    show,
    sla,
    status,
    timeline,
    tokens,
    triggers,
    types,
    verify,
    views,
    write,
)
from crm.filter_language import FilterError
from crm.importing.options import BadOption
from crm.session import Session
from crm.vocabulary import UnknownAttribute

REFUSED, USAGE, NO_ANSWER = 1, 2, 3

app = typer.Typer(
    help="The CRM from the command line. Attributes may be called by name or by label everywhere.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
command(app)(status.status)
command(app)(find.find)
command(app)(show.show)
command(app)(timeline.timeline)
command(app)(exports.export)
command(app, "import")(imports.import_)
app.add_typer(imports.app, name="imports")
command(app)(write.create)
command(app)(write.update)
command(app)(convert.convert)
command(app)(changes.change)
app.add_typer(changes.app, name="changes")
app.add_typer(attributes.app, name="attributes")
app.add_typer(types.app, name="types")
app.add_typer(owners.app, name="owner")
app.add_typer(tokens.app, name="token")
app.add_typer(bus.app, name="bus")
app.add_typer(erasures.app, name="erasures")
app.add_typer(macros.app, name="macros")
app.add_typer(triggers.app, name="triggers")
app.add_typer(queues.app, name="queues")
command(app)(assign.assign)
app.add_typer(assign.app, name="assignments")
app.add_typer(views.app, name="views")
app.add_typer(pipelines.app, name="pipelines")
app.add_typer(rates.app, name="rates")
command(app)(forecast.forecast)
app.add_typer(mail.app, name="mail")
app.add_typer(sla.app, name="sla")
command(app)(report.report)
app.add_typer(metrics.metrics, name="metrics")
app.add_typer(filters.app, name="filters")
command(app)(verify.verify)
command(app)(repairs.repairs)
command(app)(demo.demo)
command(app)(run.run)


@app.callback()
def shared(ctx: typer.Context, url: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """Options before the command's name."""
    take_shared(ctx.obj, {"url": url, "token": token, "as_json": as_json})


def execute(arguments: Sequence[str], session: Session) -> int:
    """Run one command line in a session; its exit code. Errors are shown on the session's error console."""
    try:
        app(list(arguments), obj=session, prog_name="crm")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else USAGE
    except ApiError as error:
        return _complain(session, str(error), REFUSED)
    except Unreachable as error:
        return _complain(session, str(error), NO_ANSWER)
    except (BadOption, FilterError, UnknownAttribute) as error:
        return _complain(session, str(error), USAGE)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader (head, less) has seen enough
        return 0
    finally:
        session.close()
    return 0


def main() -> int:
    """The entry point of the `crm` command."""
    return execute(sys.argv[1:], Session())


def _complain(session: Session, text: str, code: int) -> int:
    session.errors.print(f"crm: {text}", style="red", highlight=False, markup=False, soft_wrap=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
