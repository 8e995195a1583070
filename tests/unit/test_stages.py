"""Where a gap comes from: stages worked out by hand, errors reckoned in another way, and worlds where nothing is planted."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import t

from models.stages import FRAME, STAGES, WHOLE, name_stage, split_gaps


def invent(
    seed: int, families: int = 900, *, recorded: float = 0.0, told: float = 0.0, police: float = 0.0, alike: bool = False
) -> pl.DataFrame:
    """Rows of families, a fifth of them of the north.

    There, so many more returns without need are recorded (which the model half knows of), so much is added to the chances, and so
    many more are referred by the police, whose cases come back more often. ``alike``: rows of a family have the same fate.
    """
    rng = np.random.default_rng(seed)
    north = rng.random(families) < 0.2
    luck = rng.beta(2, 8, families)
    family = np.repeat(np.arange(families), rng.integers(1, 12, families))
    rows = family.size
    by_police = rng.random(rows) < 0.3 + police * north[family]
    chance = np.clip(luck[family] + 0.2 * by_police, 0, 0.9)
    lot, other_lot = (rng.random(families)[family] if alike else rng.random(rows) for _ in range(2))
    in_need = lot < 0.5 * chance
    without = ~in_need & (other_lot < (0.5 * chance + recorded * north[family]) / (1 - 0.5 * chance))
    return pl.DataFrame(
        {
            "group_id": [f"family {at}" for at in family],
            "people": np.where(north[family], "north", "south"),
            "sex": rng.choice(["female", "male"], rows),
            "source": np.where(by_police, "Police", rng.choice(["Schools", "Health services"], rows)),
            "outcome": in_need | without,
            "returned_in_need": in_need,
            "chance": np.clip(chance + (told + recorded / 2) * north[family], 0, 1),
        }
    )


def points(found: pl.DataFrame, value: str = "north") -> dict[str, float]:
    return dict(found.filter(value=value).select("stage", "points").iter_rows())


def drawn(rows: list[tuple[str, str, int, int, int, float]]) -> pl.DataFrame:
    """Rows from lines: people, source, how many rows (each a family of its own), of these back, of these in need, chance."""
    told = []
    for people, source, count, back, need, chance in rows:
        told += [(people, source, at < back, at < need, chance) for at in range(count)]
    frame = pl.DataFrame(told, schema=["people", "source", "outcome", "returned_in_need", "chance"], orient="row")
    return frame.with_columns(group_id=pl.int_range(pl.len()).cast(pl.String))


ONE_SIDED = drawn([("north", "Police", 40, 8, 4, 0.2), ("south", "Police", 40, 8, 4, 0.2), ("south", "Schools", 40, 10, 5, 0.5)])


def test_stages_of_a_drawn_table_are_those_worked_out_by_hand() -> None:
    rows = drawn(
        [
            ("north", "Police", 30, 12, 6, 0.5),  # 40 % back, half of them in need
            ("north", "Schools", 10, 2, 1, 0.3),  # 20 %
            ("south", "Police", 20, 4, 4, 0.25),  # 20 %, all in need
            ("south", "Schools", 60, 6, 3, 0.15),  # 10 %
        ]
    )
    found = points(split_gaps(rows, ["people"]))
    # Shares of the police: 75 % against 25 %; rates at the mean of both sides: police 30 %, schools 15 %.
    assert found["source_mix"] == pytest.approx(0.5 * 0.30 - 0.5 * 0.15)
    # In need: police 20 % against 20 %, schools 10 % against 5 %; at the mean shares 50 % and 50 %.
    assert found["found_in_need"] == pytest.approx(0.5 * 0.0 + 0.5 * 0.05)
    # Without: police 20 % against 0, schools 10 % against 5 %.
    assert found["without_need"] == pytest.approx(0.5 * 0.20 + 0.5 * 0.05)
    # Chances less returns: the north 0.45 - 0.35, the south 0.175 - 0.125.
    assert found["model"] == pytest.approx(0.10 - 0.05)
    assert found[WHOLE] == pytest.approx(0.45 - 0.175)


def test_the_stages_add_up_to_the_gap_in_average_chance_and_to_that_in_returns() -> None:
    rows = invent(3, recorded=0.05, told=0.02, police=0.2)
    found = points(split_gaps(rows, ["people", "sex"]))
    mean = dict(rows.group_by("people").agg(pl.col("chance").mean()).iter_rows())
    back = dict(rows.group_by("people").agg(pl.col("outcome").mean()).iter_rows())
    assert sum(found[stage] for stage in STAGES) == pytest.approx(found[WHOLE])
    assert found[WHOLE] == pytest.approx(mean["north"] - mean["south"])
    assert found[WHOLE] - found["model"] == pytest.approx(back["north"] - back["south"])


def test_the_frame_has_a_row_for_each_stage_of_each_group() -> None:
    found = split_gaps(invent(1), ["people", "sex"])
    assert dict(found.schema) == FRAME
    assert found.height == 4 * (len(STAGES) + 1)


@pytest.mark.parametrize(
    "rows", [invent(5, families=200, recorded=0.05, police=0.3, alike=True), ONE_SIDED], ids=["both", "one side"]
)
def test_errors_are_those_of_leaving_out_one_family_after_the_other(rows: pl.DataFrame) -> None:
    families = rows["group_id"].unique(maintain_order=True)
    without = [points(split_gaps(rows.filter(pl.col("group_id") != left_out), ["people"])) for left_out in families]
    for cell in split_gaps(rows, ["people"]).filter(value="north").iter_rows(named=True):
        jackknife = float(np.sqrt((families.len() - 1) * np.var([points[cell["stage"]] for points in without])))
        error = (cell["high"] - cell["points"]) / t.ppf(0.975, cell["families"] - 1)
        assert error == pytest.approx(jackknife, rel=0.1), cell["stage"]


@pytest.mark.parametrize(
    ("planted", "stage"),
    [({"recorded": 0.15}, "without_need"), ({"told": 0.2}, "model"), ({"police": 0.6}, "source_mix")],
)
def test_a_planted_difference_is_named_by_its_stage(planted: dict[str, float], stage: str) -> None:
    for seed in range(1, 6):
        found = split_gaps(invent(seed, families=1_500, **planted), ["people", "sex"])
        assert name_stage(found.filter(value="north")) == stage
        assert name_stage(found.filter(value="female")) is None


def test_with_nothing_planted_stages_are_rarely_evident_and_their_intervals_hold_zero() -> None:
    found = pl.concat(split_gaps(invent(seed, families=300), ["people", "sex"]).with_columns(seed=seed) for seed in range(1, 61))
    cried = found.filter("evident")["seed"].n_unique()
    of_stages = found.filter(pl.col("stage").is_in(STAGES), value="north").with_columns(
        holds=(pl.col("low") <= 0) & (pl.col("high") >= 0)
    )
    assert cried <= 6
    assert of_stages["holds"].mean() > 0.9  # type: ignore[operator]


def test_few_families_without_any_return_are_no_certainty() -> None:
    rows = drawn([("north", "Police", 20, 0, 0, 0.05), ("south", "Police", 3_000, 150, 0, 0.05)])
    assert name_stage(split_gaps(rows, ["people"]).filter(value="north")) is None


def test_groups_of_a_handful_of_families_are_left_out() -> None:
    rows = drawn([("north", "Police", 5, 2, 1, 0.4), ("south", "Police", 50, 10, 5, 0.2)])
    assert split_gaps(rows, ["people"]).is_empty()


def test_rows_whose_returns_are_not_settled_are_left_out() -> None:
    rows = invent(2)
    later = rows.head(500).with_columns(returned_in_need=pl.lit(None, pl.Boolean), outcome=pl.lit(value=True))
    assert split_gaps(pl.concat([rows, later]), ["people"]).equals(split_gaps(rows, ["people"]))


def test_who_referred_is_not_held_equal_when_sources_themselves_are_compared() -> None:
    found = split_gaps(invent(4), ["source"])
    assert found.filter(stage="source_mix")["points"].to_list() == [0.0] * 3


def test_what_only_one_side_has_counts_as_another_mix_of_sources() -> None:
    found = points(split_gaps(ONE_SIDED, ["people"]))
    assert found["source_mix"] == pytest.approx(0.2 - 18 / 80)
    assert found["found_in_need"] == found["without_need"] == 0.0
