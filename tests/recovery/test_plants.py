"""Everything that can be planted is found again at its size, from the truth or from the records, and changes nothing else.

Each is planted alone. Seeds are fixed; ``ERRORS`` standard errors are allowed, counted over families.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from validation.synthetic.authority import tables_of
from validation.synthetic.lived import Lived, live
from validation.synthetic.lives import Walk
from validation.synthetic.plants import Plants, plants
from validation.synthetic.process import IN_NEED, NO_FURTHER_ACTION, OFFER_DAYS, Process
from validation.synthetic.profiles import PROFILES
from validation.synthetic.scene import YEAR_DAYS, Scene
from validation.synthetic.state import Episodes, State
from validation.synthetic.truth import chances_table, effects
from validation.synthetic.world import NEVER, Families, day_number, settle, stream

ERRORS = 4
START, SINCE, END = date(2016, 4, 1), date(2021, 4, 1), date(2026, 3, 31)
BEFORE, AFTER = day_number(START), day_number(SINCE)
WATCHED = [END - timedelta(393), END - timedelta(393 + 14 * 26)]
RESIDENTS = 30_000
SAME = ("child", "family", "occasion", "start", "close", "assessed", "kind", "stage", "care", "reason")


def planted(*texts: str, residents: int = RESIDENTS, watch: list[date] | None = None) -> Lived:
    return live(PROFILES["england"], residents, START, END, seed=23, plants=plants(texts), watch=watch or [])


@pytest.fixture(scope="module")
def plain() -> Lived:
    return planted(watch=WATCHED)


def as_before(lives: Episodes, other: Episodes, day: int) -> bool:
    """Are all referrals before a day, and what became of them by then, the same?"""
    one, two = (part.take(part.start < day) for part in (lives, other))
    return one.count == two.count and all(np.array_equal(getattr(one, name), getattr(two, name)) for name in SAME[:4])


def ratio(people: Families, of: np.ndarray, one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """How many times as large one number by child is as another over a group, and its standard error (over families)."""
    quotient = one[of].sum() / other[of].sum()
    gaps = np.bincount(people.family, np.where(of, one - quotient * other, 0.0))
    return quotient, float(np.sqrt((gaps**2).sum()) / other[of].sum())


def fresh(process: Process, families: Families, day: int, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Referrals of a quarter of a year, by child, where nobody has been referred before; and those found in need."""
    counts = np.zeros((2, families.count))
    for run in range(runs):
        rng = stream(run, "fresh")
        episodes = Walk(process, families, State.before(families, process.profile.in_crisis, day - 1, rng), rng).run(
            day, day + 97
        )
        np.add.at(counts[0], episodes.child, 1)
        np.add.at(counts[1], episodes.child, episodes.kind == IN_NEED)
    return counts[0], counts[1]


def test_over_referral_multiplies_first_referrals_and_adds_no_need() -> None:
    """In a quarter of a year in which nobody is known yet, so that those at high risk have not been used up."""
    profile = replace(PROFILES["england"], ethnicity={"WBRI": 50, "BAFR": 50})
    families = settle(profile, 20_000, AFTER, AFTER + 100, seed=2)
    black = families.group("black")
    tilted, usual = (fresh(Process(profile, plants(texts)), families, AFTER, 40) for texts in (["over-referral=black:1.5"], []))
    for number, times in ((0, 1.5), (1, 1.0)):
        for group, expected in ((black, times), (~black, 1.0)):
            found, error = ratio(families, group, tilted[number], usual[number])
            assert error < 0.06
            assert found == pytest.approx(expected, abs=ERRORS * error)


def test_over_referral_is_seen_in_the_chances_of_its_group_alone() -> None:
    tilted = planted("over-referral=girls:1.5", residents=20_000, watch=WATCHED[:1])
    table = chances_table(tilted, WATCHED[:1], 100)
    group, rest = table.filter("group"), table.filter(~pl.col("group"))
    told = effects(tilted, table)["over_referral"]
    assert told == {
        "group": "girls", "strength": 1.5, "mean_chance": group["chance"].mean(),
        "mean_chance_at_its_need": group["chance_untilted"].mean(),
    }  # fmt: skip
    more = np.log1p(-group["chance"].to_numpy().mean()) / np.log1p(-group["chance_untilted"].to_numpy().mean())
    assert 1.15 < more < 1.5  # some of their referrals are those of brothers, who are referred as ever
    assert rest["chance"].mean() / rest["chance_untilted"].mean() == pytest.approx(1.1, abs=0.1)  # and theirs those of sisters
    lives = tilted.episodes
    need = lives.kind[lives.start >= BEFORE] == IN_NEED
    girl = tilted.families.girl[lives.child[lives.start >= BEFORE]]
    assert need[girl].mean() / need[~girl].mean() == pytest.approx(1 / 1.5, abs=0.03)  # a third more of theirs are needless


def test_under_recording_leaves_lives_as_they_were_and_hides_its_share(plain: Lived) -> None:
    unseen = planted("under-recording=girls:0.3")
    assert all(np.array_equal(getattr(unseen.episodes, name), getattr(plain.episodes, name)) for name in SAME)
    counts = {}
    for name, lived in (("plain", plain), ("unseen", unseen)):
        tables = tables_of(lived)
        counts[name] = (
            tables["ssd_cin_assessments"]
            .join(tables["ssd_assessment_factors"], left_on="cina_assessment_id", right_on="cinf_assessment_id")
            .filter(pl.col("cina_assessment_auth_date") >= START)
            .select("cina_assessment_id", "cina_person_id", factors=_factors())
            .join(tables["ssd_person"].select("pers_person_id", "pers_sex"), left_on="cina_person_id", right_on="pers_person_id")
        )
        contacts = tables["ssd_contacts"].filter(pl.col("cont_contact_outcome_json") != "NEW_REFERRAL")
        counts[f"{name} contacts"] = contacts.join(
            tables["ssd_person"].select("pers_person_id", "pers_sex"), left_on="cont_person_id", right_on="pers_person_id"
        )
    both = counts["plain"].join(counts["unseen"], on="cina_assessment_id", suffix="_kept")
    assert both.height == counts["plain"].height > 5_000
    boys, girls = (both.filter(pl.col("pers_sex") == sex) for sex in ("M", "F"))
    assert boys.filter(pl.col("factors") != pl.col("factors_kept")).height / boys.height < 0.02  # some sexes are recorded wrongly
    total, kept = girls.select(pl.col("factors", "factors_kept").sum()).row(0)
    assert kept / total == pytest.approx(0.7, abs=ERRORS * np.sqrt(0.3 * 0.7 / total) + 0.003)
    sizes = {name: counts[f"{name} contacts"].group_by("pers_sex").len().rows() for name in ("plain", "unseen")}
    was, has = dict(sizes["plain"]), dict(sizes["unseen"])
    assert has["F"] / was["F"] == pytest.approx(0.7, abs=ERRORS * np.sqrt(0.3 * 0.7 / was["F"]) + 0.003)
    assert has["M"] / was["M"] == pytest.approx(1, abs=0.003)


def _factors() -> pl.Expr:
    """How many factors were found; 21 says that there are none."""
    codes = pl.col("cinf_assessment_factors_json")
    return pl.when(codes == "21").then(0).otherwise(codes.str.count_matches("|", literal=True) + 1)


def test_no_further_action_ends_on_its_day(plain: Lived) -> None:
    abolished = planted(f"nfa-abolished={SINCE}")
    lives, usual = abolished.episodes, plain.episodes
    assert as_before(lives, usual, AFTER)
    idle = lives.kind == NO_FURTHER_ACTION
    assert not idle[lives.start >= AFTER].any()
    late = usual.start >= AFTER
    assert (usual.kind[late] == NO_FURTHER_ACTION).mean() == pytest.approx(PROFILES["england"].no_further_action, abs=0.01)
    assert idle[(lives.start >= BEFORE) & (lives.start < AFTER)].mean() == pytest.approx(
        PROFILES["england"].no_further_action, abs=0.01
    )
    need, before = ((part.kind[part.start >= AFTER] == IN_NEED).mean() for part in (lives, usual))
    assert need == pytest.approx(before, abs=0.02)  # what is no longer turned away is found not to be in need


def test_threshold_changes_first_referrals_from_its_day_on(plain: Lived) -> None:
    moved = planted(f"threshold={SINCE}:0.8")
    assert as_before(moved.episodes, plain.episodes, AFTER - 14)  # it holds from the step in which its day lies
    families = settle(PROFILES["england"], 20_000, AFTER, AFTER + 100, seed=2)
    everyone = np.ones(families.count, dtype=bool)
    found, error = ratio(families, everyone, *(fresh(lived.process, families, AFTER + 14, 25)[0] for lived in (moved, plain)))
    assert error < 0.04
    assert found == pytest.approx(0.8, abs=ERRORS * error)
    assert np.array_equal(*(fresh(lived.process, families, AFTER - 100, 1) for lived in (moved, plain)))
    later, usual = ((lived.episodes.start >= AFTER).sum() for lived in (moved, plain))
    assert 0.75 < later / usual < 0.88  # less has come before what comes again, but the hardest families are left


def test_new_team_shortens_the_cases_that_begin_with_it(plain: Lived) -> None:
    team = planted(f"new-team={SINCE}:0.7")
    assert as_before(team.episodes, plain.episodes, AFTER)
    lengths = []
    for lives in (team.episodes, plain.episodes):
        length = lives.close - lives.start
        long = (lives.kind == IN_NEED) & (lives.reason == "RC7") & (lives.start >= AFTER)
        lengths.append(
            {part: np.quantile(length[long], part) for part in (0.6, 0.7, 0.8)}
        )  # few of these end with their assessment
    for part, usual in lengths[1].items():
        assert lengths[0][part] / usual == pytest.approx(0.7, abs=0.07), part
    early = [lives.take((lives.start >= BEFORE) & (lives.start < AFTER)) for lives in (team.episodes, plain.episodes)]
    assert np.array_equal(*(lives.close for lives in early))


OFFERS = {"FGC:random:-5": 40_000, "EH:random:3": 14_000, "FGC:random:0": 14_000, "FGC:highest:-5": 14_000}  # and residents
FORTNIGHTS = [END - timedelta(393 + 14 * back) for back in range(0, 92, 3)]


@dataclass(frozen=True)
class Given:
    """Cases of families that were given the offer in the fortnight before one of some days, and what came of them."""

    lived: Lived
    family: np.ndarray
    offered: np.ndarray  # chance if it was given
    spared: np.ndarray  # chance if it had never been
    again: np.ndarray  # was there a new referral within a year?

    def mean(self, values: np.ndarray) -> tuple[float, float]:
        """The mean of a value by case, and its standard error (over families)."""
        _, place = np.unique(self.family, return_inverse=True)
        return values.mean(), float(np.sqrt((np.bincount(place, values - values.mean()) ** 2).sum()) / values.size)


@pytest.fixture(scope="module", params=list(OFFERS))
def given(request: pytest.FixtureRequest) -> Given:
    lived = planted(f"offer={request.param}:{SINCE}", residents=OFFERS[request.param], watch=FORTNIGHTS)
    parts = []
    for day, state in lived.states.items():
        families = np.flatnonzero(state.offered > day - 14)
        scene = Scene.on(lived.process, lived.families, state, day, families)
        child = scene.children[scene.cases]
        later = lived.episodes.start > day
        first = np.full(lived.families.count, NEVER)
        np.minimum.at(first, lived.episodes.child[later], lived.episodes.start[later])
        offered, spared = (
            kind.chances(30, stream(day, "given")).chance for kind in (scene.offered_today(), scene.without_offers())
        )
        parts.append((state.home[child], offered, spared, (first[child] <= day + YEAR_DAYS).astype(float)))
    return Given(lived, *(np.concatenate(values) for values in zip(*parts, strict=True)))


def test_offer_does_what_was_asked_for_to_those_to_whom_it_is_given(given: Given) -> None:
    """Its strength was found on those of two years, so their sampling error counts as well: hence the root of two."""
    asked = given.lived.process.plants.offer.effect  # type: ignore[union-attr]
    effect, error = given.mean(100 * (given.offered - given.spared))
    assert given.family.size > 200
    assert error < 1
    assert effect == pytest.approx(asked, abs=ERRORS * np.sqrt(2) * error)
    assert (given.lived.process.offer_works == 1) == (asked == 0)


def test_outcomes_of_those_to_whom_it_was_given_differ_by_the_effect(given: Given) -> None:
    came, error = given.mean(100 * (given.again - given.offered))
    assert came == pytest.approx(0, abs=ERRORS * error)
    asked = given.lived.process.plants.offer.effect  # type: ignore[union-attr]
    gap, error = given.mean(100 * (given.again - given.spared))
    assert gap == pytest.approx(asked, abs=ERRORS * error)
    if given.family.size > 1_000:
        assert gap < -2 * error  # with so many it can be seen that it works


def test_offer_is_given_to_as_many_as_there_is_room_for_and_not_twice_in_a_year(given: Given) -> None:
    lived = given.lived
    family, day = lived.offers
    assert day.min() >= AFTER
    order = np.lexsort((day, family))
    again = family[order][1:] == family[order][:-1]
    assert again.sum() > 10
    assert (np.diff(day[order])[again] >= OFFER_DAYS).all()
    rows = tables_of(lived)["ext_offers"]
    assert (rows["offe_answer"] == "ACCEPTED").sum() >= family.size
    lives = lived.episodes
    step = np.unique(day)[10]
    open_then = np.unique(lives.family[(lives.start <= step) & (lives.close > step)])
    chosen = family[day == step]
    assert np.isin(chosen, open_then).all()
    assert chosen.size == pytest.approx(0.02 * open_then.size, abs=1.5)


def test_those_with_the_highest_outlook_are_chosen_where_that_was_asked_for(given: Given) -> None:
    lived, others = given.lived, []
    for day in list(lived.states)[::6]:
        scene = Scene.on(lived.process, lived.families, lived.states[day], day)
        others.append(scene.without_offers().chances(10, stream(day, "others")).chance)
    usual, spared = np.concatenate(others).mean(), given.mean(given.spared)
    if lived.process.plants.offer.given == "highest":  # type: ignore[union-attr]
        assert spared[0] > usual + 2 * spared[1]
    else:
        assert spared[0] == pytest.approx(usual, abs=ERRORS * spared[1])


def test_offers_change_what_happens_later_and_nothing_before(given: Given) -> None:
    offer = given.lived.process.plants.offer
    assert offer is not None
    without = planted(residents=OFFERS[f"{offer.kind}:{offer.given}:{offer.effect:.0f}"])
    one, other = given.lived.episodes, without.episodes
    assert as_before(one, other, AFTER)
    if offer.effect:
        assert (one.start >= AFTER).sum() != (other.start >= AFTER).sum()  # by how much is told by the outcomes above


def test_truth_tells_of_a_planted_offer() -> None:
    lived = planted(f"offer=FGC:random:-5:{SINCE}", residents=4_000, watch=WATCHED)
    table = chances_table(lived, WATCHED, 60)
    told = effects(lived, table)["offer"]
    assert told["times_as_likely"] == lived.process.offer_works < 1
    assert told["families_offered"] == lived.offers[0].size > 50
    assert told["effect_on_all_open_cases"]["cases"] == table.height
    assert -10 < told["effect_on_all_open_cases"]["points"] < -1
    assert told["effect_on_those_just_offered"]["cases"] == table["just_offered"].sum()


def test_plants_that_were_not_asked_for_are_not_there(plain: Lived) -> None:
    assert plain.process.plants == Plants()
    table = chances_table(plain, WATCHED[:1], 4)
    assert effects(plain, table) == {}
    assert not {"group", "chance_untilted", "just_offered", "chance_if_offered", "chance_if_not"} & set(table.columns)
    assert plain.offers[0].size == 0
    assert set(tables_of(plain)["ext_offers"]["offe_kind"]) == {"FGC", "FGDM", "EH"}
