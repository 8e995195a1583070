"""The command that invents an authority."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer

from flows.commands.options import day_or_none
from flows.forms import File, Form
from validation.synthetic.plants import FORMS, GROUPS, plants


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


def last_march(today: date) -> date:
    """The last 31 March up to a day."""
    return date(today.year - (today < date(today.year, 3, 31)), 3, 31)


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
    returns: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="File for what the council would have published of its census years, for 'reconcile'."),
    ] = None,
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
    kept = replace(ORDINARY if habits is Recording.ORDINARY else CLEAN, migration=day_or_none(migration))
    made = invent(
        Request(
            end=day_or_none(end) or last_march(date.today()), out=out, profile=profile.value, residents=children, years=years,
            rule=ExtractRule(rule), seed=seed, form=form, file=file, census_tables=census_tables, nights=nights, habits=kept,
            plants=plants(plant or []), faults=fault_counts(fault or []), truth=truth, truth_dates=truth_dates, copies=copies,
            check=check, returns=returns,
        )
    )  # fmt: skip
    for path in made.paths:
        typer.echo(str(path))
    if made.chances is not None:
        typer.echo(summary_text(made.chances))
    if made.figures is not None:
        typer.echo(table_text(made.figures))
        stop_if_out(made.figures, profile.value)
