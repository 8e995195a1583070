"""Where a gap in average chances comes from: who refers, what is found, what is recorded without need, and the model.

The gap of a group against everybody else is the sum of four stages, each a difference between the two sides:

- ``source_mix``: the group is referred by other people, whose referrals come back more or less often;
- ``found_in_need``: of cases with the same source, more come back and are found to be in need;
- ``without_need``: of cases with the same source, more come back without being found so, which is how more ready referring
  at the same need looks on record;
- ``model``: chances lie higher above, or less below, what was recorded.

The first three add up to the gap in recorded returns (Kitagawa 1955, at the mean of both sides' sources and rates), and all
four to the gap in average chance. Their variances are those of sums over families of what a row moves a stage by (linearised),
and not less than if each family were one case with everybody's rate: a few families without any return are no certainty.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import t

from models.evaluation import ROW
from models.fairness import COVERAGE, IN_NEED
from validation.disclosure import FEWEST

SOURCE = "source"
MODEL = "model"
STAGES = ("source_mix", "found_in_need", "without_need", MODEL)
WHOLE = "average_chance"
REST = "the rest"
FRAME = {
    "group": pl.String(),
    "value": pl.String(),
    "stage": pl.String(),
    "families": pl.Int64(),
    "families_of_others": pl.Int64(),
    "families_with_return": pl.Int64(),
    "points": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "together_low": pl.Float64(),
    "together_high": pl.Float64(),
    "evident": pl.Boolean(),
}
"""Columns of the result: ``points`` is what a stage adds to the gap (0.1 is ten points), with its 95 % interval and the one with
all stages of all groups looked at together (Bonferroni); ``evident``: the latter leaves out zero, which is asked of stages, not
of ``WHOLE``, their sum."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]


def split_gaps(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The stages of the gap of every value of the columns ``names``, and their sum (columns: :data:`FRAME`).

    ``rows`` has ``group_id`` (families that go together), ``outcome``, ``chance``, ``returned_in_need`` (rows where it is empty
    are left out), ``source`` and the columns ``names``. Groups with fewer than ``FEWEST`` families, or so few others, are left
    out. For the groups of ``source`` itself, nothing is held equal: their first stage is nothing.
    """
    settled = rows.filter(pl.col(IN_NEED).is_not_null())
    family = settled["group_id"].rank("dense").to_numpy().astype(np.int64) - 1
    found = [_split(settled, family, name, value) for name in names for value in settled[name].drop_nulls().unique().sort()]
    told = pl.DataFrame([row for cell in found for row in cell], schema_overrides=FRAME, orient="row")
    return _judge(told) if told.height else pl.DataFrame(schema=FRAME)


def find_stages(scored: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame | None:
    """The stages of the gaps of every audit group in ``groups`` (the keys of a row, a column each) on ``scored`` test rows.

    ``None`` where it is not known what returns were found to be, or who referred.
    """
    if not {IN_NEED, SOURCE} <= set(groups.columns):
        return None
    names = [name for name in groups.columns if name not in (*ROW, IN_NEED)]
    rows = scored.select(*ROW, "group_id", "outcome", "chance").join(groups, on=ROW, how="left")
    found = split_gaps(rows, names)
    listed = [(name, str(value)) for name in names for value in _values_of(groups[name])]
    places = pl.DataFrame(listed, schema=["group", "value"], orient="row").with_row_index("at")
    return found.join(places, on=["group", "value"], how="left", maintain_order="left").sort("at", maintain_order=True).drop("at")


def _values_of(column: pl.Series) -> list[str]:
    """The values of a group in the order in which they are told."""
    return (
        column.dtype.categories.to_list() if isinstance(column.dtype, pl.Enum) else column.drop_nulls().unique().sort().to_list()
    )


def name_stage(stages: pl.DataFrame) -> str | None:
    """Of the rows of one group, the evident stage that moves its gap most; ``None`` where none is evident.

    A model that brings the gap in recorded returns nearer to nothing takes back what was recorded too readily, and is not named.
    """
    points = dict(stages.select("stage", "points").iter_rows())
    takes_back = abs(points[WHOLE]) < abs(points[WHOLE] - points[MODEL])
    named = stages.filter("evident", ~((pl.col("stage") == MODEL) & takes_back)).sort(pl.col("points").abs(), descending=True)
    return None if named.is_empty() else str(named["stage"][0])


def _split(rows: pl.DataFrame, family: Codes, name: str, value: object) -> list[dict[str, object]]:
    """One row for each stage of one group, and for their sum, without the looks at all of them together."""
    known = rows[name].is_not_null().to_numpy()
    rows, family = rows.filter(pl.Series(known)), family[known]
    here = (rows[name] == value).to_numpy()
    came_back, in_need = (rows[column].to_numpy().astype(float) for column in ("outcome", IN_NEED))
    sides = [_count(family, side) for side in (here, ~here)]
    if min(sides) < FEWEST:
        return []
    alike = np.zeros(rows.height, np.int64)
    strata = alike if name == SOURCE else _find_strata(rows[SOURCE], family, here)
    moved = {
        "source_mix": _mix(came_back, strata, here),
        "found_in_need": _rates(in_need, strata, here),
        "without_need": _rates(came_back - in_need, strata, here),
        MODEL: _rates(rows["chance"].to_numpy() - came_back, alike, here),
    }
    moved[WHOLE] = (sum(points for points, _ in moved.values()), np.sum([moves for _, moves in moved.values()], axis=0))
    rare = {"found_in_need": in_need, "without_need": came_back - in_need, MODEL: came_back}
    least = {stage: float(np.sqrt(values.mean() * (1 - values.mean()) / min(sides))) for stage, values in rare.items()}
    told = {
        "group": name,
        "value": str(value),
        "families": sides[0],
        "families_of_others": sides[1],
        "families_with_return": _count(family, here & (came_back > 0)),
    }
    return [
        told | {"stage": stage, "points": points, "error": max(_find_error(moves, family), least.get(stage, 0.0))}
        for stage, (points, moves) in moved.items()
    ]


def _count(family: Codes, side: Flags) -> int:
    return int(np.count_nonzero(np.bincount(family[side])))


def _find_strata(source: pl.Series, family: Codes, here: Flags) -> Codes:
    """A number for the source of each row; sources with few families on either side are one."""
    counted = pl.DataFrame({"source": source.cast(pl.String), "family": family, "here": here})
    rare = pl.min_horizontal(pl.col("family").filter(pl.col("here") == side).n_unique().over("source") for side in (True, False))
    named = counted.with_columns(source=pl.when(rare >= FEWEST).then("source"))["source"]
    return named.fill_null(REST).rank("dense").to_numpy().astype(np.int64) - 1


@dataclass(frozen=True)
class _Sides:
    """Shares of strata and means of values in them, here and elsewhere; and the weights of the two means in their middle.

    A stratum that only one side has is taken to have the same mean on the other.
    """

    share: Floats
    other_share: Floats
    rate: Floats
    other_rate: Floats
    weight: Floats


def _find_sides(values: Floats, strata: Codes, here: Flags) -> _Sides:
    count = int(strata.max()) + 1
    rows = [np.bincount(strata[side], minlength=count) for side in (here, ~here)]
    sums = [np.bincount(strata[side], weights=values[side], minlength=count) for side in (here, ~here)]
    shares = [each / each.sum() for each in rows]
    rates = [np.divide(total, each, out=np.zeros(count), where=each > 0) for total, each in zip(sums, rows, strict=True)]
    filled = [np.where(each > 0, rate, instead) for each, rate, instead in zip(rows, rates, rates[::-1], strict=True)]
    weight = np.select([rows[0] == 0, rows[1] == 0], [0.0, 1.0], 0.5)
    return _Sides(shares[0], shares[1], filled[0], filled[1], weight)


def _mix(values: Floats, strata: Codes, here: Flags) -> tuple[float, Floats]:
    """What other shares of strata make of a difference in means, at the mean of both sides' rates, and what each row moves."""
    sides = _find_sides(values, strata, here)
    mean = sides.weight * sides.rate + (1 - sides.weight) * sides.other_rate
    apart = sides.share - sides.other_share
    moves = np.where(
        here,
        mean[strata] - sides.share @ mean + _over(sides.weight * apart, sides.share)[strata] * (values - sides.rate[strata]),
        sides.other_share @ mean
        - mean[strata]
        + _over((1 - sides.weight) * apart, sides.other_share)[strata] * (values - sides.other_rate[strata]),
    )
    return float(apart @ mean), moves / np.where(here, here.sum(), (~here).sum())


def _rates(values: Floats, strata: Codes, here: Flags) -> tuple[float, Floats]:
    """The difference in means at the mean of both sides' shares of strata, and what each row moves."""
    sides = _find_sides(values, strata, here)
    both = 4 * sides.weight * (1 - sides.weight)  # 1 where both sides have the stratum, 0 where one does
    mean, apart = both * (sides.share + sides.other_share) / 2, (sides.rate - sides.other_rate) / 2
    moves = np.where(
        here,
        apart[strata] - sides.share @ apart + _over(mean, sides.share)[strata] * (values - sides.rate[strata]),
        apart[strata] - sides.other_share @ apart - _over(mean, sides.other_share)[strata] * (values - sides.other_rate[strata]),
    )
    return float(mean @ (sides.rate - sides.other_rate)), moves / np.where(here, here.sum(), (~here).sum())


def _over(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _find_error(moves: Floats, family: Codes) -> float:
    """The standard error of a sum of what every row moves a figure by: rows of one family go together."""
    by_family = np.bincount(family, weights=moves)
    families = int(np.count_nonzero(np.bincount(family)))
    return float(np.sqrt(families / (families - 1) * (by_family**2).sum()))


def _judge(told: pl.DataFrame) -> pl.DataFrame:
    """With intervals. Those of a group of two values are one gap seen from both sides, and counted once."""
    two = pl.len().over("group", "stage") == 2
    looks = max(1.0, float(told.filter(pl.col("stage") != WHOLE).select(pl.when(two).then(0.5).otherwise(1.0).sum()).item()))
    degrees = told.select(pl.min_horizontal("families", "families_of_others") - 1).to_series().to_numpy()
    error = told["error"].to_numpy()
    reach, together = (t.ppf((1 + level) / 2, degrees) * error for level in (COVERAGE, 1 - (1 - COVERAGE) / looks))
    ends = {"low": -reach, "high": reach, "together_low": -together, "together_high": together}
    framed = told.with_columns((pl.col("points") + pl.Series(by)).alias(name) for name, by in ends.items())
    leaves_out_zero = (pl.col("together_low") > 0) | (pl.col("together_high") < 0)
    return framed.with_columns(evident=leaves_out_zero & (pl.col("stage") != WHOLE)).select(
        pl.col(name).cast(dtype) for name, dtype in FRAME.items()
    )
