"""The page that says how long the past counts, and how much of the matrix comes from brothers and sisters."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.catalogue import CATALOGUE
from features.influence import FROM_SIBLINGS, STEP_DAYS, WHOLE, Influence, measure_influence
from features.matrix import available
from features.measure import LOOK_BACK_DAYS
from flows.vintages import last_extract, read_archive
from flows.workspace import Workspace, write_private
from validation.errors import ContractError, SettingsError
from validation.extract import Origin

FEWEST = 6  # a count below it is not shown, and no share of so few
ROUNDED = 5
SHOWN_DAYS = (0, 90, 180, 365, 540, 720, 730)


def write_influence(workspace: Workspace, as_of: date, out: Path) -> Influence:
    """Measure the influence of every supplied feature on the cohort of a date, and write the page (Markdown).

    Raises :class:`SettingsError` for a date after the last extract.
    """
    history, found = read_archive(workspace), last_extract(workspace)
    if found is None:
        raise ContractError(f"The workspace '{workspace.root.name}' holds no history: give one that does.")
    if as_of > history.extract_date:
        raise SettingsError(
            f"'--as-of' is {as_of} and the history ends with the extract of {history.extract_date}: ask for a date up to it."
        )
    measured = measure_influence(history, as_of, available(CATALOGUE, history.supplied))
    text = page(measured, invented=found[0].origin is not Origin.REAL)
    write_private(out, lambda beside: beside.write_text(text, encoding="utf-8"))
    return measured


def page(measured: Influence, *, invented: bool) -> str:
    """The page as Markdown. No count of 1 to 5 is in it; others are rounded, so that none can be found by subtraction."""
    lines = [f"# How long the past counts, on {measured.as_of.day} {measured.as_of:%B %Y}", ""]
    if invented:
        lines += ["**INVENTED DATA.** No real record is behind these figures.", ""]
    lines += [*_lead(measured), *_left(measured), *_parts(measured), *_reading()]
    for (family,), features in measured.features.group_by("family", maintain_order=True):
        lines += [f"### {str(family)[0].upper()}{str(family)[1:]}", "", *_features(features, measured.cases), ""]
    return "\n".join(lines)


def _lead(measured: Influence) -> list[str]:
    """What a governance board should take away."""
    parts = {row["part"]: row for row in measured.parts.to_dicts()}
    whole, none = parts[WHOLE], {"columns": 0, "values": 0, "cases": 0}
    siblings = parts.get(FROM_SIBLINGS, none)
    fading = measured.features.filter(pl.col("forgotten_after").is_not_null())
    known = fading.filter(pl.col("cases") >= FEWEST)
    sooner = fading.filter(pl.col("forgotten_after") < LOOK_BACK_DAYS).height
    half, gone, lasting = known["half_life"].median(), known["gone"].max(), measured.features.height - fading.height
    lines = [
        f"On this day {people(measured.cases)} cases were open, and {whole['columns']} features were told of each.",
        "",
        f"- **A family can leave the list.** An event stops counting after {LOOK_BACK_DAYS} days at the latest, and for {sooner} "
        f"features sooner. {lasting} features do not fade, because they say how things stand: who referred the case that is "
        "open, how long it has been open, how old the child is, how many brothers and sisters are on record.",
    ]
    if stay := known["gone"].null_count():
        lines += [f"- **A fault**: {stay} features would still say something after {LOOK_BACK_DAYS} quiet days."]
    elif isinstance(half, float) and isinstance(gone, int):
        lines += [
            f"- **Were nothing new to happen**, a typical feature would say half as much after {half:.0f} days (the middle "
            f"one of those that fade), and none of them would say anything after {gone} days.",
        ]
    return [
        *lines,
        f"- **Brothers and sisters**: {percent(siblings['columns'], whole['columns'])} of the features read events of other "
        f"children of the family. They make {share(siblings['values'], whole['values'])} of all values that say something, and "
        f"{share_of_people(siblings['cases'], measured.cases)} of the cases have such a value.",
        "",
    ]


def _left(measured: Influence) -> list[str]:
    """What is left of all values that fade, own and others', as a share of the first day's."""
    shown = {row["day"]: row for row in measured.left.to_dicts() if row["day"] in SHOWN_DAYS}
    first = shown[0]
    rows = [
        (day, share(row["own"], first["own"]), share(row["of_siblings"], first["of_siblings"]))
        for day, row in sorted(shown.items())
    ]
    return [
        "## What is left when nothing new happens",
        "",
        "Of the values of features that fade which say something on the first day:",
        "",
        *_table(("quiet days", "the child's own", "of brothers and sisters"), rows, numbers=3),
        "",
    ]


def _parts(measured: Influence) -> list[str]:
    whole = measured.parts.filter(pl.col("part") == WHOLE).row(0, named=True)
    rows = [
        (
            f"**{row['part']}**" if row["part"] in {FROM_SIBLINGS, WHOLE} else row["part"],
            row["columns"], percent(row["columns"], whole["columns"]), share(row["values"], whole["values"]),
            people(row["cases"]), share_of_people(row["cases"], measured.cases),
        )
        for row in measured.parts.to_dicts()
    ]  # fmt: skip
    heads = (
        "features about",
        "features",
        "share of features",
        "share of values that say something",
        "cases that have any",
        "share of cases",
    )
    return ["## Where the matrix comes from", "", *_table(heads, rows, numbers=5), ""]


def _reading() -> list[str]:
    return [
        "## Feature by feature",
        "",
        "*Counts for* is declared: so many days after an event it no longer counts. *Half gone* and *all gone* are measured: the "
        "cases of this day, with what was known of them on it, as if nothing happened, ended, was told or corrected afterwards. "
        "What a feature says is its mean distance from zero, where zero means that there was no event; for days since, lengths, "
        f"shares, scales and ratios it is the share of cases that have a value. Measured is every {STEP_DAYS} days and at the "
        "end of every window; *half gone* is the first such day from which on at most half is left.",
        "",
        f"Counts are rounded to the nearest {ROUNDED}; `c` stands for 1 to {FEWEST - 1} cases, of which nothing more is said, "
        "and - for none, or for a share of too few.",
        "",
    ]


def _features(features: pl.DataFrame, cases: int) -> list[str]:
    rows = [
        (
            f"`{row['feature']}`", row["lasts"] or f"{row['forgotten_after']} days",
            people(row["cases"]), share_of_people(row["cases"], cases),
            *("stays" if row["lasts"] else _days(row[name], row["cases"]) for name in ("half_life", "gone")),
        )
        for row in features.to_dicts()
    ]  # fmt: skip
    heads = ("feature", "counts for", "cases that have it", "share of cases", "half gone after, days", "all gone after, days")
    return _table(heads, rows, numbers=4)


def _days(days: int | None, cases: int) -> str:
    """A number of days that tells of so many cases."""
    if 0 < cases < FEWEST:
        return "c"
    return "-" if not cases else f"more than {LOOK_BACK_DAYS}" if days is None else str(days)


def people(count: int) -> str:
    """A number of cases, as it may be shown."""
    return "c" if 0 < count < FEWEST else str(_rounded(count))


def share_of_people(part: int, whole: int) -> str:
    """A share of cases, told from the numbers as they may be shown."""
    if whole < FEWEST:
        return "-"
    return "c" if 0 < part < FEWEST else percent(_rounded(part), _rounded(whole))


def share(part: int, whole: int) -> str:
    """A share in percent, as it may be shown."""
    if whole < FEWEST:
        return "-"
    return "c" if 0 < part < FEWEST else percent(part, whole)


def percent(part: int, whole: int) -> str:
    """A share in percent of what is no case, so that any may be shown."""
    return f"{100 * part / whole:.0f} %"


def _rounded(count: int) -> int:
    return (count + ROUNDED // 2) // ROUNDED * ROUNDED


def _table(heads: Iterable[str], rows: Iterable[Iterable[Any]], numbers: int) -> list[str]:
    """A table of which the last ``numbers`` columns stand to the right."""
    names = list(heads)
    rule = ["---"] * (len(names) - numbers) + ["---:"] * numbers
    return [f"| {' | '.join(map(str, cells))} |" for cells in (names, rule, *rows)]
