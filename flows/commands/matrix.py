"""Commands about the features: the matrix for any dates, and how long each feature remembers."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import WorkspaceOption, day


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

    dates = [day(text) for text in as_of]
    facts = open_index(Workspace(workspace))
    if max(dates) > facts.extract_date:
        raise SettingsError(
            f"'--as-of' is {max(dates)} and the history ends with the extract of {facts.extract_date}: ask for a date up to it."
        )
    wanted = available(CATALOGUE, facts.supplied)
    rows = write_matrix(facts, dates, wanted, out, parts)
    typer.echo(f"{rows} cases, {len(wanted)} features: {out}")


def influence(
    workspace: WorkspaceOption,
    as_of: Annotated[str, typer.Option(help="The date whose open cases are looked at, YYYY-MM-DD.")],
    out: Annotated[Path, typer.Option(help="Page to write, in Markdown.")],
) -> None:
    """Say how long each feature remembers, and how much of the matrix comes from brothers and sisters."""
    from flows.influence import write_influence
    from flows.workspace import Workspace

    measured = write_influence(Workspace(workspace), day(as_of), out)
    typer.echo(f"{measured.features.height} features: {out}")
