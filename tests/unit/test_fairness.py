"""The long frame of the fairness audit: its shape, its verdicts, and what it sees of planted gaps."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.evaluation import ROW
from models.fairness import (
    ANY_SIZE,
    FRAME,
    METRICS,
    POOLED,
    Verdict,
    column_of,
    cross,
    judge_cells,
    measure_fairness,
    place,
)
from models.ratios import Kind
from validation.disclosure import FEWEST

PEOPLES = ["north", "south", "east", "nowhere"]
SIZES = {"the list": 30, "half": 0.5}
DATES = [date(2025, 1, 6) + timedelta(days=28 * at) for at in range(13)]


def invent(seed: int = 1, people: int = 3_000, unseen: float = 0.0, first: date = DATES[0]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scored rows of a year and their groups. The chances of children of the south lie ``unseen`` below the truth."""
    rng = np.random.default_rng(seed)
    family = rng.integers(0, people // 2, people)
    from_south = (rng.random(people // 2) < 0.25)[family]
    truth = rng.beta(1.2, 4.8, people // 2)[family]
    children = pl.DataFrame(
        {
            "person_id": [f"child {at:05}" for at in range(people)],
            "family_id": [f"family {at:05}" for at in family],
            "people": np.where(from_south, "south", rng.choice(["north", "east"], people, p=[0.95, 0.05])),
            "sex": rng.choice(["female", "male"], people),
            "outcome": rng.random(people) < truth,
            "returned_in_need": rng.random(people) < 0.7,
            "truth": truth,
            "chance": np.clip(truth - unseen * from_south, 0.01, 0.99),
            "start": rng.integers(0, len(DATES), people),
        }
    )
    days = pl.DataFrame({"as_of": [first + (day - DATES[0]) for day in DATES], "at": range(len(DATES))})
    rows = (
        children.join(days, how="cross")
        .filter(pl.col("at").is_between(pl.col("start"), pl.col("start") + 2))
        .with_columns(referral_id="person_id", group_id="family_id")
        .sort("as_of", "person_id")
    )
    groups = rows.select(
        *ROW, "sex", pl.col("people").cast(pl.Enum(PEOPLES)), returned_in_need=pl.col("outcome") & pl.col("returned_in_need")
    )
    return rows.drop("people", "sex", "start", "at", "returned_in_need"), groups


def cell(found: pl.DataFrame, metric: str, value: str, size: str = ANY_SIZE, split: str | None = None) -> dict[str, object]:
    wanted = found.filter(metric=metric, value=value, size=size)
    return (wanted if split is None else wanted.filter(split=split)).row(0, named=True)


@pytest.fixture(scope="module")
def fair() -> pl.DataFrame:
    rows, groups = invent()
    return measure_fairness([rows], groups, SIZES, 1)


def test_the_frame_has_one_cell_for_each_metric_group_and_size(fair: pl.DataFrame) -> None:
    assert dict(fair.schema) == FRAME
    looks = sum(len(SIZES) if metric.at_size else 1 for metric in METRICS)
    assert fair.height == fair.n_unique(["split", "size", "group", "value", "metric"]) == (len(PEOPLES) + 2) * looks


def test_shares_are_those_of_the_rows(fair: pl.DataFrame) -> None:
    rows, groups = invent()
    south = place(rows, SIZES, 1).join(groups, on=ROW).filter(people="south")
    offered, back = south[column_of("the list")], south["outcome"]
    expected = {
        "came_back": back.mean(),
        "offered": offered.mean(),
        "missed_returns": (back & ~offered).sum() / back.sum(),
        "unneeded_approaches": (offered & ~back).sum() / offered.sum(),
        "offered_without_return": (offered & ~back).sum() / (~back).sum(),
    }
    at = {metric.name: "the list" if metric.at_size else ANY_SIZE for metric in METRICS}
    assert {name: cell(fair, name, "south", at[name])["estimate"] for name in expected} == pytest.approx(expected)
    assert cell(fair, "mean_chance", "south")["estimate"] == pytest.approx(south["chance"].mean())
    beside = cell(fair, "returns_beside_chances", "south")
    assert (beside["estimate"], beside["against"]) == pytest.approx((back.mean(), south["chance"].mean()))
    assert beside["gap"] == pytest.approx(back.mean() - south["chance"].mean())  # type: ignore[operator]


def test_returns_are_those_in_need_and_the_others(fair: pl.DataFrame) -> None:
    in_need, without, back = (cell(fair, name, "south") for name in ("returns_in_need", "returns_without_need", "came_back"))
    assert in_need["events"] + without["events"] == back["events"]  # type: ignore[operator]
    assert in_need["estimate"] + without["estimate"] == pytest.approx(back["estimate"])  # type: ignore[operator]


def test_rows_of_which_nobody_knows_yet_whether_there_was_need_are_left_out() -> None:
    rows, groups = invent()
    settled = pl.col("as_of") < DATES[6]
    some = groups.with_columns(returned_in_need=pl.when(settled).then("returned_in_need"))
    found = measure_fairness([rows], some, SIZES, 1)
    assert cell(found, "returns_without_need", "south")["rows"] == groups.filter(settled, people="south").height
    assert cell(found, "came_back", "south")["rows"] == groups.filter(people="south").height


def test_without_any_finding_of_need_the_other_figures_stand() -> None:
    rows, groups = invent()
    found = measure_fairness([rows], groups.drop("returned_in_need"), SIZES, 1)
    assert set(found["metric"]) == {metric.name for metric in METRICS if not metric.of_need}


def test_a_people_that_is_referred_more_readily_at_the_same_need_shows_it_in_returns_without_need() -> None:
    rows, groups = invent(people=8_000)
    readily = rows.join(groups, on=ROW).select(
        *ROW, more=(pl.col("people") == "south") & (pl.col("family_id").str.tail(1) == "0")
    )
    tilted = rows.join(readily, on=ROW).with_columns(pl.col("outcome") | pl.col("more")).drop("more")
    found = measure_fairness([tilted], groups, SIZES, 1)
    assert cell(found, "returns_without_need", "south")["verdict"] == Verdict.GAP
    assert abs(cell(found, "returns_in_need", "south")["gap"]) < 0.03  # type: ignore[arg-type]


def test_a_list_reaches_whole_families_and_as_many_as_it_says() -> None:
    placed = place(invent()[0], SIZES, 1)
    of_families = placed.group_by("as_of", "family_id").agg(pl.col(column_of("the list")).unique(), pl.col("place").unique())
    assert of_families.select(pl.exclude("as_of", "family_id").list.len().max()).row(0) == (1, 1)
    reached = placed.group_by("as_of").agg(
        pl.col("family_id").filter(column_of("the list")).n_unique().alias("list"),
        pl.col("family_id").filter(column_of("half")).n_unique().alias("half"),
        pl.col("family_id").n_unique().alias("all"),
    )
    assert set(reached["list"]) == {30}
    assert ((reached["all"] / 2).ceil() == reached["half"]).all()
    assert placed["place"].is_between(0, 1).all()


def test_where_nothing_is_planted_no_gap_is_claimed(fair: pl.DataFrame) -> None:
    assert Verdict.GAP not in fair["verdict"]


def test_chances_that_are_too_low_for_one_people_are_a_gap_of_that_size() -> None:
    rows, groups = invent(people=12_000, unseen=0.1)
    found = measure_fairness([rows], groups, SIZES, 1)
    south = cell(found, "returns_beside_chances", "south")
    assert south["verdict"] == Verdict.GAP
    off = rows.join(groups, on=ROW).filter(people="south").select(pl.col("truth") - pl.col("chance")).mean().item()
    assert off > 0.05
    assert south["gap_low"] < off < south["gap_high"]  # type: ignore[operator]
    assert cell(found, "missed_returns", "south", "the list")["gap"] > 0  # type: ignore[operator]
    assert cell(found, "returns_beside_chances", "north")["verdict"] != Verdict.GAP


def test_a_value_that_nobody_has_is_listed(fair: pl.DataFrame) -> None:
    absent = fair.filter(value="nowhere")
    assert set(absent["verdict"]) == {Verdict.ABSENT}
    assert set(absent["rows"]) == {0}
    assert set(absent["metric"]) == {metric.name for metric in METRICS}


def test_only_the_list_and_all_years_together_are_judged() -> None:
    one, other = invent(), invent(2, first=date(2024, 1, 8))
    children = pl.col("person_id", "family_id", "referral_id", "group_id")
    elsewhere = [frame.with_columns(children.name.keep() + " of last year") if "family_id" in frame.columns else
                 frame.with_columns(pl.col("person_id", "referral_id") + " of last year") for frame in other]  # fmt: skip
    found = measure_fairness([one[0], elsewhere[0]], pl.concat([one[1], elsewhere[1]]), SIZES, 1)
    assert set(found["split"]) == {POOLED, "2025-01-06", "2024-01-08"}
    judged = {Verdict.GAP, Verdict.NO_LARGER_GAP, Verdict.NOT_ENOUGH}
    told = found.filter(pl.col("verdict").is_in([verdict.value for verdict in judged]))
    assert set(told["split"]) == {POOLED}
    assert set(told["size"]) == {ANY_SIZE, "the list"}
    years = [cell(found, "came_back", "south", split=split)["events"] for split in ("2025-01-06", "2024-01-08")]
    assert cell(found, "came_back", "south", split=POOLED)["events"] == sum(years)  # type: ignore[arg-type]


def test_pairs_of_groups_are_looked_at_together() -> None:
    groups = cross(invent()[1].drop("returned_in_need"), ("sex", "people"), ("sex", "weight"))
    assert groups.columns == [*ROW, "sex", "people", "sex and people"]
    assert "female, south" in groups["sex and people"]


def judge(**columns: object) -> dict[str, object]:
    """One cell as it is judged: a share that all families have, but for what is told."""
    told = {
        "split": "2025", "size": ANY_SIZE, "group": "g", "value": "v", "metric": "m", "kind": Kind.SHARE.value, "judged": True,
        "rows": 500, "families": 250, "events": 75.0, "families_with_event": 75, "families_of_others": 2_000, "estimate": 0.3,
        "others": 0.3, "overall": 0.3, "variance": 0.21 / 250, "variance_of_others": 0.21 / 2_000, "covariance": 0.0,
        "expected": 0.3,
    } | columns  # fmt: skip
    frame = pl.DataFrame({name: [value] for name, value in told.items()})
    return judge_cells(frame, "2025", "the list").row(0, named=True)


@pytest.mark.parametrize(
    ("cells", "verdict"),
    [
        ({"families": 2_500, "variance": 0.21 / 2_500}, Verdict.NO_LARGER_GAP),
        ({}, Verdict.NOT_ENOUGH),
        ({"estimate": 0.45, "variance": 0.2475 / 250}, Verdict.GAP),
        ({"estimate": 0.15, "variance": 0.1275 / 250}, Verdict.GAP),
        ({"families": FEWEST - 1}, Verdict.TOO_FEW),
        ({"families_of_others": FEWEST - 1}, Verdict.DESCRIBED),
        ({"judged": False}, Verdict.DESCRIBED),
        ({"split": "2024"}, Verdict.DESCRIBED),
        ({"size": "half"}, Verdict.DESCRIBED),
        ({"families": 0, "estimate": None, "variance": None}, Verdict.ABSENT),
        ({"kind": Kind.EXPECTED.value, "expected": 0.31, "families": 2_500, "variance": 0.21 / 2_500}, Verdict.NO_LARGER_GAP),
        ({"kind": Kind.EXPECTED.value, "expected": 0.31}, Verdict.NOT_ENOUGH),
        ({"kind": Kind.EXPECTED.value, "expected": 0.4}, Verdict.GAP),
    ],
)
def test_verdicts(cells: dict[str, object], verdict: Verdict) -> None:
    assert judge(**cells)["verdict"] == verdict


def test_the_smallest_visible_gap_would_be_seen_four_times_in_five() -> None:
    """Of a group whose chances are off by just so much, in 200 authorities."""
    rng, of = np.random.default_rng(1), {"kind": Kind.EXPECTED.value, "families": 400, "expected": 0.3}
    visible = judge(**of, variance=0.21 / 400)["smallest_visible"]
    shares = rng.binomial(400, 0.3 + visible, 200) / 400  # type: ignore[operator]
    found = [judge(**of, estimate=share, variance=share * (1 - share) / 400)["verdict"] for share in shares]
    assert 0.72 < found.count(Verdict.GAP) / 200 < 0.88


def test_the_less_is_known_the_more_an_estimate_is_drawn_in(fair: pl.DataFrame) -> None:
    rows = fair.filter(metric="came_back", group="people").drop_nulls("drawn_in")
    assert (rows["drawn_in"].is_between(rows["estimate"].min(), rows["estimate"].max())).all()  # type: ignore[arg-type]
