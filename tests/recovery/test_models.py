"""A world whose truth is known: training finds it, says how well it did, and never claims more."""

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit

from features.definition import Direction, Family, Feature
from features.outcomes import NEW_REFERRAL
from features.streams import CONTACTS
from models.candidate import QUICK, Effort
from models.candidates import CANDIDATES, HUMBLE
from models.criteria import judge, read_criteria, shipped_criteria
from models.evaluation import measure, score_split
from models.fitting import fit_candidate
from models.metrics import rank_quality
from models.splits import forward_splits
from models.training import Trained, describe_model, train
from validation.errors import ContractError, CriterionError, ModelError
from validation.extract import Origin

LAST = date(2025, 10, 1)
DATES = [LAST - timedelta(days=28 * back) for back in reversed(range(42))]
EFFECTS = {  # what one more of each adds to the log-odds
    "referrals_in_last_730_days": 0.6,
    "days_since_last_earlier_referral": -0.002,
    "contacts": 0.3,
    "early_help": -0.5,
    "hump": 0.0,  # no slope: middle values add 1.2
    "noise": 0.0,
}
DIRECTIONS = [
    Direction.HIGHER,
    Direction.LOWER,
    Direction.HIGHER,
    Direction.EITHER,
    Direction.EITHER,
    Direction.EITHER,
]
CRITERIA = read_criteria(shipped_criteria())
FEATURES = [
    Feature(
        name, Family.CONTACTS, f"An invented feature called {name}.", CONTACTS.count(), direction, f"{{value}} {name}",
        "Empty: none.",
    )
    for name, direction in zip(EFFECTS, DIRECTIONS, strict=True)
]  # fmt: skip


def simulate(people: int = 3_000, seed: int = 7) -> pl.DataFrame:
    """A training frame with the true ``chance`` beside it: open cases on a 28-day grid, two children a family.

    A child's features hold still while its case is open, and so does its outcome: rows of a child look alike.
    """
    rng = np.random.default_rng(seed)
    family = rng.integers(0, people // 2, people)
    referrals = rng.poisson(0.8, people)
    days = np.where(referrals > 0, rng.integers(1, 730, people), np.nan)
    columns = {
        "referrals_in_last_730_days": referrals.astype(float),
        "days_since_last_earlier_referral": days,
        "contacts": rng.poisson(1.5, people).astype(float),
        "early_help": (rng.random(people) < 0.4).astype(float),
        "hump": rng.normal(size=people),
        "noise": rng.normal(size=people),
    }
    filled = {name: np.nan_to_num(values, nan=730.0) for name, values in columns.items()}
    log_odds = -1.5 + sum(effect * filled[name] for name, effect in EFFECTS.items())
    chance = expit(log_odds + 1.2 * (np.abs(filled["hump"]) < 0.6))
    child = pl.DataFrame(
        {"child": range(people), "family": family, "chance": chance, "outcome": rng.random(people) < chance}
        | {name: values.astype(np.float32) for name, values in columns.items()}
        | {"first": rng.integers(-4, len(DATES), people), "length": rng.geometric(0.25, people)}
    ).with_columns(pl.col("days_since_last_earlier_referral").fill_nan(None))
    grid = pl.DataFrame({"as_of": DATES, "place": range(len(DATES))})
    code = pl.col("child").cast(pl.String).str.zfill(6)
    household = pl.col("family").cast(pl.String).str.zfill(6)
    return (
        child.join(grid, how="cross")
        .filter(pl.col("place").is_between("first", pl.col("first") + pl.col("length")))
        .select(
            "as_of",
            person_id="p" + code,
            referral_id="r" + code,
            family_id="f" + household,
            group_id="f" + household,
            outcome="outcome",
            chance="chance",
            **{name: pl.col(name) for name in EFFECTS},
        )
        .sort("as_of", "person_id")
    )


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return simulate()


@pytest.fixture(scope="module")
def trained(frame: pl.DataFrame) -> Trained:
    return learn(frame.drop("chance"))


def learn(frame: pl.DataFrame, seed: int = 1) -> Trained:
    return train(
        frame,
        FEATURES,
        outcome=NEW_REFERRAL,
        origin=Origin.INVENTED,
        tables={"ssd_cin_episodes": ("cine_person_id", "cine_referral_date")},
        capacity=5,
        seed=seed,
        criteria=CRITERIA,
        groups=frame.select("as_of", "person_id", "referral_id", half=(pl.col("family_id").str.tail(1) < "5").cast(pl.String)),
        quick=True,
        effort=QUICK,
    )


def row(trained: Trained, candidate: str) -> dict[str, object]:
    (found,) = [row for row in trained.evaluation if row["candidate"] == candidate]
    return found


def test_the_glass_box_ranks_almost_as_well_as_the_truth(trained: Trained, frame: pl.DataFrame) -> None:
    (split,) = trained.splits
    test = frame.filter(pl.col("as_of") >= split.test_from)
    best = rank_quality(test["outcome"].to_numpy(), test["chance"].to_numpy())[0][0]
    found = row(trained, "glass_box")
    assert best - 0.05 < found["auc"] <= best + 0.02
    assert found["auc_low"] < found["auc"] < found["auc_high"]
    assert found["auc"] > row(trained, "earlier_referrals")["auc"] + 0.03


def test_chances_are_close_to_the_truth_for_children_it_has_never_seen(trained: Trained) -> None:
    fresh = simulate(seed=8)
    chances = trained.model.chances(fresh).to_numpy()
    truth = fresh["chance"].to_numpy()
    assert np.corrcoef(chances, truth)[0, 1] > 0.9
    assert np.abs(chances - truth).mean() < 0.07
    assert chances.mean() == pytest.approx(truth.mean(), abs=0.03)


def test_contributions_are_exact_and_find_what_matters(trained: Trained, frame: pl.DataFrame) -> None:
    model = trained.model
    parts = model.contributions(frame)
    assert parts.columns == list(EFFECTS)
    total = model.base_log_odds + parts.to_numpy().sum(axis=1)
    assert np.abs(total - logit(model.chances(frame).to_numpy())).max() < 1e-9
    assert np.abs(parts.to_numpy().mean(axis=0)).max() < 1e-9  # relative to the training average
    assert model.base_chance == pytest.approx(expit(model.base_log_odds))
    size = parts.select(pl.all().abs().mean()).row(0, named=True)
    assert min(size, key=lambda name: size[name]) == "noise"
    assert size["noise"] < 0.3 * size["hump"]
    early_help = parts["early_help"].to_numpy()[frame["early_help"].to_numpy() == 1]
    assert (early_help < 0).all()


def test_contributions_are_exact_with_pairs_too(frame: pl.DataFrame) -> None:
    """A pair's term is split equally between its two features."""
    effort = Effort(bags=2, rounds=100, pairs=2)
    fitted = fit_candidate("glass_box", frame, FEATURES, 1, effort)
    assert any(len(term) == 2 for term in fitted.candidate.estimator.term_features_)
    model = describe_model(fitted, frame, outcome=NEW_REFERRAL, origin=Origin.INVENTED, tables={}, freshness={}, inputs={})
    total = model.base_log_odds + model.contributions(frame).to_numpy().sum(axis=1)
    assert np.abs(total - logit(model.chances(frame).to_numpy())).max() < 1e-9
    scored = fitted.score(frame)["chance"].to_numpy()
    assert np.abs(model.chances(frame).to_numpy() - scored).max() < 1e-9  # the same as scikit-learn's interface says


def test_a_matrix_that_lacks_features_is_refused_by_name(trained: Trained, frame: pl.DataFrame) -> None:
    with pytest.raises(ModelError, match=r"needs 6 features, of which the matrix lacks 2: contacts, hump\."):
        trained.model.chances(frame.drop("contacts", "hump"))


def test_the_evaluation_is_complete_plain_and_of_the_right_rows(trained: Trained, frame: pl.DataFrame) -> None:
    (split,) = trained.splits
    assert [row["candidate"] for row in trained.evaluation] == list(CANDIDATES)
    assert json.loads(json.dumps(trained.evaluation, allow_nan=False)) == trained.evaluation
    test = frame.filter(pl.col("as_of") >= split.test_from)
    for found in trained.evaluation:
        assert (found["rows"], found["families"]) == (test.height, test["family_id"].n_unique())
        assert found["base_rate"] == pytest.approx(test["outcome"].mean())
        assert found["test_from"] == split.test_from.isoformat()
        assert found["train_rows"] == frame.filter(pl.col("as_of") <= split.train_to).height
        assert found["offers"] == 52 * 5
        assert found["precision_worst_at_5_percent"] <= found["precision_at_5_percent"]
        assert found["precision_at_5_percent"] <= found["precision_best_at_5_percent"]
        assert [month["as_of"] for month in found["by_month"]] == [day.isoformat() for day in DATES[-13:]]
        assert sum(month["rows"] for month in found["by_month"]) == found["rows"]
    base = row(trained, "base_rate")
    assert base["auc"] == 0.5
    assert base["calibration_slope"] is None
    assert base["precision_at_5_percent"] == pytest.approx(base["base_rate"], abs=1e-3)


def test_nothing_that_a_training_keeps_names_a_child(trained: Trained, frame: pl.DataFrame) -> None:
    kept = json.dumps(trained.evaluation) + repr(trained.findings) + repr(trained.model.tables)
    assert not any(person in kept for person in frame["person_id"].unique())
    assert not any(family in kept for family in frame["family_id"].unique())


def test_groups_are_compared_on_the_test_rows(trained: Trained) -> None:
    assert trained.fairness is not None
    told = trained.fairness.filter(metric="came_back", group="half")
    assert told["rows"].sum() == row(trained, "glass_box")["rows"]
    assert set(trained.fairness["size"]) == {"", "20 families", "10 in 100 families", "20 in 100 families"}


def test_the_gain_over_the_best_humble_ranker_is_judged_by_its_lower_bound(trained: Trained) -> None:
    gain, *others = trained.findings
    best = max(HUMBLE, key=lambda name: row(trained, name)["average_precision"])
    assert all(finding.met for finding in others), others
    assert trained.appraisal["best_humble"] == best
    assert best.replace("_", " ") in gain.words
    pooled = next(found for found in trained.appraisal["comparisons"] if found["candidate"] == best)
    assert pooled["difference"] > 0.02
    assert (gain.value, gain.met) == (pooled["low"], pooled["low"] > 0)
    easier = read_criteria(shipped_criteria().replace("least_lower_bound = 0.0", "least_lower_bound = -0.1"))
    assert judge(trained.appraisal, "glass_box", easier)[0].met


def test_training_again_gives_the_same_and_the_order_of_rows_does_not_matter(trained: Trained, frame: pl.DataFrame) -> None:
    again = learn(frame.drop("chance").reverse())
    assert again.evaluation == trained.evaluation
    assert again.model.chances(frame).equals(trained.model.chances(frame))


def test_outcomes_drawn_without_regard_to_features_are_not_learnt(frame: pl.DataFrame) -> None:
    coins = frame.select("person_id").unique(maintain_order=True)
    tossed = coins.with_columns(pl.Series("outcome", np.random.default_rng(5).random(coins.height) < 0.3))
    blind = frame.drop("outcome").join(tossed, on="person_id", how="left", maintain_order="left")
    (split,) = forward_splits(DATES, 365)
    scored = score_split(blind, FEATURES, split, "glass_box", 1, effort=QUICK, folds=2)
    found = measure(scored, capacity=5, seed=1, trained_to=split.train_to)
    assert found["auc_low"] < 0.5 < found["auc_high"]
    assert abs(found["brier_skill"]) < 0.03


def test_a_feature_that_names_the_family_tells_nothing() -> None:
    """Each family has one outcome at all dates. Whoever trains on a family's past knows its future; we do not."""
    rng = np.random.default_rng(4)
    family = pl.DataFrame({"family": range(160), "outcome": rng.random(160) < 0.4})
    name = pl.col("family").cast(pl.String).str.zfill(3)
    keys = dict.fromkeys(("person_id", "referral_id", "family_id", "group_id"), name)
    others = {other: pl.lit(0.0, pl.Float32) for other in EFFECTS if other != "noise"}
    frame = family.join(pl.DataFrame({"as_of": DATES}), how="cross").select(
        "as_of", "outcome", noise=pl.col("family").cast(pl.Float32), **keys, **others
    )
    (split,) = forward_splits(DATES, 365)
    apart = score_split(frame, FEATURES, split, "unrestricted_boosting", 1, effort=QUICK, folds=2)
    train_side = frame.filter(pl.col("as_of") <= split.train_to)
    boosted = CANDIDATES["unrestricted_boosting"](FEATURES, 1, QUICK)
    boosted.fit(train_side, train_side["outcome"].to_numpy(), train_side["person_id"])
    test = frame.filter(pl.col("as_of") >= split.test_from)
    leaking = rank_quality(test["outcome"].to_numpy(), boosted.scores(test))[0][0]
    assert leaking > 0.7
    found = measure(apart, capacity=1, seed=1, trained_to=split.train_to)
    assert found["auc_low"] < 0.5 < found["auc_high"]


def test_too_few_outcomes_are_refused_with_their_numbers(frame: pl.DataFrame) -> None:
    yes = frame.filter("outcome")
    few = pl.concat([frame.filter(~pl.col("outcome")), yes.head(60)]).drop("chance")
    with pytest.raises(CriterionError, match=r"60 yes and \d+ no on 42 dates; needed are at least 100 of each on 12"):
        learn(few)
    always = frame.drop("chance").with_columns(outcome=pl.col("outcome") | (pl.col("as_of") < DATES[20]))
    with pytest.raises(CriterionError, match=r"latest split: \d+ yes and 0 no to train on and \d+ yes"):
        learn(always)


def test_a_frame_of_another_shape_is_refused(frame: pl.DataFrame) -> None:
    with pytest.raises(ContractError, match="lacks 2 columns: group_id, hump"):
        learn(frame.drop("group_id", "hump"))
    with pytest.raises(ContractError, match="empty values in outcome"):
        learn(frame.with_columns(pl.when(pl.col("contacts") > 1).then("outcome").alias("outcome")))
