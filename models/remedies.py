"""What could be done about a gap, and what each would cost: shown to the board, chosen by nobody here.

Leaving features out needs a model without them, fitted like the first and asked about the same rows. A shorter list, or a share
of places given by lot, changes only whom the list reaches. There is no threshold of its own for any group among them: whether
that would be direct discrimination is for counsel to say. Every figure is a difference on the same rows, with families drawn
again.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import polars as pl

from models.bootstrap import Floats, bootstrap, find_interval
from models.candidate import Effort, Input
from models.evaluation import ROW, score_split
from models.fairness import column_of, place
from models.metrics import rank_quality
from models.splits import Split

LIST, FEWER = "the list", "half the list"
BY_LOT = 0.2  # of the places
AUC, PRECISION, HITS = "auc", "average_precision", "came_back_of_list"
OFFERED, MISSED = "offered", "missed_returns"

REMEDIES = {
    "remedy": pl.String(),
    "measure": pl.String(),
    "group": pl.String(),
    "value": pl.String(),
    "families": pl.Int64(),
    "fewest": pl.Int64(),
    "before": pl.Float64(),
    "after": pl.Float64(),
    "change": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "verdict": pl.String(),
}
"""``measure`` is the AUC, the average precision, the share of the list that came back, or a group's gap to all others in the
share offered or missed (then ``group`` and ``value`` are given,
with ``fewest``: of how many families the smallest part of the group is that came back or did not, on the list or off it, before
or after; 0 counts as none). ``change`` is after less before; of a gap, by how much it grew
in the way that it pointed before, so that less than nought is narrower. ``low`` to ``high`` is its 95 % interval."""


Flags = npt.NDArray[np.bool_]
Line = tuple[str, str, str, Flags | None]  # measure, group, value, its rows


class Change(StrEnum):
    """What may be said of a change."""

    MORE = "more"
    LESS = "less"
    NOT_ENOUGH = "not enough evidence"


def weigh_remedies(
    frame: pl.DataFrame,
    features: Sequence[Input],
    groups: pl.DataFrame,
    left_out: Mapping[str, Sequence[str]],
    split: Split,
    candidate: str,
    families: int,
    seed: int,
    effort: Effort,
) -> pl.DataFrame:
    """Each remedy beside the model as it is: columns as in ``REMEDIES``.

    ``frame`` and ``features`` as for :func:`models.evaluation.score_split`; ``groups`` has the keys of a row and a column for
    each group; ``left_out`` names the features that each remedy leaves out; ``families`` is how many the list of a date holds.
    """

    def score(without: Sequence[str] = ()) -> pl.DataFrame:
        kept = [feature for feature in features if feature.name not in without]
        return fill(score_split(frame, kept, split, candidate, seed, effort=effort), families, seed)

    now = score()
    later = {remedy: score(names).with_columns(reached=LIST) for remedy, names in left_out.items()}
    later |= {
        f"A list of {families // 2} families instead of {families}": now.with_columns(reached=FEWER),
        f"{BY_LOT:.0%} of the places by lot".replace("%", " %"): now.with_columns(reached="by lot"),
    }
    before = now.with_columns(reached=LIST)
    found = [compare(before, after, groups, seed).with_columns(remedy=pl.lit(remedy)) for remedy, after in later.items()]
    return pl.concat(found).select(*REMEDIES)


def fill(scored: pl.DataFrame, families: int, seed: int) -> pl.DataFrame:
    """Scored rows with the chance of being on the list of a date, on one half as long, and on one filled in part by lot.

    By lot, the first families have their place, and all others the same chance of what is left.
    """
    sure = round((1 - BY_LOT) * families)
    placed = place(scored, {LIST: families, FEWER: families // 2, "sure": sure}, seed)
    there = placed.group_by("as_of").agg(there=pl.col("family_id").n_unique()).with_columns(pl.col("there").cast(pl.Float64))
    chance = ((families - sure) / (pl.col("there") - sure)).clip(0, 1)
    return (
        placed.join(there, on="as_of", how="left", maintain_order="left")
        .join(scored.select(*ROW, "score"), on=ROW, how="left", maintain_order="left")
        .with_columns(
            pl.col(column_of(LIST)).cast(pl.Float64).alias(LIST),
            pl.col(column_of(FEWER)).cast(pl.Float64).alias(FEWER),
            pl.when(column_of("sure")).then(1.0).otherwise(chance).alias("by lot"),
        )
        .sort(ROW)
    )


def compare(before: pl.DataFrame, after: pl.DataFrame, groups: pl.DataFrame, seed: int) -> pl.DataFrame:
    """``after`` beside ``before``: the same rows in the same order, with ``score``, ``outcome`` and ``reached`` (0 to 1)."""
    names = [name for name in groups.columns if name not in ROW]
    told = before.select(ROW).join(groups, on=ROW, how="left", maintain_order="left")
    members = [
        (
            name,
            value,
            (told[name].cast(pl.String) == value).fill_null(value=False).to_numpy(),
            told[name].is_not_null().to_numpy(),
        )
        for name in names
        for value in told[name].cast(pl.String).drop_nulls().unique().sort()
    ]
    outcome = before["outcome"].cast(pl.Float64).to_numpy()
    sides = [(rows["score"].to_numpy(), rows["reached"].to_numpy()) for rows in (before, after)]

    def measure(weights: Floats | None = None) -> Floats:
        drawn = np.ones((1, outcome.size)) if weights is None else weights
        return np.column_stack([_measure(outcome, *side, members, drawn) for side in sides])

    value, drawn = measure()[0], bootstrap(before["group_id"], measure, seed)
    half = value.size // 2
    told_lines: list[Line] = [(measure, "", "", None) for measure in (AUC, PRECISION, HITS)]
    told_lines += [(measure, name, one, here) for name, one, here, _ in members for measure in (OFFERED, MISSED)]
    lines = [
        _count(line, before, after) | _tell(line, value[at], value[half + at], drawn[:, at], drawn[:, half + at])
        for at, line in enumerate(told_lines)
    ]
    return pl.DataFrame(lines, schema={name: kind for name, kind in REMEDIES.items() if name != "remedy"}, orient="row")


def _measure(
    outcome: Floats, score: Floats, reached: Floats, members: Sequence[tuple[str, str, Flags, Flags]], drawn: Floats
) -> Floats:
    """AUC, average precision, the share of the list that came back, and two gaps for each group, by row of ``drawn``."""
    columns = [*rank_quality(outcome > 0, score, drawn), _share(drawn, outcome * reached, reached)]
    missed = (1 - reached) * outcome
    for _, _, here, known in members:
        mine, theirs = here.astype(np.float64), (known & ~here).astype(np.float64)
        for part, whole in ((reached, np.ones_like(reached)), (missed, outcome)):
            columns.append(_share(drawn, part * mine, whole * mine) - _share(drawn, part * theirs, whole * theirs))
    return np.column_stack(columns)


def _share(drawn: Floats, part: Floats, whole: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(drawn @ part / (drawn @ whole))


def _count(line: Line, before: pl.DataFrame, after: pl.DataFrame) -> dict[str, object]:
    """Whom a line is about: families, and the smallest part of them."""
    measure, group, value, here = line
    if here is None:
        return {"measure": measure, "group": None, "value": None, "families": None, "fewest": None}
    both = before.select("group_id", "outcome", first=pl.col("reached") > 0, then=after["reached"] > 0).filter(pl.Series(here))
    sizes = pl.concat(both.group_by("outcome", side).agg(pl.col("group_id").n_unique()).drop(side) for side in ("first", "then"))
    told = {"measure": measure, "group": group, "value": value, "families": both["group_id"].n_unique()}
    return told | {"fewest": sizes["group_id"].min()}


def _tell(line: Line, before: float, after: float, drawn_before: Floats, drawn_after: Floats) -> dict[str, object]:
    way = -1.0 if line[3] is not None and before < 0 else 1.0
    low, high = find_interval(way * (drawn_after - drawn_before))
    verdict = Change.MORE if low > 0 else Change.LESS if high < 0 else Change.NOT_ENOUGH
    figures = {"before": before, "after": after, "change": way * (after - before), "low": low, "high": high}
    told: dict[str, object] = {name: None if np.isnan(figure) else float(figure) for name, figure in figures.items()}
    return told | {"verdict": verdict.value}
