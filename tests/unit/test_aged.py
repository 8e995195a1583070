"""An earlier model on newer outcomes: later rows alone, new families apart, and figures that are those of every evaluation."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.aged import LEAST_OUTCOMES, evaluate_later
from models.evaluation import KEYS, measure, tidy
from validation.errors import CriterionError

TRAINED_TO = date(2023, 1, 1)


@dataclass(frozen=True)
class ByHand:
    """A model whose chance of a case is its column "told"."""

    trained_to: date = TRAINED_TO
    version: str = "4"

    def chances(self, matrix: pl.DataFrame) -> pl.Series:
        return matrix["told"].alias("chance")


def draw(rows: int = 600, seed: int = 6) -> pl.DataFrame:
    """Half of the rows up to the last date of training, half later; families "old" are in both, families "new" later only."""
    rng = np.random.default_rng(seed)
    late = np.arange(rows) % 2 == 1
    dates = [TRAINED_TO + timedelta(28 * (1 + at % 5) if is_late else -28 * (at % 4)) for at, is_late in enumerate(late)]
    new = late & (rng.random(rows) < 0.6)
    family = pl.Series([f"{'new' if is_new else 'old'} {at // 2 % 60}" for at, is_new in enumerate(new)])
    told = rng.uniform(0.05, 0.95, rows)
    return pl.DataFrame(
        {
            "as_of": dates,
            "person_id": [f"child {at}" for at in range(rows)],
            "referral_id": [f"case {at}" for at in range(rows)],
            "family_id": family,
            "group_id": family,
            "outcome": rng.random(rows) < told,
            "told": told,
        }
    )


def found(frame: pl.DataFrame, **model: Any) -> dict[str, Any]:
    return evaluate_later(ByHand(**model), frame, capacity=2, seed=3)  # type: ignore[arg-type]


def by_hand(rows: pl.DataFrame) -> dict[str, Any]:
    scored = rows.select(KEYS).with_columns(score=rows["told"], chance=rows["told"]).sort("as_of", "person_id", "referral_id")
    told: dict[str, Any] = tidy(measure(scored, 2, 3, TRAINED_TO))
    return told


FRAME = draw()
LATER = FRAME.filter(pl.col("as_of") > TRAINED_TO)
NEW = LATER.filter(pl.col("family_id").str.starts_with("new"))


def test_figures_are_those_of_every_evaluation_on_the_later_rows() -> None:
    told = found(FRAME)
    assert told["all"] == by_hand(LATER)
    assert told["all"]["rows"] == LATER.height == 300
    assert (told["version"], told["trained_to"]) == ("4", "2023-01-01")


def test_new_families_are_those_that_no_training_date_had() -> None:
    told = found(FRAME)
    assert 0 < NEW.height < LATER.height
    assert told["new_families"] == by_hand(NEW)


def test_a_family_is_known_by_its_group_and_not_by_its_name() -> None:
    renamed = FRAME.with_columns(family_id=pl.lit("same name"))
    assert found(renamed)["new_families"]["rows"] == NEW.height


def test_the_last_date_of_training_is_not_later() -> None:
    at_last = FRAME.filter(pl.col("as_of") == TRAINED_TO)
    assert at_last.height
    assert found(FRAME.filter(pl.col("as_of") >= TRAINED_TO))["all"]["rows"] == LATER.height


def test_what_happened_before_changes_no_figure() -> None:
    earlier = pl.col("as_of") <= TRAINED_TO
    spoilt = FRAME.with_columns(
        outcome=pl.when(earlier).then(~pl.col("outcome")).otherwise("outcome"),
        told=pl.when(earlier).then(1 - pl.col("told")).otherwise("told"),
    )
    assert found(spoilt) == found(FRAME)


def test_the_order_of_rows_changes_no_figure() -> None:
    assert found(FRAME.sample(fraction=1.0, shuffle=True, seed=2)) == found(FRAME)


@pytest.mark.parametrize("kind", [True, False])
def test_one_outcome_of_a_kind_too_few_is_refused_with_its_numbers(kind: bool) -> None:
    of_kind = pl.col("outcome") == kind
    others = LATER.filter(~of_kind)
    just_enough = pl.concat([others, LATER.filter(of_kind).head(LEAST_OUTCOMES)])
    assert found(just_enough)["all"]["rows"] == others.height + LEAST_OUTCOMES
    too_few = pl.concat([others, LATER.filter(of_kind).head(LEAST_OUTCOMES - 1)])
    with pytest.raises(CriterionError, match=f"Version 4 was trained up to 2023-01-01. Since then {too_few.height} outcomes"):
        found(too_few)


def test_without_any_later_row_it_is_refused() -> None:
    with pytest.raises(CriterionError, match="Since then 0 outcomes are complete, 0 of them returns; needed are at least 25"):
        found(FRAME, trained_to=date(2026, 1, 1))


def test_too_few_new_families_leave_that_part_empty_and_the_other_whole() -> None:
    known = FRAME.with_columns(group_id=pl.lit("one family"))
    told = found(known.with_columns(family_id=FRAME["family_id"]))
    assert told["new_families"] is None
    assert told["all"]["rows"] == LATER.height
