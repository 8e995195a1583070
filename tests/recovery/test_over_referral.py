"""A group that is referred more readily at the same need: groups compared on records alone show it, its stage and its size."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.outcomes import NEW_REFERRAL
from flows.request import Request
from flows.synthesis import synthesise
from flows.training import build_training_data
from flows.workspace import Workspace
from models.evaluation import ROW
from models.fairness import IN_NEED, Verdict, measure_fairness
from tests.recovery.test_honest_models import take_in
from validation.synthetic.habits import CLEAN
from validation.synthetic.plants import Plants, plants

pytestmark = pytest.mark.proof

END, RESIDENTS, YEARS, SEED = date(2026, 3, 31), 60_000, 8, 31


def compare(place: Path, planted: Plants, truth: Path | None = None) -> pl.DataFrame:
    """Groups of an invented authority, compared on every date with a complete outcome; no model is needed for it."""
    asked: dict[str, Any] = {"profile": "england", "residents": RESIDENTS, "years": YEARS, "seed": SEED, "habits": CLEAN}
    synthesise(Request(END, place / "extract", plants=planted, truth=truth, truth_dates=6, copies=60, **asked))
    take_in(place / "extract", place / "workspace")
    data = build_training_data(Workspace(place / "workspace"), NEW_REFERRAL.name)
    rows = data.frame.with_columns(chance=pl.col("outcome").mean())
    groups = data.groups.select(*ROW, "sex", "ethnicity").join(data.frame.select(*ROW, IN_NEED), on=ROW)
    return measure_fairness([rows], groups, {"20 families": 20}, 1)


def cell(found: pl.DataFrame, metric: str) -> dict[str, Any]:
    return found.filter(metric=metric, group="ethnicity", value="White").row(0, named=True)


def test_a_group_that_is_referred_more_readily_shows_it_in_returns_without_need(tmp_path: Path) -> None:
    found = compare(tmp_path, plants(["over-referral=white:1.6"]), truth=tmp_path / "truth")
    chances = pl.read_parquet(tmp_path / "truth" / "chances.parquet").filter("group")
    size = chances.select(pl.col("chance") - pl.col("chance_untilted")).mean().item()
    without, in_need = (cell(found, name) for name in ("returns_without_need", "returns_in_need"))
    print(f"planted {size:.3f}; without need {without['gap']:+.3f} ({without['gap_low']:+.3f} to {without['gap_high']:+.3f}), "
          f"in need {in_need['gap']:+.3f} ({in_need['gap_low']:+.3f} to {in_need['gap_high']:+.3f})")  # fmt: skip
    assert without["verdict"] == Verdict.GAP
    assert without["gap_low"] <= size <= without["gap_high"]
    assert in_need["gap_low"] <= 0 <= in_need["gap_high"]


def test_where_nothing_is_planted_no_group_is_said_to_be_referred_more_readily(tmp_path: Path) -> None:
    found = compare(tmp_path, Plants())
    assert Verdict.GAP not in found.filter(metric="returns_without_need")["verdict"]
