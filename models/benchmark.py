"""Our candidates and our evaluation on anybody's frame of numbers, booleans and categories with a 0/1 outcome.

See docs/data-scientists.md for how to use it and how to read what it returns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from features.definition import Direction
from models.calibration import Calibration
from models.candidate import FULL, Effort, Input
from models.candidates import BY_FEATURE, CANDIDATES
from models.capacity import GRID_DAYS
from models.comparison import find_precisions
from models.evaluation import KEYS, ROW, describe_split, measure, tidy
from models.fitting import Fitted, fit_candidate
from models.rankers import Ranker
from models.splits import TEST_DAYS, Fold, deal_families, forward_splits, split_frame
from validation.errors import ContractError, CriterionError

MOST_LEVELS = 32
LEAST_OUTCOMES = 25  # of yes and of no, to train on and to test on
RESERVED = {*KEYS, "_date", "_slot", "_fold"}
SLOTS = 12  # into which groups are dealt where there are no dates
TEST_SLOTS = 3
NO_DATE = date(2000, 1, 1)
FORWARD = "forward in time, whole groups apart"
AT_RANDOM = "one split at random, whole groups apart, because there are no dates: says nothing about later years"


@dataclass(frozen=True)
class Column:
    """A column that a candidate may learn from: the least that is an :class:`models.candidate.Input`."""

    name: str
    direction: Direction = Direction.EITHER


def evaluate_frame(
    frame: pl.DataFrame,
    *,
    outcome: str,
    groups: str | None = None,
    dates: str | None = None,
    candidates: Sequence[str] | None = None,
    rank_by: str | None = None,
    directions: Mapping[str, Direction | str] | None = None,
    gap_days: int = 0,
    test_days: int = TEST_DAYS,
    capacity: int | None = None,
    seed: int = 1,
    effort: Effort = FULL,
) -> list[dict[str, Any]]:
    """One object per split and candidate, with the metrics of :func:`models.evaluation.evaluate`; the latest split first.

    ``frame`` holds one row per case. Every column but ``outcome`` (boolean, or the numbers 0 and 1), ``groups`` (rows that
    belong together, never on both sides of a split; by default each row its own) and ``dates`` (Date or Datetime) is learnt
    from: numeric, Boolean, Enum or Categorical, where empty and NaN mean "not known". A category becomes one column of 0 and
    1 for each of its levels, at most the 32 that are most frequent in the training rows; the others are 0 in all of them.

    With dates, splits go forward in time, as in our own evaluation: dates are put together in periods of 28 days that are
    known at their end, each test takes ``test_days``, and training ends ``gap_days`` (how long the outcome takes) before it.
    Without, there is one split: three quarters of the groups to train on, the others to test on. ``split`` says which.
    ``comparisons`` are differences in average precision from every other candidate on the same rows, with 95 % intervals.

    ``candidates`` are names of ``models.candidates.CANDIDATES``, by default all but those that rank by features of ours;
    ``rank_by`` adds a humble ranker by a column of yours. ``directions`` ("higher", "lower", "either") hold the glass box
    and that ranker to what is known of a column. ``capacity`` is groups a week for the replay, which needs dates.

    Raises ``ContractError`` for a frame or an argument of another shape, ``CriterionError`` for too few rows or dates. The
    result is the same for any order of rows and columns, and holds no row.
    """
    columns = [name for name in sorted(frame.columns) if name not in {outcome, groups, dates}]
    _check_roles(frame, outcome, groups, dates)
    _check_columns(frame, columns)
    known = _check_directions(frame, columns, directions or {})
    if rank_by is not None and (rank_by not in columns or _is_category(frame.schema[rank_by])):
        raise ContractError(f"``rank_by`` names '{rank_by}', which is not a numeric or boolean column to learn from: name one.")
    if capacity is not None and (dates is None or capacity < 1):
        raise ContractError(
            "``capacity`` is 1 or more groups a week, replayed week by week: give ``dates`` too, or leave it out."
        )
    names = _check_candidates(candidates, rank_by)
    rows, slack = _prepare(frame, columns, outcome, groups, dates)
    found, kept = [], {name: list[pl.DataFrame]() for name in names}
    for about, trained_to, folds in _make_folds(rows, dates is not None, gap_days + slack, test_days, seed):
        encoded = [_encode(fold, columns, known) for fold in folds]
        for name in names:
            scored = pl.concat(
                fold.test.select(KEYS).hstack(_fit(name, rank_by, fold.train, inputs, seed, effort).score(fold.test))
                for fold, inputs in encoded
            ).sort(ROW)
            metrics = measure(scored, capacity or 1, seed, trained_to)
            if capacity is None:
                metrics = {key: value for key, value in metrics.items() if "capacity" not in key and key != "offers"}
            if dates is None:
                del metrics["by_month"]
            kept[name].append(scored)
            found.append(tidy({"candidate": name} | about | metrics))
    return _compare(found, kept, seed)


def _compare(found: list[dict[str, Any]], scored: Mapping[str, Sequence[pl.DataFrame]], seed: int) -> list[dict[str, Any]]:
    """The results, each with its differences from every other candidate on the same rows."""
    precisions = find_precisions(scored, seed)
    for place, result in enumerate(found):
        result["comparisons"] = []
        for other in scored:
            if other != result["candidate"]:
                over_all, *by_split = precisions.difference(result["candidate"], other)
                this = by_split[place // len(scored)]
                result["comparisons"] += [over_all | {"split": "all"}, this | {"split": "this"}]
    return found


def _check_roles(frame: pl.DataFrame, outcome: str, groups: str | None, dates: str | None) -> None:
    roles = {role: name for role, name in (("outcome", outcome), ("groups", groups), ("dates", dates)) if name is not None}
    for role, name in roles.items():
        if name not in frame.columns:
            raise ContractError(f"Column '{name}', named as ``{role}``, is not in the frame: name one that is.")
        if frame[name].null_count():
            raise ContractError(f"Column '{name}' ({role}) is empty in {frame[name].null_count()} rows: leave those rows out.")
    if len(set(roles.values())) < len(roles):
        raise ContractError("One column is named for two of ``outcome``, ``groups`` and ``dates``: name different ones.")
    kind = frame.schema[outcome]
    if kind != pl.Boolean and not (kind.is_numeric() and frame[outcome].cast(pl.Float64).is_in([0.0, 1.0]).all()):
        raise ContractError(f"The outcome '{outcome}' ({kind}) holds something other than 0 and 1: make it boolean, or 0 and 1.")
    if dates is not None and not isinstance(frame.schema[dates], pl.Date | pl.Datetime):
        raise ContractError(f"Column '{dates}' (dates) is {frame.schema[dates]}; allowed are Date and Datetime: make it one.")
    if groups is not None and frame.schema[groups].is_nested():
        raise ContractError(f"Column '{groups}' (groups) is {frame.schema[groups]}: make it numbers or text.")


def _check_columns(frame: pl.DataFrame, columns: Sequence[str]) -> None:
    if not columns:
        raise ContractError("The frame has no column to learn from beside outcome, groups and dates: add one.")
    categories = [name for name in columns if _is_category(frame.schema[name])]
    for name in columns:
        kind = frame.schema[name]
        if not (kind.is_numeric() or kind == pl.Boolean or name in categories):
            raise ContractError(
                f"Column '{name}' is {kind}; allowed to learn from are numeric, Boolean, Enum and Categorical columns: turn it "
                "into one (text into an Enum, a date into days before the case), or leave it out."
            )
        if name in RESERVED or any(name.startswith(f"{category} = ") for category in categories):
            raise ContractError(f"Column '{name}' has a name that the evaluation itself uses: rename it.")
        if name not in categories and frame[name].cast(pl.Float32).is_infinite().any():
            raise ContractError(f"Column '{name}' holds infinite numbers, or some beyond the range of Float32: make them finite.")


def _check_directions(
    frame: pl.DataFrame, columns: Sequence[str], directions: Mapping[str, Direction | str]
) -> dict[str, Direction]:
    for name, direction in directions.items():
        if name not in columns:
            raise ContractError(f"A direction is given for '{name}', which is not a column to learn from: leave it out.")
        if direction not in list(Direction):
            allowed = ", ".join(f"'{way}'" for way in Direction)
            raise ContractError(f"The direction of '{name}' is none of those that are allowed: give {allowed}.")
        if _is_category(frame.schema[name]) and direction != Direction.EITHER:
            raise ContractError(f"Column '{name}' holds categories, which have no direction: leave it out of ``directions``.")
    return {name: Direction(direction) for name, direction in directions.items()}


def _check_candidates(candidates: Sequence[str] | None, rank_by: str | None) -> list[str]:
    allowed = [name for name in CANDIDATES if name not in BY_FEATURE]
    for name in candidates or ():
        if name in BY_FEATURE:
            raise ContractError(f"Candidate '{name}' ranks by a feature of ours: name a column of yours as ``rank_by`` instead.")
        if name not in allowed:
            raise ContractError(f"There is no candidate '{name}': choose from {', '.join(allowed)}.")
    chosen = [*dict.fromkeys(allowed if candidates is None else candidates), *([f"rank_by_{rank_by}"] if rank_by else [])]
    if not chosen:
        raise ContractError("There is no candidate to evaluate: name some in ``candidates``, or a column as ``rank_by``.")
    return chosen


def _is_category(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.Enum | pl.Categorical)


def _prepare(
    frame: pl.DataFrame, columns: Sequence[str], outcome: str, groups: str | None, dates: str | None
) -> tuple[pl.DataFrame, int]:
    """The frame with our keys, in an order that depends on its values only; and the most days from a date to its period's end."""
    categories = [name for name in columns if _is_category(frame.schema[name])]
    numbers = [name for name in columns if name not in categories]
    when = pl.col(dates).cast(pl.Date) if dates else pl.lit(NO_DATE)
    rows = frame.select(
        when.alias("_date"),
        pl.col(outcome).cast(pl.Boolean).alias("outcome"),
        *([pl.col(groups).cast(pl.String).alias("group_id")] if groups else []),
        pl.col(*numbers).cast(pl.Float32).fill_nan(None) if numbers else [],
        *(pl.col(name).cast(pl.String) for name in categories),
    )
    rows = rows.sort(pl.all())
    code = pl.int_range(pl.len()).cast(pl.String).str.zfill(12)
    back = (pl.col("_date").max() - pl.col("_date")).dt.total_days() // GRID_DAYS * GRID_DAYS
    rows = rows.with_columns(
        (pl.col("_date").max() - pl.duration(days=back)).alias("as_of"),
        code.alias("person_id"),
        code.alias("referral_id"),
        *([] if groups else [code.alias("group_id")]),
    ).with_columns(pl.col("group_id").alias("family_id"))
    if not any(rows[name].count() for name in columns):
        raise ContractError("No column to learn from holds any value: give a frame with columns that are filled.")
    slack = int(rows.select((pl.col("as_of") - pl.col("_date")).dt.total_days().max()).item() or 0)
    return rows.drop("_date"), slack


def _make_folds(
    rows: pl.DataFrame, dated: bool, gap_days: int, test_days: int, seed: int
) -> list[tuple[dict[str, Any], date, list[Fold]]]:
    """The splits, latest first, up to one with too few outcomes: what is said of it, its last date to train on, its folds."""
    if dated:
        splits = forward_splits(
            rows["as_of"].unique(), max(1, gap_days), recording_days=0, test_days=test_days, least_train_dates=2
        )
        dealt = [
            ({"split": FORWARD} | describe_split(rows, split), split.train_to, split_frame(rows, split, seed)) for split in splits
        ]
    else:
        # Days stand for the slots: calibration is fitted on the last quarter of the "dates" of other groups, as it always is.
        slot = pl.Series("_slot", deal_families(rows["group_id"], SLOTS, seed))
        day = pl.lit(NO_DATE) + pl.duration(days=pl.min_horizontal("_slot", SLOTS - TEST_SLOTS))
        whole, test = rows.with_columns(slot).with_columns(as_of=day), pl.col("_slot") >= SLOTS - TEST_SLOTS
        fold = Fold(whole.filter(~test).drop("_slot"), whole.filter(test).drop("_slot"))
        about = {"train_rows": fold.train.height, "train_families": fold.train["family_id"].n_unique()}
        dealt = [({"split": AT_RANDOM} | about, NO_DATE, [fold])]
    telling: list[tuple[dict[str, Any], date, list[Fold]]] = []
    for about, trained_to, folds in dealt:
        least = min(_count_rarer([fold.test for fold in folds]), *(_count_rarer([fold.train]) for fold in folds))
        if least < LEAST_OUTCOMES:
            break
        telling.append((about, trained_to, folds))
    if not telling:
        raise CriterionError(
            f"There are too few outcomes: the rarer one occurs {least} times on one side of the split; needed are at least "
            f"{LEAST_OUTCOMES} of each to train on and to test on, so use a frame with more rows."
        )
    return telling


def _count_rarer(frames: Sequence[pl.DataFrame]) -> int:
    yes, rows = sum(int(frame["outcome"].sum()) for frame in frames), sum(frame.height for frame in frames)
    return min(yes, rows - yes)


def _encode(fold: Fold, columns: Sequence[str], directions: Mapping[str, Direction]) -> tuple[Fold, list[Input]]:
    """The fold with 0/1 columns for the categories of its training rows, and what may be learnt from."""
    inputs: list[Input] = []
    indicators: list[pl.Expr] = []
    for name in columns:
        if fold.train.schema[name] != pl.String:
            inputs.append(Column(name, directions.get(name, Direction.EITHER)))
            continue
        levels = fold.train[name].drop_nulls().value_counts().sort(["count", name], descending=[True, False])
        for level in levels[name].head(MOST_LEVELS):
            inputs.append(Column(f"{name} = {level}"))
            indicators.append((pl.col(name) == level).cast(pl.Float32).alias(inputs[-1].name))
    return Fold(fold.train.with_columns(indicators), fold.test.with_columns(indicators)), inputs


def _fit(name: str, rank_by: str | None, train: pl.DataFrame, inputs: Sequence[Input], seed: int, effort: Effort) -> Fitted:
    if name in CANDIDATES:
        return fit_candidate(name, train, inputs, seed, effort)
    (column,) = [known for known in inputs if known.name == rank_by]
    ranker = Ranker(name, column.name, -1 if column.direction is Direction.LOWER else 1, inputs)
    return Fitted(ranker.fit(train, train["outcome"].to_numpy(), train["group_id"]), Calibration())
