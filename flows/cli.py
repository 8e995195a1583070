"""The command line: ``rereferral``. Errors are one sentence on standard error and an exit code of their own."""

import os
import sys
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flows.environment import quieten
from flows.forms import File, Form
from validation.errors import ScreeningError
from validation.synthetic.plants import FORMS, GROUPS, plants

app = typer.Typer(
    name="rereferral",
    help="Which open children's cases are most likely to come back after closing, so that help is offered early.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Day = Annotated[str, typer.Option(metavar="YYYY-MM-DD")]
WorkspaceOption = Annotated[Path, typer.Option("--workspace", help="Folder of history, nights and models.")]
RegistryOption = Annotated[
    Optional[str],  # noqa: UP045  Typer reads this form on every Python that is supported
    typer.Option("--registry", help="MLflow tracking address, when models are kept elsewhere."),
]


class Profile(StrEnum):
    """Whose published figures an invented authority follows."""

    ENGLAND = "england"
    NE_LINCOLNSHIRE = "nel"


class Recording(StrEnum):
    """How an invented authority keeps its case system."""

    ORDINARY = "ordinary"
    CLEAN = "clean"


PLANTS_HELP = (
    f"What can be planted: {', '.join(f'{name}={form}' for name, form in FORMS.items())}. GROUP is one of {', '.join(GROUPS)}."
)


def _day(text: str | None) -> date | None:
    """A date from an option that may be left out."""
    return None if text is None else _date(text)


def _date(text: str) -> date:
    """A date from an option."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a date: write YYYY-MM-DD.") from None


def _last_march(today: date) -> date:
    """The last 31 March up to a day."""
    return date(today.year - (today < date(today.year, 3, 31)), 3, 31)


def _run(flow: Callable[..., str], **arguments: Any) -> str:
    """Call a flow with Prefect's heartbeat off: at its end Prefect would wait up to a second for the last one."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        return flow(**arguments)


@app.command()
def nightly(
    source: Annotated[str, typer.Option(help="Folder of SSD tables, CIN census file or folder, or database URL.")],
    workspace: WorkspaceOption,
    as_of: Annotated[Optional[str], typer.Option(help="The extract's date, YYYY-MM-DD; may be left out.")] = None,  # noqa: UP045
    demonstration: Annotated[
        bool,
        typer.Option("--demonstration", help="Let a model trained on invented data score real cases; stamps every page."),
    ] = False,
    registry: RegistryOption = None,
) -> None:
    """Run one night and print where the morning list is."""
    from flows.nightly import nightly as flow

    typer.echo(_run(flow, source=source, workspace=workspace, as_of=_day(as_of), demonstration=demonstration, registry=registry))


@app.command()
def retrain(
    workspace: WorkspaceOption,
    source: Annotated[Optional[str], typer.Option(help="An extract to take in first.")] = None,  # noqa: UP045
    full: Annotated[
        bool, typer.Option("--full", help="Evaluate every split, and search settings on the earliest of three or more.")
    ] = False,
    registry: RegistryOption = None,
) -> None:
    """Train and evaluate on the workspace's history, and register the model as challenger if it meets the criteria."""
    from flows.retrain import retrain as flow
    from flows.settings import read_settings
    from flows.training import training_home
    from flows.workspace import Workspace

    version = _run(flow, workspace=workspace, source=source, full=full, registry=registry)
    home = training_home(Workspace(workspace), read_settings(workspace).outcome)
    typer.echo(f"challenger version {version}: {home / version / 'report.html'}")


@app.command()
def evaluate(
    workspace: WorkspaceOption,
    version: Annotated[str, typer.Option(help="Version of a registered model.")],
    registry: RegistryOption = None,
) -> None:
    """Measure an earlier model on the outcomes that have become complete since it was trained."""
    from flows.evaluating import evaluate_version

    typer.echo(evaluate_version(workspace, version, registry))


VersionOption = Annotated[str, typer.Option(help="Version of the model.")]
RoleOption = Annotated[str, typer.Option(help="Role of the person who decides.")]
NameOption = Annotated[str, typer.Option(help="Name of the person who decides.")]
ReasonOption = Annotated[str, typer.Option(help="Why.")]
ReviewOption = Annotated[
    str, typer.Option("--review-by", metavar="YYYY-MM-DD", help="Day by which somebody looks again at whether it is good enough.")
]


@app.command()
def promote(
    workspace: WorkspaceOption, version: VersionOption, role: RoleOption, name: NameOption, reason: ReasonOption,
    review_by: ReviewOption, registry: RegistryOption = None,
) -> None:  # fmt: skip
    """Approve a model for use: a named person's recorded decision."""
    from flows import approvals

    day = _date(review_by)
    typer.echo(approvals.promote(workspace, version, role=role, name=name, reason=reason, review_by=day, registry=registry))


@app.command()
def retire(
    workspace: WorkspaceOption, version: VersionOption, role: RoleOption, name: NameOption, reason: ReasonOption,
    registry: RegistryOption = None,
) -> None:  # fmt: skip
    """Take a model out of use for good: a named person's recorded decision."""
    from flows import approvals

    typer.echo(approvals.retire(workspace, version, role=role, name=name, reason=reason, registry=registry))


@app.command(name="roll-back")
def roll_back(
    workspace: WorkspaceOption, role: RoleOption, name: NameOption, reason: ReasonOption, review_by: ReviewOption,
    registry: RegistryOption = None,
) -> None:  # fmt: skip
    """Put the model before this one back into use: a named person's recorded decision."""
    from flows import approvals

    day = _date(review_by)
    typer.echo(approvals.roll_back(workspace, role=role, name=name, reason=reason, review_by=day, registry=registry))


decisions_app = typer.Typer(help="What the team decided about families with a place on the list.", no_args_is_help=True)
app.add_typer(decisions_app, name="decisions")


@decisions_app.command(name="import")
def import_decisions(
    file: Annotated[Path, typer.Argument(metavar="WORKBOOK", help="A list.xlsx that was filled in, or the identified copy.")],
    workspace: WorkspaceOption,
) -> None:
    """Check a filled-in workbook whole, and add its decisions to the log: the next list goes by them."""
    from flows.decisions import import_decisions as take_in

    typer.echo(take_in(workspace, file, date.today()))


@app.command()
def involvement(
    workspace: WorkspaceOption,
    start: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="First night that is looked at.")],
    end: Annotated[str, typer.Option("--to", metavar="YYYY-MM-DD", help="Last night that is looked at.")],
) -> None:
    """Write what people did with the lists: how soon, how often otherwise than the order, and why."""
    from flows.involvement import write_involvement

    typer.echo(write_involvement(workspace, _date(start), _date(end), date.today()))


@app.command()
def verify(
    workspace: WorkspaceOption,
    head: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="HASH", help="A head of the ledger that was noted elsewhere: it must be in the chain."),
    ] = None,
) -> None:
    """Read all of the ledger: is every entry and every row as it was written? Exit 17 with each fault when not."""
    from flows import ledger

    typer.echo(ledger.verify(workspace, head))


@app.command()
def recall(
    workspace: WorkspaceOption,
    out: Annotated[Path, typer.Option(help="Notice for the board to write, a web page (.html).")],
    model_version: Annotated[Optional[str], typer.Option(help="Version of a model.")] = None,  # noqa: UP045
    table: Annotated[Optional[str], typer.Option(help="A table whose extracts were bad.")] = None,  # noqa: UP045
    start: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--from", metavar="YYYY-MM-DD", help="First day of the extracts, with --table."),
    ] = None,
    end: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--to", metavar="YYYY-MM-DD", help="Last day of the extracts, with --table."),
    ] = None,
) -> None:
    """List the nights, cases, places and decisions that a bad model or bad extracts touched, and write the board's notice."""
    from flows.recall import ask
    from flows.recalling import write_recall

    typer.echo(write_recall(workspace, ask(model_version, table, _day(start), _day(end)), out))


@app.command()
def features(
    workspace: WorkspaceOption,
    as_of: Annotated[list[str], typer.Option(help="A date, YYYY-MM-DD; may be given more than once.")],
    out: Annotated[Path, typer.Option(help="Parquet file to write: by family, child and date.")],
    parts: Annotated[int, typer.Option(help="Build it in so many ranges of families: more need less memory.", min=1)] = 1,
) -> None:
    """Write the matrix for any dates, for a notebook."""
    from features.catalogue import CATALOGUE
    from features.matrix import available
    from flows.index import open_index, write_matrix
    from flows.workspace import Workspace
    from validation.errors import SettingsError

    dates = [day for text in as_of if (day := _day(text)) is not None]
    facts = open_index(Workspace(workspace))
    if max(dates) > facts.extract_date:
        raise SettingsError(
            f"'--as-of' is {max(dates)} and the history ends with the extract of {facts.extract_date}: ask for a date up to it."
        )
    wanted = available(CATALOGUE, facts.supplied)
    rows = write_matrix(facts, dates, wanted, out, parts)
    typer.echo(f"{rows} cases, {len(wanted)} features: {out}")


@app.command()
def influence(
    workspace: WorkspaceOption,
    as_of: Annotated[str, typer.Option(help="The date whose open cases are looked at, YYYY-MM-DD.")],
    out: Annotated[Path, typer.Option(help="Page to write, in Markdown.")],
) -> None:
    """Say how long each feature remembers, and how much of the matrix comes from brothers and sisters."""
    from flows.influence import write_influence
    from flows.workspace import Workspace

    measured = write_influence(Workspace(workspace), _date(as_of), out)
    typer.echo(f"{measured.features.height} features: {out}")


@app.command(epilog=PLANTS_HELP)
def synthesise(
    out: Annotated[Optional[Path], typer.Option(help="Folder to write; may be left out with --check.")] = None,  # noqa: UP045
    end: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Last day, YYYY-MM-DD; without it the last 31 March. A census ends on the 31 March up to it."),
    ] = None,
    profile: Annotated[Profile, typer.Option(help="Whose published figures it follows.")] = Profile.NE_LINCOLNSHIRE,
    children: Annotated[int, typer.Option(help="Residents aged 0 to 17. England has 12,180,000.", min=500)] = 33_522,
    years: Annotated[int, typer.Option(help="Years that an extract covers; census returns to write.", min=1, max=15)] = 6,
    rule: Annotated[str, typer.Option(help="What an extract holds: started_or_open or overlapping.")] = "started_or_open",
    form: Annotated[
        Form, typer.Option(help="Fit tables (ssd), census files, an Annex A workbook, or raw tables of a case system.")
    ] = Form.SSD,
    file: Annotated[File, typer.Option(help="Files of the form ssd.")] = File.PARQUET,
    census_tables: Annotated[
        bool, typer.Option("--census-tables", help="Only the tables that a census holds; form ssd.")
    ] = False,
    nights: Annotated[int, typer.Option(help="Write so many nights, each an extract in a folder <date>; form ssd.", min=0)] = 0,
    habits: Annotated[
        Recording, typer.Option(help="How it is recorded: as people do, or without any fault.")
    ] = Recording.ORDINARY,
    migration: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="YYYY-MM-DD", help="Day on which every open case was closed and opened anew in another system."),
    ] = None,
    plant: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="NAME=VALUE", help="Something to plant, see below. May be repeated."),
    ] = None,
    fault: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            metavar="KIND=COUNT",
            help="Faults to put into the extract, the last of several; labelled in the truth folder. May be repeated; "
            "a wrong KIND lists them all.",
        ),
    ] = None,
    truth: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder for the truth: chances, effects, slips, faults. Never inside --out or a workspace."),
    ] = None,
    truth_dates: Annotated[
        int,
        typer.Option(
            help="Dates with true chances, 28 days apart up to the last complete one; the last day comes on top.", min=1
        ),
    ] = 13,
    copies: Annotated[int, typer.Option(help="Lives that each true chance is counted from.", min=2)] = 200,
    check: Annotated[
        bool,
        typer.Option("--check", help="Compare with the published figures of complete census years; exit 18 when one is out."),
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.", min=0)] = 1,
) -> None:
    """Invent an authority to try everything on: extracts, census, faults, and the truth about them."""
    from dataclasses import replace

    from flows.request import Request, fault_counts
    from flows.synthesis import stop_if_out
    from flows.synthesis import synthesise as invent
    from flows.truth_folder import summary_text
    from validation.errors import SettingsError
    from validation.extract import ExtractRule
    from validation.synthetic.figures import table_text
    from validation.synthetic.habits import CLEAN, ORDINARY

    if rule not in set(ExtractRule):
        raise SettingsError(f"'--rule' is '{rule}': allowed are {', '.join(ExtractRule)}. Choose one of them.")
    kept = replace(ORDINARY if habits is Recording.ORDINARY else CLEAN, migration=_day(migration))
    made = invent(
        Request(
            end=_day(end) or _last_march(date.today()), out=out, profile=profile.value, residents=children, years=years,
            rule=ExtractRule(rule), seed=seed, form=form, file=file, census_tables=census_tables, nights=nights, habits=kept,
            plants=plants(plant or []), faults=fault_counts(fault or []), truth=truth, truth_dates=truth_dates, copies=copies,
            check=check,
        )
    )  # fmt: skip
    for path in made.paths:
        typer.echo(str(path))
    if made.chances is not None:
        typer.echo(summary_text(made.chances))
    if made.figures is not None:
        typer.echo(table_text(made.figures))
        stop_if_out(made.figures, profile.value)


@app.command()
def pseudonymise(
    source: Annotated[str, typer.Option(help="Folder of raw SSD tables, CIN census file or folder, or database URL.")],
    out: Annotated[Path, typer.Option(help="Folder to write; it passes the gate.")],
    key_file: Annotated[
        Optional[Path], typer.Option(help="File that holds the council's key; otherwise REREFERRAL_KEY.")  # noqa: UP045
    ] = None,
    crosswalk: Annotated[
        Optional[Path], typer.Option(help="File for raw ids and pseudonyms, kept by the council.")  # noqa: UP045
    ] = None,
) -> None:
    """Make a council's ordinary files fit to enter: pseudonyms for keys, months for birth dates, no names, no notes."""
    from flows.pseudonymising import pseudonymise_source

    typer.echo(pseudonymise_source(source, out, key_file, crosswalk))


@app.command()
def identify(
    list_file: Annotated[Path, typer.Argument(metavar="LIST", help="A published list.parquet.")],
    crosswalk: Annotated[Path, typer.Option(help="The council's crosswalk.")],
    out: Annotated[Path, typer.Option(help="Workbook (.xlsx) to write, outside any workspace.")],
) -> None:
    """Make the council's own copy of a list with its case numbers, so that a worker can ring the family."""
    from flows.pseudonymising import identify_list

    typer.echo(identify_list(list_file, crosswalk, out))


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
