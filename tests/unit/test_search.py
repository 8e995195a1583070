"""The search for settings: the highest average precision wins, the plainest of equals, and no other year is looked at."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.definition import Direction
from models import search as searching
from models.benchmark import Column
from models.candidate import Effort
from models.search import BAGS, SETTINGS, search
from models.splits import Split

EFFORT = Effort(bags=16, rounds=7)
SPLIT = Split(date(2020, 1, 1), date(2020, 6, 17), date(2022, 1, 1), date(2022, 6, 18))
LARGER_STEPS, PAIRS = {"shrinkage": 10.0}, {"pairs": 5}


class Scored:
    """Stands in for ``score_split``: the only return of the year stands at the place that is given for a setting, or last."""

    def __init__(self, places: dict[tuple[str, str], int]) -> None:
        self.places, self.calls = places, []  # type: ignore[var-annotated]

    def __call__(self, frame: Any, features: Any, split: Any, candidate: str, seed: int, *, effort: Effort) -> pl.DataFrame:
        self.calls.append((frame, features, split, candidate, seed, effort))
        changed = {name: value for setting in SETTINGS[candidate] for name, value in setting.items()}
        plain = vars(EFFORT)
        setting = {name: vars(effort)[name] for name in changed if vars(effort)[name] != plain[name]}
        place = self.places.get((candidate, str(setting)), 10)
        return pl.DataFrame({"score": [-float(at) for at in range(1, 11)], "outcome": [at == place for at in range(1, 11)]})


def searched(monkeypatch: pytest.MonkeyPatch, **places: Any) -> tuple[Scored, Effort, list[dict[str, Any]]]:
    scored = Scored({(name, str(setting)): place for name, told in places.items() for setting, place in told})
    monkeypatch.setattr(searching, "score_split", scored)
    chosen, tried = search(pl.DataFrame({"as_of": [SPLIT.test_from]}), (), SPLIT, 3, EFFORT)
    return scored, chosen, tried


def test_the_setting_with_the_highest_average_precision_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    _, chosen, _ = searched(monkeypatch, glass_box=[({}, 4), (LARGER_STEPS, 3), (PAIRS, 2), (LARGER_STEPS | PAIRS, 5)])
    assert chosen == replace(EFFORT, pairs=5)


def test_each_learner_has_its_own_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    _, chosen, _ = searched(
        monkeypatch,
        spline_logistic=[({"spline_shrinkage": 0.003}, 1)],
        glass_box=[(LARGER_STEPS | PAIRS, 1)],
        unrestricted_boosting=[({"leaves": 7}, 1)],
    )
    assert chosen == replace(EFFORT, spline_shrinkage=0.003, shrinkage=10.0, pairs=5, leaves=7)


def test_of_equals_the_first_is_chosen_and_the_first_is_the_plainest(monkeypatch: pytest.MonkeyPatch) -> None:
    _, chosen, _ = searched(monkeypatch)
    assert chosen == EFFORT
    for settings in SETTINGS.values():
        assert replace(Effort(), **settings[0]) == Effort()
    assert [len(setting) for setting in SETTINGS["glass_box"]] == [0, 1, 1, 2]


def test_of_equals_that_beat_the_first_the_plainer_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    _, chosen, _ = searched(monkeypatch, glass_box=[({}, 3), (LARGER_STEPS, 2), (PAIRS, 2), (LARGER_STEPS | PAIRS, 2)])
    assert chosen == replace(EFFORT, shrinkage=10.0)


def test_everything_that_was_tried_is_listed_with_what_it_came_to(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, tried = searched(monkeypatch, glass_box=[({}, 4), (PAIRS, 2)])
    assert [(row["candidate"], row["setting"]) for row in tried] == [
        (candidate, setting) for candidate, settings in SETTINGS.items() for setting in settings
    ]
    found = {str(row["setting"]): row["average_precision"] for row in tried if row["candidate"] == "glass_box"}
    assert found == {
        str({}): pytest.approx(1 / 4),
        str(LARGER_STEPS): pytest.approx(1 / 10),
        str(PAIRS): pytest.approx(1 / 2),
        str(LARGER_STEPS | PAIRS): pytest.approx(1 / 10),
    }


def test_every_setting_is_measured_on_the_split_that_was_given_with_few_bags(monkeypatch: pytest.MonkeyPatch) -> None:
    scored, chosen, _ = searched(monkeypatch)
    assert {call[2] for call in scored.calls} == {SPLIT}
    assert {call[4] for call in scored.calls} == {3}
    assert {(call[5].bags, call[5].rounds) for call in scored.calls} == {(BAGS, EFFORT.rounds)}
    assert chosen.bags == EFFORT.bags  # the cap is for the search alone


def test_fewer_bags_than_the_cap_stay_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    scored = Scored({})
    monkeypatch.setattr(searching, "score_split", scored)
    search(pl.DataFrame({"as_of": [SPLIT.test_from]}), (), SPLIT, 3, replace(EFFORT, bags=2))
    assert {call[5].bags for call in scored.calls} == {2}


def draw() -> pl.DataFrame:
    """Three years of dates, 28 days apart, with 20 families on each; "pull" raises the chance."""
    rng = np.random.default_rng(8)
    days = [SPLIT.train_from + timedelta(28 * at) for at in range(45)]
    pull, rows = rng.normal(size=900), 900
    family = pl.Series([f"family {at}" for at in rng.integers(0, 250, rows)])
    return pl.DataFrame(
        {
            "as_of": pl.Series([day for day in days for _ in range(20)]),
            "person_id": [f"child {at}" for at in range(rows)],
            "referral_id": [f"referral {at}" for at in range(rows)],
            "family_id": family,
            "group_id": family,
            "outcome": rng.random(rows) < 1 / (1 + np.exp(1 - 2 * pull)),
            "pull": pull,
        }
    )


def test_a_real_search_chooses_its_own_best_and_never_sees_a_later_year(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        searching, "SETTINGS", {"spline_logistic": ({}, {"spline_shrinkage": 10.0}), "glass_box": ({}, {"shrinkage": 0.0})}
    )
    frame, effort = draw(), Effort(bags=1, rounds=20)
    features = [Column("pull", Direction.EITHER)]
    chosen, tried = search(frame, features, SPLIT, 1, effort)
    best = {
        name: max((row for row in tried if row["candidate"] == name), key=lambda row: row["average_precision"])["setting"]
        for name in ("spline_logistic", "glass_box")
    }
    assert chosen == replace(effort, **best["spline_logistic"], **best["glass_box"])
    assert all(row["average_precision"] > frame["outcome"].mean() for row in tried)
    later = pl.col("as_of") > SPLIT.test_to
    assert frame.filter(later).height > 100
    spoilt = frame.with_columns(
        outcome=pl.when(later).then(~pl.col("outcome")).otherwise("outcome"),
        pull=pl.when(later).then(-9 * pl.col("pull")).otherwise("pull"),
    )
    assert search(spoilt, features, SPLIT, 1, effort) == (chosen, tried)
