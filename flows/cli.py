"""The command line: ``rereferral``. Errors are one sentence on standard error and an exit code of their own."""

import os
import sys

import typer

from flows.commands import family, identity, invention, ledger, matrix, model, night, returns
from flows.environment import quieten
from validation.errors import ScreeningError

app = typer.Typer(
    name="rereferral",
    help="Which open children's cases are most likely to come back after closing, so that help is offered early.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
decisions_app = typer.Typer(help="What the team decided about families with a place on the list.", no_args_is_help=True)

app.command()(night.nightly)
app.command()(model.retrain)
app.command()(model.evaluate)
app.command()(model.promote)
app.command()(model.retire)
app.command()(model.roll_back)
app.command()(model.monitor)
app.add_typer(decisions_app, name="decisions")
decisions_app.command(name="import")(night.import_decisions)
app.command()(night.involvement)
app.command()(returns.reconcile)
app.command()(ledger.verify)
app.command()(ledger.recall)
app.command()(family.notice)
app.command()(family.replay)
app.command()(family.opt_out)
app.command()(family.erase)
app.command()(matrix.features)
app.command()(matrix.influence)
app.command(epilog=invention.PLANTS_HELP)(invention.synthesise)
app.command()(identity.pseudonymise)
app.command()(identity.identify)


def main() -> None:
    """Run the command line and leave with the exit code of what happened."""
    quieten()
    try:
        code = app(standalone_mode=False)
    except ScreeningError as error:
        typer.echo(f"rereferral: {error}", err=True)
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(130)
    except Exception as error:
        show = getattr(error, "show", None)
        if show is not None:  # a fault of the arguments, worded by Typer
            show()
            sys.exit(10)
        typer.echo(
            f"rereferral: an unexpected fault of kind '{type(error).__name__}'. Set REREFERRAL_TRACEBACK=1 and run again to see "
            "where; a traceback may hold values, so keep it inside the council.",
            err=True,
        )
        if os.environ.get("REREFERRAL_TRACEBACK"):
            raise
        sys.exit(1)
    sys.exit(code or 0)
