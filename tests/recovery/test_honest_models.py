"""Three large invented authorities, whose true chances given everything on record are known: is the model as good as it says?

Trained on two thirds of an authority's families, tested on the others at dates more than a year later. Run by `make proofs`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from scipy.special import logit

from features.catalogue import BY_NAME
from features.definition import Direction
from features.outcomes import NEW_REFERRAL
from flows import nightly
from flows.night import open_night
from flows.record import RunRecord
from flows.request import Request
from flows.synthesis import synthesise
from flows.training import build_training_data
from flows.workspace import Workspace
from models.bootstrap import bootstrap, find_interval
from models.candidate import Effort
from models.fitting import fit_candidate
from models.metrics import chance_quality, find_line_interval, rank_quality
from models.splits import RECORDING_DAYS, deal_families
from models.training import describe_model
from validation.extract import Origin

pytestmark = pytest.mark.proof

END = date(2026, 3, 31)
SEEDS = (11, 12, 13)
RESIDENTS, YEARS, DATES = 200_000, 10, 3
EFFORT = Effort(bags=8)
TENTHS = 10
LEAST_IMPORTANCE = 0.02  # smaller terms are corrections of larger ones, and two of the smallest go against the truth

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Proof:
    """Test rows with ``outcome``, ``truth``, ``chance``, ``low``, ``high``; and the slopes of :func:`find_slopes`."""

    rows: pl.DataFrame
    slopes: dict[str, float]


def prove(frame: pl.DataFrame, truth: pl.DataFrame, seed: int) -> Proof:
    """Train on two thirds of the families and score the others on the dates of ``truth``."""
    features = [BY_NAME[name] for name in frame.columns if name in BY_NAME]
    known = truth.filter(pl.col("outcome").is_not_null()).select("as_of", "referral_id", truth="chance_on_record")
    first = known["as_of"].min()
    dealt = frame.with_columns(part=pl.Series(deal_families(frame["group_id"], 3, 1)))
    until = first - timedelta(days=NEW_REFERRAL.days_to_maturity + RECORDING_DAYS)
    train = dealt.filter(pl.col("part") != 0, pl.col("as_of") <= until)
    test = dealt.filter(pl.col("part") == 0).join(known, on=["as_of", "referral_id"], maintain_order="left")
    fitted = fit_candidate("glass_box", train, features, 1, EFFORT)
    model = describe_model(fitted, train, outcome=NEW_REFERRAL, origin=Origin.INVENTED, tables={}, freshness={}, inputs={})
    rows = test.select("outcome", "truth", group_id=pl.format(f"{seed} {{}}", "group_id"), chance=model.chances(test))
    return Proof(rows.hstack(model.ranges(test)), find_slopes(model.contributions(test), model.importances, rows["truth"]))


def find_slopes(contributions: pl.DataFrame, importances: dict[str, float], truth: pl.Series) -> dict[str, float]:
    """By how much the true log-odds rise with the contribution of each important directed feature: below 0 its sign is wrong.

    One feature at a time: many tell nearly the same (contacts by window), and held still, the others would take its part.
    """
    true = log_odds(truth.to_numpy())
    return {
        name: float(np.polyfit(contributions[name].to_numpy(), true, 1)[0])
        for name, importance in importances.items()
        if importance >= LEAST_IMPORTANCE and BY_NAME[name].direction is not Direction.EITHER
    }


def log_odds(chance: Floats) -> Floats:
    """Log-odds of shares of 200 lives, which may be none or all."""
    return np.asarray(logit(np.clip(chance, 0.002, 0.998)), dtype=np.float64)


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> list[Proof]:
    found = []
    for seed in SEEDS:
        place = tmp_path_factory.mktemp(f"authority-{seed}")
        extract, truth = place / "extract", place / "truth"
        synthesise(Request(END, extract, residents=RESIDENTS, years=YEARS, seed=seed, truth=truth, truth_dates=DATES))
        take_in(extract, place / "workspace")
        frame = build_training_data(Workspace(place / "workspace"), NEW_REFERRAL.name).frame
        found.append(prove(frame, pl.read_parquet(truth / "chances.parquet"), seed))
    return found


def take_in(source: Path, workspace: Path) -> None:
    """Through the night's own door, without a Prefect server: the tasks' functions."""
    record = RunRecord()
    with open_night(nightly.pull.fn(str(source), record), workspace, None, False, None, record) as night:
        nightly.archive.fn(night, nightly.check.fn(night))


@pytest.fixture(scope="module")
def rows(proofs: list[Proof]) -> pl.DataFrame:
    return pl.concat([proof.rows for proof in proofs])


def test_ranking_is_within_a_hundredth_of_the_best_there_can_be(proofs: list[Proof]) -> None:
    """The difference in AUC, authority by authority on the same rows, pooled by rows; families are drawn again over all."""
    ends = np.cumsum([0, *(proof.rows.height for proof in proofs)])
    shares = np.diff(ends) / ends[-1]

    def difference(weights: Floats | None = None) -> Floats:
        areas = []
        for at, proof in enumerate(proofs):
            drawn = None if weights is None else weights[:, ends[at] : ends[at + 1]]
            outcome = proof.rows["outcome"].to_numpy()
            ours, best = (rank_quality(outcome, proof.rows[name].to_numpy(), drawn)[0] for name in ("chance", "truth"))
            areas.append(ours - best)
        return (shares @ np.array(areas))[:, None]

    drawn = bootstrap(pl.concat([proof.rows["group_id"] for proof in proofs]), difference, seed=1)
    low, high = find_interval(drawn[:, 0])
    print(f"AUC less that of the true chances on record: {difference()[0, 0]:+.4f} ({low:+.4f} to {high:+.4f})")
    assert difference()[0, 0] >= -0.01


def test_calibration_slope_and_intercept_cover_one_and_zero(rows: pl.DataFrame) -> None:
    line = find_line_interval(rows["outcome"].to_numpy(), rows["chance"].to_numpy(), rows["group_id"])
    print(line)
    assert line["calibration_slope_low"] <= 1 <= line["calibration_slope_high"]
    assert line["calibration_intercept_low"] <= 0 <= line["calibration_intercept_high"]


def test_calibration_error_is_what_true_chances_themselves_score(rows: pl.DataFrame) -> None:
    outcome = rows["outcome"].to_numpy()
    by_truth = bootstrap(
        rows["group_id"], lambda weights: chance_quality(outcome, rows["truth"].to_numpy(), weights)[:, 3:], seed=1
    )
    error = chance_quality(outcome, rows["chance"].to_numpy())[0, 3]
    print(f"calibration error {error:.4f}; true chances score up to {np.quantile(by_truth, 0.95):.4f}")
    assert error <= np.quantile(by_truth, 0.95)


def test_the_range_holds_the_true_chance_in_nine_of_ten_cases_in_each_tenth(rows: pl.DataFrame) -> None:
    inside = (pl.col("low") <= pl.col("truth")) & (pl.col("truth") <= pl.col("high"))
    tenth = (pl.col("chance").rank("ordinal") - 1) * TENTHS // pl.len()
    covered = rows.select(tenth=tenth, inside=inside).group_by("tenth").agg(pl.col("inside").mean()).sort("tenth")["inside"]
    print("covered by tenth:", [round(share, 3) for share in covered])
    assert covered.len() == TENTHS
    assert covered.is_between(0.85, 0.95).all()


def test_directed_terms_have_the_true_sign(proofs: list[Proof]) -> None:
    for proof in proofs:
        print({name: round(slope, 2) for name, slope in proof.slopes.items()})
        assert proof.slopes
        assert min(proof.slopes.values()) > 0
