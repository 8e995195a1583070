"""How well features tell a group: a planted proxy is found, and where there is none, none is claimed."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from models.proxies import ALL, LEAST, Telling, find_proxies, measure_auc

FEATURES = ["noisy_group", *(f"noise_{at}" for at in range(5))]


def invent(seed: int, families: int = 1_500, apart: float = 0.0, share: float = 0.3) -> pl.DataFrame:
    """Families of which a ``share`` are from the south; one feature lies ``apart`` higher for them, in standard deviations."""
    rng = np.random.default_rng(seed)
    south = rng.random(families) < share
    columns = {name: rng.normal(size=families) for name in FEATURES}
    columns["noisy_group"] = columns["noisy_group"] + apart * south
    one = pl.DataFrame(
        {
            "as_of": [date(2025, 1, 6)] * families,
            "person_id": [f"child {at}" for at in range(families)],
            "referral_id": [f"referral {at}" for at in range(families)],
            "family_id": [f"family {at}" for at in range(families)],
            "group_id": [f"family {at}" for at in range(families)],
            "people": np.where(south, "south", "north"),
            **columns,
        }
    )
    return pl.concat([one, one.with_columns(as_of=pl.lit(date(2025, 2, 3)))])


def south(found: pl.DataFrame, feature: str = ALL) -> dict[str, object]:
    return found.filter(value="south", feature=feature).row(0, named=True)


@pytest.fixture(scope="module")
def planted() -> pl.DataFrame:
    return find_proxies(invent(1, apart=1.0), FEATURES, ["people"], 1)


def test_a_planted_proxy_is_named_first_with_the_auc_that_its_noise_gives(planted: pl.DataFrame) -> None:
    singly = planted.filter(pl.col("feature") != ALL, value="south")
    assert singly["feature"][0] == "noisy_group"
    truth = float(norm.cdf(1 / np.sqrt(2)))  # of two normal distributions one standard deviation apart
    first = south(planted, "noisy_group")
    assert first["low"] < truth < first["high"]  # type: ignore[operator]
    assert first["verdict"] == Telling.TELLS
    assert south(planted)["verdict"] == Telling.TELLS
    assert abs(south(planted)["auc"] - truth) < 0.04  # type: ignore[operator]


def test_a_feature_that_a_group_has_less_of_tells_it_too() -> None:
    found = find_proxies(invent(2, apart=-1.0), FEATURES, ["people"], 1)
    first = south(found, "noisy_group")
    assert first["auc"] < 0.3  # type: ignore[operator]
    assert first["verdict"] == Telling.TELLS


def test_other_features_are_not_called_proxies(planted: pl.DataFrame) -> None:
    others = planted.filter(pl.col("feature").str.starts_with("noise"))
    assert Telling.TELLS.value not in others["verdict"]


def test_where_features_know_nothing_of_a_group_the_interval_holds_a_half_in_about_95_of_100() -> None:
    held = sum(
        line["low"] <= 0.5 <= line["high"]  # type: ignore[operator]
        for line in (south(find_proxies(invent(seed, families=400), FEATURES, ["people"], seed)) for seed in range(60))
    )
    assert held >= 60 * 0.95 - norm.ppf(0.999) * np.sqrt(60 * 0.95 * 0.05)


def test_of_a_group_of_few_families_nothing_is_said() -> None:
    rows = invent(3, apart=3.0)
    few = rows["family_id"].unique(maintain_order=True)[: LEAST - 1]
    people = pl.when(pl.col("family_id").is_in(few.implode())).then(pl.lit("islands")).otherwise("people")
    found = find_proxies(rows.with_columns(people=people), FEATURES, ["people"], 1).filter(value="islands")
    assert found["verdict"].to_list() == [Telling.TOO_FEW]
    assert found["auc"].to_list() == [None]


def test_a_family_counts_once_however_many_rows_it_has(planted: pl.DataFrame) -> None:
    assert planted.filter(feature=ALL)["families"].sum() == 1_500


def test_no_more_families_are_looked_at_than_told_and_always_the_same() -> None:
    one, other = (find_proxies(invent(1), FEATURES, ["people"], 1, most=500) for _ in range(2))
    assert one.filter(feature=ALL)["families"].sum() == 500
    assert one.equals(other)


def test_rows_of_no_group_are_left_out() -> None:
    rows = invent(1).with_columns(people=pl.when(pl.col("noise_0") > 0).then("people"))
    found = find_proxies(rows, FEATURES, ["people"], 1).filter(feature=ALL)
    assert found["families"].sum() == rows.filter(pl.col("noise_0") > 0)["family_id"].n_unique()


def test_the_auc_is_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    member, score = rng.random(200) < 0.3, np.round(rng.normal(size=200), 1)
    from scipy.stats import rankdata

    assert measure_auc(rankdata(score)[:, None], member)[0] == pytest.approx(roc_auc_score(member, score))
