"""Chances that were shown, held against what became of the families: by month, by group, and with and without offers of help.

A chance is one number among many, so what is compared is the share of cases that came back (observed) and the average chance of
the same cases (expected). On one night of each month each family counts once, by a case drawn at random. Intervals count
families (see :mod:`models.ratios`); chances are taken as they are, so luck lies in what became of the cases alone.

An offer that helps takes returns away. Fewer returns than were expected may thus be the offers' doing, and a model must not be
punished for that: too few returns count against it only if there are too few among families without an offer, too. Help cannot
add returns, so too many count among all families. Families without an offer are those to whom none was made in the year before
the night or in the four weeks after it: later offers may follow a return, and whoever leaves those families out picks them by
their outcome. How well cases are ranked is shown and never judged: where the highest are helped, it falls because of the help.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import numpy as np
import polars as pl

from models.bootstrap import COVERAGE, bootstrap
from models.bootstrap import find_interval as find_middle
from models.criteria import Finding
from models.metrics import rank_quality
from models.ratios import Kind, compare, find_gap_interval, find_interval
from models.splits import pick_once_per_family
from validation.disclosure import FEWEST

YEAR = 12  # months that are judged together, the latest ones
OFFERED_BEFORE, OFFERED_AFTER = timedelta(days=365), timedelta(days=28)
CASE = ("as_of", "person_id", "referral_id")
ALL, WITHOUT, PLACED = "all families", "without an offer", "with a place on the list"
WHO = {ALL: pl.lit(value=True), WITHOUT: ~pl.col("offered"), PLACED: pl.col("standing") == "place"}
"""Whose cases are looked at; the second and third are among the first."""
MONTH, TOGETHER = "month", "latest months"
NOT_SCORED, NOT_ON_RECORD, SIBLING, COUNTED = (
    "no chance was given",
    "no longer on record",
    "another case of the same family was drawn",
    "counted",
)

FRAME = {
    "version": pl.String(),
    "look": pl.String(),
    "value": pl.String(),
    "who": pl.String(),
    "rows": pl.Int64(),
    "families": pl.Int64(),
    "returns": pl.Int64(),
    "observed": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "expected": pl.Float64(),
    "ratio": pl.Float64(),
    "ratio_low": pl.Float64(),
    "ratio_high": pl.Float64(),
    "gap_low": pl.Float64(),
    "gap_high": pl.Float64(),
}
"""The long frame. ``look`` is ``MONTH`` (``value``: its first day), ``TOGETHER`` (the latest months), or an audit group of these.
``low`` to ``high`` is the 95 % interval of the share that came back, ``ratio`` that share over the average chance.
``gap_low`` to ``gap_high`` is the interval of the share less the average chance, in groups with all groups looked at together."""
ORDER = {"version": pl.String(), "look": pl.String(), "value": pl.String()} | dict.fromkeys(("auc", "low", "high"), pl.Float64())
"""How often of two cases, of which one came back, that one had the higher chance, with its 95 % interval."""


class Verdict(StrEnum):
    """What may be said of a version in use; never a pass."""

    FAILING = "fails in use"
    WITHIN = "no evidence that chances are off by more than the criteria allow"
    NOT_ENOUGH = "not enough evidence"


@dataclass(frozen=True)
class Judged:
    """The verdict on a version, and what each criterion found."""

    verdict: Verdict
    findings: tuple[Finding, ...]

    @property
    def missed(self) -> tuple[str, ...]:
        """A sentence for each criterion that was missed."""
        return tuple(finding.words for finding in self.findings if not finding.met)


def choose_nights(nights: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One night of each month and version, drawn by a seeded shuffle: ``night``, ``version`` and ``month``, its first day.

    ``nights`` has ``night`` and ``version``.
    """
    months = nights.unique().sort("night", "version").with_columns(month=pl.col("night").dt.truncate("1mo"))
    drawn = months.sample(fraction=1.0, shuffle=True, seed=seed).unique(["month", "version"], keep="first")
    return drawn.sort("night", "version")


def mark_offered(cases: pl.DataFrame, offers: pl.DataFrame) -> pl.DataFrame:
    """Cases with ``offered``: was their family offered something in the year before the night, or in the four weeks after?

    ``cases`` has ``as_of`` and ``group_id``, ``offers`` has ``group_id`` and ``offered_on``.
    """
    keys = cases.select("as_of", "group_id").unique()
    near = pl.col("offered_on").is_between(pl.col("as_of") - OFFERED_BEFORE, pl.col("as_of") + OFFERED_AFTER)
    found = keys.join(offers, on="group_id").filter(near).select("as_of", "group_id", offered=pl.lit(value=True)).unique()
    joined = cases.join(found, on=["as_of", "group_id"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("offered").fill_null(value=False))


def pick_rows(shown: pl.DataFrame, labelled: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that are counted, one for each family and month, and what became of all the others.

    ``shown``: cases of the chosen nights as the ledger has them (``version``, ``month``, the keys ``CASE``, ``chance``,
    ``abstained``, ``standing``); ``labelled``: the cohort of the same dates with its outcome (see
    :func:`features.outcomes.label`) and more. The second frame has ``version``, ``month``, ``reason`` and ``cases``: they add up
    to all that was shown.
    """
    joined = shown.join(labelled, on=CASE, how="left", maintain_order="left")
    reason = (
        pl.when(pl.col("abstained"))
        .then(pl.lit(NOT_SCORED))
        .when(pl.col("group_id").is_null())
        .then(pl.lit(NOT_ON_RECORD))
        .otherwise(pl.col("outside"))
    )
    marked = joined.with_columns(reason=reason).with_row_index("at")
    may = marked.filter(pl.col("reason").is_null())
    months = may.partition_by("version", "month", maintain_order=True)
    drawn = [pick_once_per_family(rows.with_columns(family_id=pl.col("group_id")), seed) for rows in months]
    rows = pl.concat(drawn) if drawn else may
    counted = pl.col("at").is_in(rows["at"].implode())
    said = pl.when(counted).then(pl.lit(COUNTED)).otherwise(pl.col("reason").fill_null(SIBLING)).alias("reason")
    accounts = marked.with_columns(said).group_by("version", "month", "reason").agg(cases=pl.len().cast(pl.Int64))
    return rows.drop("at", "reason"), accounts.sort("version", "month", "reason")


def measure(rows: pl.DataFrame, groups: Sequence[str]) -> pl.DataFrame:
    """The long frame (see ``FRAME``) of counted rows: ``version``, ``month``, ``group_id``, ``chance``, ``outcome``, ``offered``,
    ``standing`` and a text or Enum column for each of ``groups``. An empty frame of rows gives an empty frame.
    """  # noqa: D205
    if rows.is_empty():
        return pl.DataFrame(schema=FRAME)
    versions = rows.partition_by("version", as_dict=True, maintain_order=True)
    told = pl.concat(_measure_version(of, groups).with_columns(version=pl.lit(version)) for (version,), of in versions.items())
    return told.select(pl.col(name).cast(dtype) for name, dtype in FRAME.items()).with_columns(pl.col(pl.Float64).fill_nan(None))


def _measure_version(rows: pl.DataFrame, groups: Sequence[str]) -> pl.DataFrame:
    named = rows.with_columns(pl.col("month").cast(pl.String), together=pl.lit(TOGETHER))
    latest = named.filter(pl.col("month").is_in(_latest_months(named)))
    found = []
    for who, mine in WHO.items():
        found.append(_lay_out(_compare(named.filter(mine), "month", COVERAGE), MONTH, who))
        found.append(_lay_out(_compare(latest.filter(mine), "together", COVERAGE), TOGETHER, who))
        if who != PLACED:
            found += _measure_groups(latest.filter(mine), groups, who)
    return pl.concat(found)


def _latest_months(rows: pl.DataFrame) -> pl.Expr:
    return pl.lit(rows["month"].unique().sort().tail(YEAR)).implode()


def _compare(rows: pl.DataFrame, name: str, level: float) -> pl.DataFrame:
    """Each value's share that came back beside its average chance, with both intervals."""
    sums = {"part": pl.col("outcome").cast(pl.Float64), "whole": pl.lit(1.0), "expected": pl.col("chance")}
    cells = compare(rows.with_columns(**sums), name).with_columns(kind=pl.lit(Kind.EXPECTED.value))
    ends = {("low", "high"): find_interval(cells, COVERAGE), ("gap_low", "gap_high"): find_gap_interval(cells, level)}
    return cells.with_columns(
        pl.Series(name, values) for names, found in ends.items() for name, values in zip(names, found, strict=True)
    )


def _measure_groups(rows: pl.DataFrame, groups: Sequence[str], who: str) -> list[pl.DataFrame]:
    """Every group's share beside its average chance, with all groups that are large enough looked at together."""
    single = {name: _compare(rows, name, COVERAGE) for name in groups}
    looks = max(1, sum(cells.filter(pl.col("families") >= FEWEST).height for cells in single.values()))
    return [_lay_out(_compare(rows, name, 1 - (1 - COVERAGE) / looks), name, who) for name in groups]


def _lay_out(cells: pl.DataFrame, look: str, who: str) -> pl.DataFrame:
    over = {f"ratio{end}": pl.col(of) / pl.col("expected") for end, of in (("", "estimate"), ("_low", "low"), ("_high", "high"))}
    return cells.select(
        "value", "rows", "families", "low", "high", "expected", "gap_low", "gap_high",
        look=pl.lit(look), who=pl.lit(who), returns=pl.col("events").cast(pl.Int64), observed="estimate", **over,
    )  # fmt: skip


def measure_order(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """How well cases were ranked (see ``ORDER``), by month and in the latest months of each version; rows as for ``measure``."""
    found = []
    for (version,), of in rows.partition_by("version", as_dict=True, maintain_order=True).items():
        looks = [(MONTH, str(month), of.filter(month=month)) for month in of["month"].unique().sort()]
        looks.append((TOGETHER, TOGETHER, of.filter(pl.col("month").is_in(_latest_months(of)))))
        found += [(version, look, value, *_rank(part, seed)) for look, value, part in looks]
    return pl.DataFrame(found, schema=ORDER, orient="row").with_columns(pl.col(pl.Float64).fill_nan(None))


def _rank(rows: pl.DataFrame, seed: int) -> tuple[float, float, float]:
    outcome, chance = rows["outcome"].to_numpy(), rows["chance"].to_numpy()
    if outcome.all() or not outcome.any():
        return (float("nan"),) * 3
    drawn = bootstrap(rows["group_id"], lambda weights: np.column_stack(rank_quality(outcome, chance, weights)), seed)
    return float(rank_quality(outcome, chance)[0][0]), *find_middle(drawn[:, 0])


def judge(frame: pl.DataFrame, version: str, limits: Mapping[tuple[str, str], float]) -> Judged:
    """Does a version meet the criteria for its use in its latest months? ``limits`` are those of ``criteria.toml``."""
    of = frame.filter(version=version)
    together = {row["who"]: row for row in of.filter(look=TOGETHER).iter_rows(named=True)}
    if ALL not in together:
        return Judged(Verdict.NOT_ENOUGH, ())
    least, most = (limits["monitoring", f"{end}_observed_to_expected"] for end in ("least", "most"))
    level = _judge_level(together, least, most)
    groups = _judge_groups(of, limits["monitoring", "most_group_gap"])
    whole = together[ALL]
    within = level.value is not None and whole["ratio_low"] >= least and whole["ratio_high"] <= most
    verdict = Verdict.WITHIN if within else Verdict.NOT_ENOUGH
    return Judged(verdict if level.met and groups.met else Verdict.FAILING, (level, groups))


def _judge_level(together: Mapping[str, Mapping[str, float]], least: float, most: float) -> Finding:
    whole, without = together[ALL], together.get(WITHOUT)
    name, allowed = "as many returns as expected", f"allowed is {least:g} to {most:g}"
    if min(whole["returns"], whole["rows"] - whole["returns"], whole["families"]) < FEWEST:
        return Finding(name, met=True, value=None, limit=least, words="There are too few cases to say anything.")
    told = (
        f"{100 * whole['observed']:.0f} in 100 cases came back where {100 * whole['expected']:.0f} were expected: "
        f"{whole['ratio']:.2f} times as many (95 % interval {whole['ratio_low']:.2f} to {whole['ratio_high']:.2f})"
    )
    if whole["ratio_low"] > most:
        return Finding(name, met=False, value=whole["ratio"], limit=most, words=f"Too many: {told}; {allowed}.")
    if whole["ratio_high"] >= least:
        return Finding(name, met=True, value=whole["ratio"], limit=least, words=f"{told}; {allowed}.")
    if without is not None and without["ratio_high"] < least:
        words = f"Too few: {told}, and too few among families without an offer as well; {allowed}."
        return Finding(name, met=False, value=whole["ratio"], limit=least, words=words)
    words = f"{told}; {allowed}. It does not count against the model: among families without an offer it may not be so."
    return Finding(name, met=True, value=whole["ratio"], limit=least, words=words)


def _judge_groups(of: pl.DataFrame, limit: float) -> Finding:
    """The largest gap that is evident; where too few came back, it must be evident among families without an offer, too."""
    name = "chances as true in every group"
    cells = of.filter(~pl.col("look").is_in([MONTH, TOGETHER]), pl.col("families") >= FEWEST)
    least = cells.filter(who=WITHOUT).select("look", "value", least=-pl.col("gap_high"))
    told = (
        cells.filter(who=ALL)
        .join(least, on=["look", "value"], how="left")
        .with_columns(
            more=pl.col("gap_low").clip(lower_bound=0),
            fewer=pl.min_horizontal(-pl.col("gap_high"), pl.col("least").fill_null(0)).clip(lower_bound=0),
        )
        .with_columns(evident=pl.max_horizontal("more", "fewer"))
        .sort("evident", descending=True, nulls_last=True)
    )
    if told.is_empty() or told["evident"][0] is None:
        return Finding(name, met=True, value=None, limit=limit, words="No group is large enough to be looked at.")
    worst = told.row(0, named=True)
    gap = float(worst["evident"])
    words = f"No gap between chances and returns is evident in any of {told.height} groups."
    if gap > 0:
        side = "more" if worst["more"] >= worst["fewer"] else "fewer"
        words = (
            f"In the group '{worst['look'].replace('_', ' ')}: {worst['value']}' {side} came back than was expected, by "
            f"{'more' if gap > limit else 'no more'} than the {100 * limit:.0f} in 100 that are allowed, with all {told.height} "
            "groups looked at together."
        )
    return Finding(name, gap <= limit, gap, limit, words)


def measure_stability(lists: pl.DataFrame) -> pl.DataFrame:
    """How lists change from one week to the next: ``week`` (the later one), and counts of families.

    ``lists`` has a row for each family with an open case on one night of each week: ``week`` (its Monday), ``family_id`` and
    ``standing``. Columns: ``before`` (had a place the week before), ``still_open`` (of these, those whose case is still open),
    ``kept`` (of these, those who still have a place), ``places`` (now) and ``new`` (of these, those who had none). A week
    whose week before has no list is left out.
    """
    held = pl.col("standing") == "place"
    now = lists.select("week", "family_id", now=held)
    before = lists.select(pl.col("week") + timedelta(days=7), "family_id", was=held)
    both = before.join(now, on=["week", "family_id"], how="full", coalesce=True)
    weeks = before.select("week").unique().join(now.select("week").unique(), on="week")
    was, placed = pl.col("was").fill_null(value=False), pl.col("now").fill_null(value=False)
    counts = {
        "before": was,
        "still_open": was & pl.col("now").is_not_null(),
        "kept": was & placed,
        "places": placed,
        "new": placed & ~was,
    }
    summed = both.group_by("week").agg(**{name: part.sum().cast(pl.Int64) for name, part in counts.items()})
    return summed.join(weeks, on="week", how="semi").sort("week")
