"""Retraining on a world in which offers worked, held against the chances that there would have been without any offer.

What is measured is by how many points the mean chance of later cases lies off the true one. By chance alone a model of so
small a world is off by more than a point, so it is held against a model of the same world without offers, which has nearly
the same luck; ``OFF`` is what that leaves. Figures of several seeds are in docs/feedback.md.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from features.catalogue import CATALOGUE
from features.cohort import grid
from features.definition import Feature
from features.matrix import build_matrix
from features.outcomes import NEW_REFERRAL, label
from models.candidate import QUICK
from models.candidates import CANDIDATES
from models.feedback import MEASURES, compare_feedback
from models.offer_weights import Policy, can_be_corrected, mark_offers, weigh_rows
from models.splits import Split, split_frame
from validation.history import build_archive, difference
from validation.synthetic.authority import tables_of
from validation.synthetic.lived import Lived, live
from validation.synthetic.plants import BY_LOT, plants
from validation.synthetic.process import OFFER_DAYS
from validation.synthetic.profiles import PROFILES
from validation.synthetic.scene import Scene
from validation.synthetic.world import day_number, pseudonyms, stream
from validation.tables.catalogue import TABLES

START, SINCE, END = date(2018, 4, 1), date(2019, 4, 1), date(2026, 3, 31)
MATURE = END - timedelta(393)
DATES = grid(date(2020, 4, 1), MATURE, 56)
TESTED = [MATURE - timedelta(56 * back) for back in range(6)]
SPLIT = Split(DATES[0], max(day for day in DATES if day <= TESTED[-1] - timedelta(393)), TESTED[-1], MATURE)
SEED, COPIES = 1, 40
CANDIDATE = "unrestricted_boosting"
OFF = 1.2  # percentage points
TOLD = (
    "days_open", "age_in_months", "days_since_last_earlier_referral", "referrals_in_last_180_days", "referrals_in_last_730_days",
    "assessment_open_now", "child_in_need_plan_open_now", "protection_plan_open_now", "days_since_last_assessment_finished",
    "days_since_last_offer",
)  # fmt: skip
FEATURES: tuple[Feature, ...] = tuple(feature for feature in CATALOGUE if feature.name in TOLD)


@dataclass(frozen=True)
class World:
    """An authority as it was lived, its training frame, its offers and draws, and the true chance without any offer."""

    lived: Lived
    frame: pl.DataFrame
    offers: pl.DataFrame
    draws: pl.DataFrame
    truth: pl.DataFrame


def build(texts: list[str], residents: int) -> World:
    lived = live(PROFILES["england"], residents, START, END, SEED, plants(texts), TESTED)
    tables = tables_of(lived)
    vintages = {name: [(END, difference(TABLES[name], None, rows, START, END))] for name, rows in tables.items()}
    archive = build_archive(vintages, START, END)
    labelled = label(archive, build_matrix(archive, DATES, FEATURES), NEW_REFERRAL)
    frame = labelled.filter(pl.col("outside").is_null(), ~pl.col("overlaps"))
    return World(lived, frame, tables["ext_offers"], draws_of(lived, frame), truth_of(lived))


def draws_of(lived: Lived, frame: pl.DataFrame) -> pl.DataFrame:
    """Who took part in each draw, as the lists of those days would tell: by a child of the family."""
    family, day, chance = lived.draws
    asked = pl.DataFrame({"family": family, "drawn_on": pl.Series(day).cast(pl.Int32).cast(pl.Date), "slot_chance": chance})
    person = pseudonyms(lived.seed, "person", lived.families.count)
    known = pl.concat([frame.select("person_id"), frame.select(person_id="family_id")]).unique()
    children = pl.DataFrame({"family": lived.families.family, "person_id": person}).join(known, on="person_id", how="semi")
    one = children.group_by("family").agg(family_id=pl.col("person_id").min())
    return asked.join(one, on="family").select("family_id", "drawn_on", "slot_chance")


def truth_of(lived: Lived) -> pl.DataFrame:
    person, parts = pseudonyms(lived.seed, "person", lived.families.count), []
    for as_of in TESTED:
        scene = Scene.on(lived.process, lived.families, lived.states[day_number(as_of)], day_number(as_of))
        chances = scene.without_offers().chances(COPIES, stream(SEED, f"truth {as_of}")).chance
        child = scene.children[scene.cases]
        parts.append(pl.DataFrame({"as_of": as_of, "person_id": person[child], "truth": chances}))
    return pl.concat(parts)


@pytest.fixture(scope="module")
def plain() -> World:
    return build([], 30_000)


@pytest.fixture(scope="module")
def mixed() -> World:
    return build([f"offer=FGC:mixed:-15:{SINCE}"], 30_000)


@pytest.fixture(scope="module")
def highest() -> World:
    return build([f"offer=FGC:highest:-15:{SINCE}"], 10_000)


def distance(world: World, policy: Policy, *, known: bool = True) -> float:
    """By how many points the mean chance of later cases of other families lies off the truth."""
    marked = mark_offers(world.frame, world.offers, 365)
    off = []
    for fold in split_frame(marked, SPLIT, SEED):
        draws = world.draws if known else None
        train = weigh_rows(fold.train, policy, 365, features=FEATURES, draws=draws, seed=SEED).filter(pl.col("weight") > 0)
        model = CANDIDATES[CANDIDATE](FEATURES, SEED, QUICK)
        model.fit(train, train["outcome"].to_numpy(), train["group_id"], train["weight"].to_numpy())
        scored = fold.test.with_columns(chance=model.chances(fold.test)).join(world.truth, on=["as_of", "person_id"])
        off.append(100 * (scored["chance"] - scored["truth"]).to_numpy())
    return float(np.concatenate(off).mean())


def test_naive_retraining_gets_worse_and_the_corrected_does_not_where_places_were_drawn_by_lot(
    plain: World, mixed: World
) -> None:
    usual, naive, corrected = distance(plain, Policy.NAIVE), distance(mixed, Policy.NAIVE), distance(mixed, Policy.CENSOR)
    assert abs(usual) < 2 * OFF
    assert naive < -OFF
    assert naive < usual - OFF
    assert abs(corrected - usual) < OFF


def test_leaving_rows_out_or_guessing_who_went_without_does_not_correct(mixed: World) -> None:
    """Families are offered something because they came back; and what chose them is not in the features."""
    corrected = distance(mixed, Policy.CENSOR)
    assert distance(mixed, Policy.LEAVE_OUT) < corrected - OFF
    assert distance(mixed, Policy.CENSOR, known=False) < corrected - OFF / 2


def test_the_report_shows_naive_and_corrected_side_by_side(mixed: World) -> None:
    found = compare_feedback(mixed.frame, FEATURES, mixed.offers, [SPLIT], CANDIDATE, SEED, draws=mixed.draws)
    assert found["verdict"]["possible"]
    assert found["verdict"]["by_lot"] == found["verdict"]["offers"] == mixed.offers["offe_slot_chance"].count()
    naive, corrected = found["policies"]
    assert (naive["policy"], corrected["policy"]) == ("naive", "censor")
    assert corrected["effective_rows"] < corrected["rows"] < naive["rows"] == naive["effective_rows"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert corrected["chance_of_offered"] > naive["chance_of_offered"]
    assert corrected["gap"] > naive["gap"]
    change = {one["measure"]: one for one in found["differences"]}
    assert set(change) == set(MEASURES)
    assert change["gap"]["low"] > 0
    assert change["gap"]["low"] <= change["gap"]["difference"] <= change["gap"]["high"]
    assert any("known from the draws" in words for words in found["words"])


def test_without_lots_the_report_says_that_it_cannot_be_corrected(highest: World) -> None:
    verdict = can_be_corrected(highest.offers)
    assert not verdict.possible
    assert verdict.by_lot == 0 < verdict.offers
    found = compare_feedback(highest.frame, FEATURES, highest.offers, [SPLIT], CANDIDATE, SEED, draws=highest.draws)
    assert [one["policy"] for one in found["policies"]] == ["naive"]
    assert found["differences"] == []
    assert found["words"][0].startswith("Cannot be corrected")
    assert "cannot be told" in found["words"][-1]


def test_weights_cannot_correct_where_the_highest_always_get_it(highest: World) -> None:
    """That is why the report refuses: with nobody alike left, the weighed model is no nearer to the truth than the naive."""
    assert distance(highest, Policy.CENSOR) < distance(highest, Policy.NAIVE) + OFF / 2
    assert distance(highest, Policy.CENSOR) < -OFF


def test_places_are_drawn_by_lot_among_the_families_most_likely_to_come_back(mixed: World) -> None:
    lived = mixed.lived
    family, day, chance = lived.draws
    order = np.lexsort((day, family))
    again = family[order][1:] == family[order][:-1]
    assert again.sum() > 10
    assert (np.diff(day[order])[again] >= OFFER_DAYS).all()  # those who lose wait as long as those who win
    asked = pl.DataFrame({"family": family, "day": day, "chance": chance})
    won = pl.DataFrame({"family": lived.offers[0], "day": lived.offers[1], "won": True})
    told = asked.join(won, on=["family", "day"], how="left").with_columns(pl.col("won").fill_null(value=False))
    assert told["won"].sum() == won.height
    by_draw = told.group_by("day").agg(pl.col("won").mean(), pl.col("chance").first())
    assert (by_draw["won"] - by_draw["chance"]).abs().max() == pytest.approx(0)
    assert told["won"].mean() == pytest.approx(BY_LOT, abs=0.05)
    difficulty = lived.families.difficulty[told["family"].to_numpy()]
    winner = told["won"].to_numpy()
    error = difficulty.std() * np.sqrt(1 / winner.sum() + 1 / (~winner).sum())
    assert difficulty[winner].mean() == pytest.approx(difficulty[~winner].mean(), abs=4 * error)  # by lot: alike
    since = lived.episodes.start >= day_number(SINCE)
    usual = lived.families.difficulty[lived.episodes.family[since]].mean()
    assert difficulty.mean() > usual + 4 * difficulty.std() / np.sqrt(difficulty.size)
    recorded = mixed.offers.filter(pl.col("offe_slot_chance").is_not_null())
    assert recorded["offe_by_lot"].all()
    assert set(recorded["offe_slot_chance"].round(6)) == set(by_draw["chance"].round(6))
    assert mixed.offers.filter(pl.col("offe_slot_chance").is_null())["offe_by_lot"].null_count() > 0
