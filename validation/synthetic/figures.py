"""The figures of an authority as a statistician would take them from its records, beside the published ones.

``published.csv`` holds what is published. Figures of a year are taken over all census years (April to March) that lie
wholly between two dates, figures of a day on every 31 March among them, and a follow-up only where it is complete.
"""

from collections.abc import Mapping
from datetime import date
from importlib.resources import files

import polars as pl

from validation.errors import SettingsError
from validation.synthetic import margins

AREAS = ("england", "nel")  # profiles, and columns of the published figures
INSIDE, OUT, NOT_PUBLISHED, INFORMATION, NOT_MEASURED = "inside", "OUT", "not published", "information", "not measured"


def measure(tables: Mapping[str, pl.DataFrame], residents: int, start: date, end: date) -> pl.DataFrame:
    """Every figure of the authority from ``start`` to ``end``: group, figure, value, standard_error, n.

    ``tables`` are conformed frames that reach back before ``start``, so that earlier cases are known; ``residents`` is
    the number of children under 18. Percentages are out of 100. Standard errors and ``n`` count families: members of a
    family share their fate. A figure that nothing bears on has no value. Raises ``SettingsError`` when there is no
    complete census year.
    """
    first, last = _census_years(start, end)
    per = residents * (last.year - first.year)
    episodes = margins.episodes_of(tables)
    referrals = episodes.filter(pl.col("start").is_between(first, last))
    return pl.concat(
        [
            margins.referral_rates(referrals, per, last),
            *margins.sources_and_months(referrals),
            margins.returns(episodes, first, end),
            margins.concentration(episodes, first, end),
            margins.work_done(tables, referrals, first, last),
            margins.assessment_lengths(tables, first, last),
            *margins.ended_episodes(episodes, first, last),
            *margins.stock_figures(margins.children_in_need(episodes, tables, first, last), per),
            margins.protection_plans(tables, first, last),
            margins.factors(tables, first, last),
            margins.siblings(tables, referrals),
        ]
    )


def _census_years(start: date, end: date) -> tuple[date, date]:
    """The first and last day of the census years that lie wholly between two dates."""
    first = date(start.year + (start > date(start.year, 4, 1)), 4, 1)
    last = date(end.year - (end < date(end.year, 3, 31)), 3, 31)
    if first > last:
        raise SettingsError(
            f"'{start} to {end}' holds no complete census year; figures need at least one, from 1 April to 31 March. "
            "Choose dates further apart."
        )
    return first, last


def published() -> pl.DataFrame:
    """``published.csv``: group, figure, unit, england, nel, judged, tolerance, period, source; empty where not published."""
    text = (files("validation.synthetic") / "published.csv").read_bytes()
    return pl.read_csv(
        text, schema_overrides={"england": pl.Float64, "nel": pl.Float64, "tolerance": pl.Float64, "period": pl.String}
    )


def compare(measured: pl.DataFrame, profile_name: str, errors: float = 3.5) -> pl.DataFrame:
    """Measured figures beside the published ones, in the order of ``published.csv``, each with a verdict.

    Columns: group, figure, unit, period, published, simulated, difference, tolerance, verdict. The tolerance is 5 per
    cent of the figure; for a percentage 1 point where 5 per cent is less, but no more than a tenth of the figure and no
    less than 0.1 points; and always ``errors`` standard errors where that is more (3.5: with 130 figures one authority in
    twenty would miss one by chance, by Bonferroni's bound). An assumption has the tolerance that the file gives it, with the
    same addition. Raises ``SettingsError`` for a profile for which nothing is published.
    """
    if profile_name not in AREAS:
        raise SettingsError(
            f"'{profile_name}' has no published figures; there are some for {', '.join(AREAS)}. Choose one of them."
        )
    figure, percent = pl.col("published").abs(), pl.col("unit") == "percent"
    usual = pl.when(percent).then(pl.max_horizontal(pl.lit(1.0), 0.05 * figure)).otherwise(0.05 * figure)
    limit = pl.when(percent).then(pl.max_horizontal(pl.lit(0.1), 0.1 * figure)).otherwise(0.1 * figure)
    chance = errors * pl.col("standard_error").fill_null(0.0)
    judged = pl.col("judged").is_in(["both", profile_name])
    verdict = (
        pl.when(pl.col("published").is_null())
        .then(pl.lit(NOT_PUBLISHED))
        .when(~judged)
        .then(pl.lit(INFORMATION))
        .when(pl.col("simulated").is_null())
        .then(pl.lit(NOT_MEASURED))
        .when(pl.col("difference").abs() <= pl.col("tolerance") + 1e-9)
        .then(pl.lit(INSIDE))
        .otherwise(pl.lit(OUT))
    )
    return (
        published()
        .join(measured.rename({"value": "simulated"}), on=["group", "figure"], how="left", maintain_order="left")
        .with_columns(published=pl.col(profile_name))
        .with_columns(
            difference=pl.col("simulated") - pl.col("published"),
            tolerance=pl.max_horizontal(chance, pl.coalesce("tolerance", pl.min_horizontal(usual, limit))),
        )
        .with_columns(verdict=verdict)
        .with_columns(tolerance=pl.when(pl.col("verdict").is_in([INSIDE, OUT])).then("tolerance"))
        .select("group", "figure", "unit", "period", "published", "simulated", "difference", "tolerance", "verdict")
    )


def table_text(compared: pl.DataFrame) -> str:
    """What ``compare`` found as a plain table of at most 110 columns; the last line counts the verdicts."""
    lines = [
        "Percentages, unless a unit is named. Allowed: 3.5 standard errors, or about 5 per cent of the figure.",
        "",
        f"{'':<54}{'published':>11}{'simulated':>11}{'difference':>12}{'allowed':>9}  verdict",
    ]
    for (group,), rows in compared.group_by("group", maintain_order=True):
        lines += ["", str(group)]
        for row in rows.iter_rows(named=True):
            name = row["figure"] if row["unit"] == "percent" else f"{row['figure']} ({row['unit']})"
            places = 3 if row["unit"] == "ratio" else 1
            given, found, gap, allowed = (row[key] for key in ("published", "simulated", "difference", "tolerance"))
            lines.append(
                f"  {name:<52}{_number(given, places):>11}{_number(found, places):>11}"
                f"{_number(gap, places + 1, sign='+'):>12}{_number(allowed, places + 1):>9}  {row['verdict']}"
            )
    counts = dict(compared["verdict"].value_counts().iter_rows())
    order = (INSIDE, OUT, NOT_PUBLISHED, INFORMATION, NOT_MEASURED)
    return "\n".join([*lines, "", "Figures: " + ", ".join(f"{counts.get(name, 0)} {name}" for name in order) + "."])


def _number(value: float | None, places: int, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.{places}f}"
