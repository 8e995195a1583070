"""Who is offered what, as drawn tables: scores in, places out."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from models.offers import SCORES, families
from tests.spec.drawing import assert_drawn, words
from validation.errors import ContractError, SettingsError


def scores(table: str) -> pl.DataFrame:
    """Scores of one night from a drawn table with the columns family, child and chance; chance "?" is abstained."""
    rows = words(table)
    unknown = pl.col("chance") == "?"
    return rows.select(
        as_of=pl.lit(date(2026, 11, 24)),
        person_id="child",
        referral_id=pl.lit("case of ") + pl.col("child"),
        family_id="family",
        chance=pl.when(~unknown).then("chance").cast(pl.Float64),
        abstained=unknown,
        reason_for_abstaining=pl.when(unknown).then(pl.lit("too little is known")),
    )


def test_families_are_ordered_by_the_highest_chance_among_their_children() -> None:
    found = families(
        scores("""
            family  child  chance
            a       a1     0.20
            b       b1     0.10
            b       b2     0.60
            c       c1     0.40
        """),
        capacity=2,
        seed=1,
    )
    assert_drawn(
        found,
        """
            rank  family_id  chance  listed  tie_band  slot_chance
            1     b          0.6     true    false     1.0
            2     c          0.4     true    false     1.0
            3     a          0.2     false   false     0.0
        """,
    )


def test_five_brothers_and_sisters_take_one_place() -> None:
    found = families(
        scores("""
            family  child  chance
            a       a1     0.9
            a       a2     0.9
            a       a3     0.9
            a       a4     0.9
            a       a5     0.9
            b       b1     0.1
        """),
        capacity=2,
        seed=1,
    )
    assert found["listed"].to_list() == [True, True]
    assert found["children"].to_list() == [["a1", "a2", "a3", "a4", "a5"], ["b1"]]


def test_a_child_with_two_open_cases_is_one_child() -> None:
    rows = scores("""
        family  child  chance
        a       a1     0.3
        a       a1     0.5
    """).with_columns(referral_id=pl.Series(["first", "second"]))
    found = families(rows, capacity=1, seed=1)
    assert_drawn(found.with_columns(pl.col("children").list.len()), "rank family_id chance children\n1 a 0.5 1")


def test_the_last_places_are_drawn_among_equal_families_and_the_odds_are_kept() -> None:
    found = families(
        scores("""
            family  child  chance
            top     t1     0.9000
            x       x1     0.5001
            y       y1     0.5000
            z       z1     0.4999
            low     l1     0.1000
        """),
        capacity=3,
        seed=7,
    )
    assert_drawn(
        found.with_columns(pl.col("slot_chance").round(3)),
        """
            rank  listed  tie_band  slot_chance
            1     true    false     1.0
            2     true    true      0.667
            3     true    true      0.667
            4     false   true      0.667
            5     false   false     0.0
        """,
    )
    assert found["family_id"].to_list()[::4] == ["top", "low"]


def test_equal_families_that_all_have_a_place_are_no_tie_band() -> None:
    found = families(
        scores("""
            family  child  chance
            x       x1     0.5
            y       y1     0.5
            z       z1     0.2
        """),
        capacity=2,
        seed=1,
    )
    assert_drawn(
        found,
        """
            rank  listed  tie_band  slot_chance
            1     true    false     1.0
            2     true    false     1.0
            3     false   false     0.0
        """,
    )


def test_the_grain_says_what_counts_as_equal() -> None:
    rows = scores("""
        family  child  chance
        x       x1     0.502
        y       y1     0.498
    """)
    assert families(rows, 1, seed=1)["slot_chance"].to_list() == [1.0, 0.0]
    assert families(rows, 1, seed=1, near=0.01)["slot_chance"].to_list() == [0.5, 0.5]


def test_the_shuffle_keeps_its_word() -> None:
    """Over many seeds each equal family has a place as often as its ``slot_chance`` says."""
    rows = scores("""
        family  child  chance
        w       w1     0.5
        x       x1     0.5
        y       y1     0.5
        z       z1     0.5
    """)
    nights = pl.concat([families(rows, 1, seed) for seed in range(600)])
    shares = nights.group_by("family_id").agg(pl.col("listed").mean(), pl.col("slot_chance").mean())
    assert shares["slot_chance"].to_list() == [0.25] * 4
    assert shares["listed"].is_between(0.18, 0.32).all()


def test_the_same_seed_draws_the_same_order_and_another_seed_another() -> None:
    rows = scores("family child chance\n" + "\n".join(f"f{n} c{n} 0.5" for n in range(20)))
    once, again, other = (families(rows, 5, seed)["family_id"].to_list() for seed in (3, 3, 4))
    assert once == again
    assert once != other


def test_the_order_of_the_input_rows_changes_nothing() -> None:
    rows = scores("family child chance\n" + "\n".join(f"f{n % 9} c{n} 0.{n % 3 + 1}" for n in range(30)))
    first = families(rows, 4, seed=5)
    for seed in range(5):
        assert_frame_equal(families(rows.sample(fraction=1, shuffle=True, seed=seed), 4, seed=5), first)


def test_a_family_about_which_too_little_is_known_is_kept_and_not_ranked() -> None:
    found = families(
        scores("""
            family  child  chance
            a       a1     ?
            a       a2     0.3
            b       b1     ?
            b       b2     ?
        """),
        capacity=5,
        seed=1,
    )
    assert_drawn(
        found,
        """
            rank  family_id  chance  cases_abstained  listed  slot_chance
            1     a          0.3     1                true    1.0
            -     b          -       2                false   0.0
        """,
    )


def test_a_child_without_a_recorded_family_is_a_family_of_its_own() -> None:
    found = families(
        scores("""
            family  child  chance
            -       c1     0.4
            -       c2     0.3
        """),
        capacity=1,
        seed=1,
    )
    assert_drawn(found, "rank family_id listed\n1 c1 true\n2 c2 false")


@pytest.mark.parametrize("capacity", [0, 1, 4, 10, 50])
def test_the_odds_add_up_to_the_places_that_are_given(capacity: int) -> None:
    rows = scores("family child chance\n" + "\n".join(f"f{n} c{n} 0.{n % 4 + 1}" for n in range(12)))
    found = families(rows, capacity, seed=2)
    assert found["listed"].sum() == min(capacity, 12)
    assert found["slot_chance"].sum() == pytest.approx(min(capacity, 12))


def test_no_case_gives_no_family() -> None:
    found = families(pl.DataFrame(schema=SCORES), capacity=5, seed=1)
    assert found.height == 0
    assert "slot_chance" in found.columns


@pytest.mark.parametrize(("argument", "value"), [("capacity", -1), ("seed", -1), ("seed", 2**32), ("near", 0.0), ("near", 0.5)])
def test_an_argument_out_of_range_is_refused_by_name(argument: str, value: float) -> None:
    arguments = {"capacity": 1, "seed": 1, "near": 0.001} | {argument: value}
    with pytest.raises(SettingsError, match=f"'{argument}' is {value}"):
        families(pl.DataFrame(schema=SCORES), **arguments)


GOOD = scores("""
    family  child  chance
    a       a1     0.2
    b       b1     0.1
""")


@pytest.mark.parametrize(
    ("faulty", "words"),
    [
        (GOOD.drop("chance"), "lacks 'chance'"),
        (GOOD.with_columns(pl.col("chance").cast(pl.String)), "lacks 'chance'"),
        (GOOD.with_columns(chance=pl.Series([0.2, None])), "'chance' is empty or outside 0 to 1 in 1 rows"),
        (GOOD.with_columns(chance=pl.Series([0.2, float("nan")])), "'chance' is empty or outside 0 to 1 in 1 rows"),
        (GOOD.with_columns(chance=pl.Series([0.2, 1.2])), "'chance' is empty or outside 0 to 1 in 1 rows"),
        (GOOD.with_columns(as_of=pl.Series([date(2026, 1, 1), date(2026, 1, 2)])), "several dates"),
        (GOOD.with_columns(abstained=pl.Series([True, None])), "1 rows without"),
        (pl.concat([GOOD, GOOD]), "2 cases more than once"),
    ],
)
def test_scores_in_the_wrong_shape_are_refused(faulty: pl.DataFrame, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        families(faulty, capacity=1, seed=1)
