"""True chances are true: what is said of a case is what comes of it, as often as it is said.

Stated chances are held against outcomes that were simulated again from the same state with other seeds, and against the
outcomes that an authority goes on to have. Families count once: their cases come back together. Seeds are fixed; a
difference is an error when it is larger than four standard errors (``ERRORS``), which chance alone brings about once in
16,000 comparisons, and each group is large enough for an error that matters to be seen.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from validation.synthetic import truth
from validation.synthetic.courses import Courses
from validation.synthetic.lived import Lived, live
from validation.synthetic.lives import Walk
from validation.synthetic.plants import plants
from validation.synthetic.posterior import posterior
from validation.synthetic.process import CONFERENCE, CRISIS_DAYS, EIGHTEEN, ENQUIRY, IN_NEED
from validation.synthetic.profiles import PROFILES
from validation.synthetic.scene import CLOSING_DAYS, YEAR_DAYS, Scene, resume
from validation.synthetic.veil import veil
from validation.synthetic.world import NEVER, YEAR, day_number, pseudonyms, stream

ERRORS = 4
END = date(2026, 3, 31)
MATURE = END - timedelta(393 + 14 * 13)  # from here on all outcomes are known at the end, also of those who close late
AUTHORITIES = {"england": (30_000, date(2010, 4, 1), 26), "nel": (20_000, date(2014, 4, 1), 26)}  # and steps between dates
COPIES = 24
OUTCOMES = ("again", "closed", "returned")


def dates(start: date, steps: int) -> list[date]:
    return [MATURE - timedelta(14 * back) for back in range(0, (MATURE - start).days // 14, steps)]


Outcomes = dict[str, np.ndarray]


def outcomes(later: tuple[np.ndarray, np.ndarray], close: np.ndarray, child: np.ndarray, day: int, count: int) -> Outcomes:
    """What came of each case, from the children and days of all referrals after the day."""
    first = np.full(count, NEVER)
    np.minimum.at(first, *later)
    closed = close <= day + CLOSING_DAYS
    return {
        "again": first[child] <= day + YEAR_DAYS,
        "closed": closed,
        "returned": closed & (first[child] <= close + YEAR_DAYS),
    }


def cases(lived: Lived, on: date) -> pl.DataFrame:
    """Open cases of a day: facts, chances from two sets of copies, and what came of them."""
    day = day_number(on)
    state, people, later = lived.states[day], lived.families, lived.episodes.start > day
    scene = Scene.on(lived.process, people, state, day)
    child = scene.children[scene.cases]
    one, other = (scene.chances(COPIES, stream(lived.seed, f"{half} {day}")) for half in ("one", "other"))
    both = one + other
    came = outcomes((lived.episodes.child[later], lived.episodes.start[later]), state.close[child], child, day, people.count)
    return pl.DataFrame(
        {"family": state.home[child], "day": day, "first_again": one.chance, "first_closed": one.closed / COPIES}
        | {"second_again": other.chance, "second_closed": other.closed / COPIES}
        | {f"chance_{name}": getattr(both, name) / both.copies for name in OUTCOMES}
        | {name: came[name].astype(float) for name in OUTCOMES}
        | {
            "stage": state.stage[child], "kind": state.kind[child], "care": state.care[child],
            "planned before": state.planned_before[child], "long term": state.long_term[child] & (state.kind[child] == IN_NEED),
            "assessing": state.assessed[child] > day, "crisis": state.crisis[state.home[child]],
            "earlier": np.minimum(state.earlier[child], 5), "elapsed": day - state.start[child],
            "age": (day - people.birth[child]) / YEAR, "unseen": day - state.looked[state.home[child]],
            "disabled": people.disabled[child],
        }
    )  # fmt: skip


def gaps(frame: pl.DataFrame, by: pl.Expr, came: str, stated: str) -> pl.DataFrame:
    """By group: the means of what came and what was stated, and how many standard errors lie between them."""
    families = frame.group_by(by.cast(pl.String).alias("group"), "family").agg(
        gap=(pl.col(came) - pl.col(stated)).sum(), came=pl.col(came).sum(), stated=pl.col(stated).sum(), cases=pl.len()
    )
    found = families.group_by("group").agg(
        pl.col("came", "stated").sum() / pl.col("cases").sum(), pl.col("cases").sum(), families=pl.len(),
        errors=pl.col("gap").sum() / pl.max_horizontal((pl.col("gap") ** 2).sum().sqrt(), 1.0),
    )  # fmt: skip
    return found.filter(pl.col("families") >= 30).sort("group")  # fewer tell nothing


def band(name: str, begins: list[int]) -> pl.Expr:
    """In which band each value lies: 0 up to the first number, and so on."""
    return pl.sum_horizontal((pl.col(name) > begin).cast(pl.Int64) for begin in begins)


def parts(name: str, count: int) -> pl.Expr:
    """In which of so many equal parts each value lies, lowest first."""
    return (pl.col(name).rank("ordinal") - 1) * count // pl.len()


def assert_agree(frame: pl.DataFrame, by: pl.Expr, came: str, stated: str, groups: int) -> None:
    found = gaps(frame, by, came, stated)
    assert found.height >= groups
    assert found.filter(pl.col("errors").abs() > ERRORS).is_empty(), str(found)


@pytest.fixture(scope="module", params=list(AUTHORITIES))
def lived(request: pytest.FixtureRequest) -> Lived:
    residents, start, steps = AUTHORITIES[request.param]
    return live(PROFILES[request.param], residents, start, END, seed=31, watch=dates(start, steps))


@pytest.fixture(scope="module")
def known(lived: Lived) -> pl.DataFrame:
    return pl.concat(cases(lived, on) for on in dates(lived.start, AUTHORITIES[lived.process.profile.name][2]))


BANDS = {
    "everybody": (pl.lit("all"), 1),
    "stage": (pl.col("stage"), 4),
    "kind": (pl.col("kind"), 2),
    "care": (pl.col("care"), 2),
    "planned before": (pl.col("planned before"), 2),
    "long term": (pl.col("long term"), 2),
    "assessing": (pl.col("assessing"), 2),
    "crisis": (pl.col("crisis"), 2),
    "crisis, and when it was last seen": (pl.concat_str("crisis", band("unseen", [13, 120, 365])), 6),
    "earlier": (pl.col("earlier"), 5),
    "elapsed": (band("elapsed", [20, 60, 120, 182, 300, 730]), 7),
    "stage and elapsed": (pl.concat_str("stage", band("elapsed", [60, 120, 300, 600])), 14),
    "age": (band("age", [0, 1, 5, 10, 14, 16, 17]), 7),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("name", list(BANDS))
def test_as_many_cases_come_back_and_close_as_was_stated_in_every_group(known: pl.DataFrame, name: str, outcome: str) -> None:
    by, groups = BANDS[name]
    assert_agree(known, by, outcome, f"chance_{outcome}", groups)


@pytest.mark.parametrize("outcome", ["again", "closed"])
def test_stated_chances_are_calibrated_by_deciles(known: pl.DataFrame, outcome: str) -> None:
    """Deciles are those of one set of copies, chances those of another: else the extremes would be those of luck."""
    decile = parts(f"first_{outcome}", 10)
    assert_agree(known, decile, outcome, f"second_{outcome}", 10)
    found = gaps(known, decile, outcome, f"second_{outcome}")
    assert found["came"].max() > found["came"].min() + 0.25  # type: ignore[operator]


def test_lives_of_the_whole_authority_from_the_same_state_agree_with_its_scene(lived: Lived) -> None:
    """Everyone lives on, not only those with an open case, 30 times; moves to another family are left to happen, too."""
    day, runs = min(lived.states), 30
    state, people = lived.states[day], lived.families
    scene = Scene.on(lived.process, people, state, day)
    child, stated = scene.children[scene.cases], scene.chances(200, stream(1, "stated"))
    came = {name: np.zeros(child.size) for name in OUTCOMES}
    for run in range(runs):
        walk = Walk(lived.process, people, state.copy(), stream(run, "again"))
        resume(walk, day)
        close = walk.state.close[child].copy()
        episodes = walk.run(day + 1, day + CLOSING_DAYS + YEAR_DAYS)
        for name, flags in outcomes((episodes.child, episodes.start), close, child, day, people.count).items():
            came[name] += flags / runs
    home = state.home[child]
    facts = {"family": home, "crisis": state.crisis[home], "unseen": day - state.looked[home]}
    frame = pl.DataFrame(facts | came | {f"chance_{name}": getattr(stated, name) / 200 for name in OUTCOMES})
    for name in OUTCOMES:
        assert_agree(frame, pl.lit("all"), name, f"chance_{name}", 1)
        assert_agree(frame, parts("chance_closed", 5), name, f"chance_{name}", 4)
        assert_agree(frame, pl.concat_str("crisis", pl.col("unseen") > 120), name, f"chance_{name}", 4)
    again = frame["chance_again"].to_numpy()
    expected = again * (1 - again) * (1 / runs + 1 / 200)  # by case, the variance of the difference of two shares
    ratio = ((frame["again"].to_numpy() - again) ** 2).sum() / expected.sum()
    assert ratio == pytest.approx(1, abs=0.2)  # an error of the chance itself would add to it


def test_time_that_is_left_to_open_cases_is_drawn_as_it_comes(lived: Lived) -> None:
    """Days to the closing (at most two years of them) and to the end of the assessment, drawn anew and as they came."""
    frames = []
    for day, state in lived.states.items():
        walk = Walk(lived.process, lived.families, state.copy(), stream(day, "left"))
        resume(walk, day)
        case = np.flatnonzero(state.open_on(day) & (lived.families.birth + EIGHTEEN > day))
        columns = {"family": state.home[case], "elapsed": day - state.start[case], "assessing": state.assessed[case] > day}
        for name, times in (("came", state), ("drawn", walk.state)):
            columns |= {
                f"{name}_close": np.minimum(times.close[case] - day, 730).astype(float),
                f"{name}_assessed": (times.assessed[case] - day).astype(float),
            }
        frames.append(pl.DataFrame(columns))
    frame = pl.concat(frames)
    going, rest = frame.filter("assessing"), frame.filter(~pl.col("assessing"))
    assert rest.filter(pl.col("came_assessed") != pl.col("drawn_assessed")).is_empty()
    assert_agree(going, band("elapsed", [7, 14, 28, 42, 56, 70]), "came_assessed", "drawn_assessed", 6)
    assert_agree(going, band("elapsed", [7, 14, 28, 42, 56, 70]), "came_close", "drawn_close", 6)
    assert_agree(rest, band("elapsed", [42, 56, 70, 91, 182, 365, 730]), "came_close", "drawn_close", 7)


@pytest.mark.parametrize("planted", [[], ["over-referral=girls:1.6", "nfa-abolished=2017-01-01", "new-team=2018-01-01:0.7"]])
def test_what_is_not_on_record_is_drawn_as_often_as_it_is_true(planted: list[str]) -> None:
    start = date(2017, 4, 1)
    days = dates(start, 4)
    lived = live(PROFILES["england"], 20_000, start, END, seed=13, plants=plants(planted), watch=days)
    courses = records(lived)
    frames = []
    for on in days:
        day = day_number(on)
        true, drawn = lived.states[day], lived.states[day].copy()
        cared = truth._in_care(courses, begun(courses), on, truth._case_of(lived, day))
        tilt = lived.process.tilt(lived.families)
        veil(lived.process, drawn, lived.families.disabled, tilt, cared, day, stream(day, "veil"))
        case = np.flatnonzero(true.open_on(day))
        facts = {
            f"{name}_{which}": getattr(state, name)[case]
            for which, state in (("true", true), ("drawn", drawn))
            for name in ("kind", "stage", "care", "long_term")
        }
        enquired = (true.stage[case] >= ENQUIRY) & (true.enquired[case] <= day)
        met = (true.stage[case] >= CONFERENCE) & (true.met[case] <= day)
        frames.append(
            pl.DataFrame(
                facts
                | {"family": true.home[case], "assessing": true.assessed[case] > day, "enquired": enquired, "met": met}
                | {"cared": cared[case], "disabled": lived.families.disabled[case], "girl": lived.families.girl[case]}
                | {"elapsed": day - true.start[case], "again": true.planned_before[case]}
            )
        )
    frame = pl.concat(frames).with_columns(pl.col("long_term_true") & (pl.col("kind_true") == IN_NEED))
    known = frame.filter("met")
    assert known.filter(pl.col("stage_true") != pl.col("stage_drawn")).is_empty()
    assert frame.filter(pl.col("cared") & ~pl.col("care_drawn")).is_empty()
    assert frame.filter(~pl.col("assessing") & (pl.col("kind_true") != pl.col("kind_drawn"))).is_empty()
    assert frame.filter(pl.col("kind_true") != pl.col("kind_drawn")).height > 300
    for name in ("true", "drawn"):
        frame = frame.with_columns(
            (pl.col(f"kind_{name}") == IN_NEED).cast(pl.Float64).alias(f"need_{name}"),
            pl.col(f"care_{name}", f"long_term_{name}").cast(pl.Float64),
            *((pl.col(f"stage_{name}") == stage).cast(pl.Float64).alias(f"stage{stage}_{name}") for stage in range(4)),
        )
    for by in (
        pl.lit("all"), pl.concat_str("assessing", "enquired", "met"), pl.concat_str("disabled", "enquired", "assessing"),
        pl.concat_str("again", "enquired"), pl.concat_str("girl", "assessing"), pl.concat_str("cared", "enquired"),
        pl.concat_str("enquired", "assessing", band("elapsed", [10, 30, 60, 120, 300])),
    ):  # fmt: skip
        for fact in ("need", "care", "long_term", "stage0", "stage1", "stage2", "stage3"):
            assert_agree(frame, by, f"{fact}_true", f"{fact}_drawn", 1)


def records(lived: Lived) -> Courses:
    people = lived.families
    courses = Courses(lived.process, people, lived.episodes, pseudonyms(lived.seed, "person", people.count), lived.seed)
    courses.assessments()
    return courses


def begun(courses: Courses) -> pl.DataFrame:
    return courses.looked_after().group_by("clae_referral_id").agg(pl.col("clae_entered_care_date").min())


# What is on record ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=list(AUTHORITIES))
def recorded(request: pytest.FixtureRequest) -> tuple[Lived, pl.DataFrame]:
    """A younger authority, whose records are short: chances given everything, and given what is on record."""
    days = dates(MATURE - timedelta(2 * 364), 52)
    size = 24_000 if request.param == "england" else 14_000
    lived = live(PROFILES[request.param], size, date(2020, 4, 1), END, seed=17, watch=days)
    table = truth.chances_table(lived, days, 100)
    child = pl.DataFrame(
        {"person_id": pseudonyms(17, "person", lived.families.count), "family": lived.families.home(day_number(END))}
    )
    return lived, table.join(child, on="person_id").with_columns(pl.col("outcome").cast(pl.Float64))


def test_chances_on_record_are_calibrated(recorded: tuple[Lived, pl.DataFrame]) -> None:
    """Of all cases of which the records say so much, the chances given everything, and the outcomes, have that mean."""
    table = recorded[1]
    fifth = parts("chance_on_record", 5)
    for came in ("chance", "outcome"):
        assert_agree(table, pl.lit("all"), came, "chance_on_record", 1)
        assert_agree(table, fifth, came, "chance_on_record", 5)
    assert table.select(pl.corr("chance", "chance_on_record")).item() > 0.5


def test_more_knowledge_ranks_better_and_the_best_rank_is_neither_easy_nor_hopeless(recorded: tuple[Lived, pl.DataFrame]) -> None:
    lived, table = recorded
    asked = table.filter(~pl.col("turns_18"))
    chance = asked["chance"].to_numpy()
    courses = records(lived)
    day = {
        row["referral"]: row["start"]
        for row in pl.DataFrame({"referral": courses.referral, "start": lived.episodes.start}).to_dicts()
    }
    started = np.array([day[one] for one in asked["referral_id"]])
    now = asked["as_of"].to_physical().to_numpy()
    starts = pl.DataFrame({"person_id": courses.person[lived.episodes.child], "start": lived.episodes.start})
    earlier = (
        asked.with_row_index("place").join(starts, on="person_id")
        .group_by("place").agg((pl.col("start") < pl.col("as_of").to_physical()).sum()).sort("place")["start"].to_numpy()
    )  # fmt: skip
    everything = truth.expected_auc(chance, chance)
    on_record = truth.expected_auc(asked["chance_on_record"].to_numpy(), chance)
    simple = [truth.expected_auc(score, chance) for score in (earlier, started - now)]
    assert everything is not None
    assert on_record is not None
    error = 0.015  # of an area, with some 600 families with an open case on each of two dates
    assert everything > on_record > max(one for one in simple if one is not None) > 0.5
    assert 0.68 - error < on_record < 0.76 + error
    assert truth.summary(table.with_columns(pl.col("outcome").cast(pl.Boolean)))["expected_auc"].to_list() == [
        everything,
        on_record,
    ]


def test_posterior_knows_families_as_well_as_it_says(recorded: tuple[Lived, pl.DataFrame]) -> None:
    """The true difficulty of a family lies anywhere among its particles with the same chance (Kolmogorov, 1 in 10,000)."""
    lived = recorded[0]
    day = max(lived.states)
    state, rng = lived.states[day], stream(3, "posterior")
    scene = Scene.on(lived.process, lived.families, state, day)
    walk = Walk(lived.process, lived.families, state.copy(), rng)
    found = posterior(lived, walk, records(lived), scene.chosen, day, 300, rng)
    assert found.weight.sum(axis=0) == pytest.approx(np.ones(scene.chosen.size))
    assert np.median(found.effective) > 60
    told = {"difficulty": 0.5, "adversity": 0.6, "neglect": 0.5, "substances": 0.5}  # by the factors found, too
    for name, least in told.items():
        true = getattr(lived.families, name)[scene.chosen]
        rank = np.sort((found.weight * (found.latent[name] < true)).sum(axis=0))
        assert np.abs(rank - (np.arange(rank.size) + 0.5) / rank.size).max() < 2.23 / np.sqrt(rank.size), name
        scale = np.log if name == "difficulty" else np.asarray
        assert np.corrcoef(scale(true), (found.weight * scale(found.latent[name])).sum(axis=0))[0, 1] > least, name
    usual = lived.process.profile.in_crisis
    lasting = np.exp((state.looked[scene.chosen] - day) / (CRISIS_DAYS * (1 - usual)))
    true = usual + (state.crisis[scene.chosen] - usual) * lasting
    said = (found.weight * found.crisis).sum(axis=0)
    frame = pl.DataFrame({"family": scene.chosen, "true": true, "said": said})
    assert_agree(frame, parts("said", 4), "true", "said", 4)
    assert np.corrcoef(true, said)[0, 1] > 0.2
