"""Who has a place, as drawn tables: chances, eligibility, the list before and decisions in, standings out."""

from collections.abc import Mapping
from datetime import date, timedelta
from math import sqrt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from models.offer_kinds import Offers, read_offers
from models.offers import SCORES
from models.places import ELIGIBLE, HELD, PLACES, Standing, allocate
from tests.spec.drawing import assert_drawn, words
from tests.unit.test_team_decisions import decisions
from validation.errors import ContractError, SettingsError

AS_OF = date(2026, 11, 24)


def offered(most_days: int = 42, **slots: int) -> Offers:
    """Offers without rules: kinds in order with their slots of a week."""
    kinds = "".join(f'[[kind]]\ncode = "{code}"\nweekly_slots = {count}\nrules = []\n' for code, count in slots.items())
    return read_offers(f"most_days_listed = {most_days}\nnext_families = 20\n{kinds}")


def night(table: str, as_of: date = AS_OF) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores and eligibility of a night from a drawn table: family, chance ("?" is abstained), kinds ("law" stands apart).

    A child is called like its family with a number, unless ``child`` is drawn. Kinds stand between commas; a family's first row
    counts.
    """
    drawn = words(table)
    if "child" not in drawn.columns:
        number = pl.int_range(pl.len()).over("family")
        drawn = drawn.with_columns(child=pl.format("{}{}", "family", number))
    unknown = pl.col("chance") == "?"
    scores = drawn.select(
        as_of=pl.lit(as_of),
        person_id="child",
        referral_id=pl.format("case of {}", "child"),
        family_id="family",
        chance=pl.when(~unknown).then("chance").cast(pl.Float64),
        abstained=unknown,
        reason_for_abstaining=pl.lit(None, pl.String),
    )
    by_law = pl.col("kinds") == "law"
    kinds = pl.when(~by_law).then("kinds").fill_null("").str.split(",").list.drop_nulls()
    none = pl.lit([], pl.List(pl.String))
    eligible = (
        drawn.group_by("family", maintain_order=True)
        .first()
        .select(
            family_id="family",
            kinds=pl.when(by_law.fill_null(value=False) | pl.col("kinds").is_null()).then(none).otherwise(kinds),
            why_not=pl.when(pl.col("kinds").is_null()).then(pl.lit(["It may not."])).otherwise(none),
            statutory=by_law.fill_null(value=False),
        )
    )
    return scores, eligible


def before(table: str = "family kind since") -> pl.DataFrame:
    """The list before from a drawn table: family, kind, since (a date), and what else is told; children by commas."""
    drawn = words(table)
    told = {name: pl.col(name) if name in drawn.columns else pl.lit(None, pl.String) for name in ("children", "standing", "odds")}
    return drawn.select(
        family_id="family",
        children=told["children"].fill_null("").str.split(","),
        standing=told["standing"].fill_null("place"),
        kind="kind",
        listed_since=pl.col("since").str.to_date(),
        tie_band=told["odds"].is_not_null(),
        slot_chance=told["odds"].cast(pl.Float64).fill_null(1.0),
    )


def place(
    table: str,
    offers: Offers,
    held: pl.DataFrame | None = None,
    decided: str = "family decision on",
    made: Mapping[str, int] | None = None,
    seed: int = 3,
    as_of: date = AS_OF,
) -> pl.DataFrame:
    return allocate(*night(table, as_of), held, decisions(decided), offers, made or {}, seed, as_of)


def standings(found: pl.DataFrame) -> dict[str, tuple[str, str | None]]:
    """What became of each family: its standing and kind."""
    return {family: (standing, kind) for family, standing, kind in found.select("family_id", "standing", "kind").iter_rows()}


def with_place(found: pl.DataFrame) -> dict[str, str]:
    """Families with a place and its kind."""
    return dict(found.filter(standing="place").select("family_id", "kind").sort("family_id").iter_rows())


def assert_places(found: pl.DataFrame, expected: str) -> None:
    """Compare the drawn columns with those found, in order; standings have "_" for a blank."""
    assert_drawn(found.with_columns(pl.col("standing").str.replace_all(" ", "_")), expected)


FIVE = """
    family  chance  kinds
    low     0.10    EH
    top     0.90    EH
    not     0.80    -
    next    0.70    EH
    dark    ?       EH
    law     0.95    law
"""


def test_places_go_down_the_order_of_those_who_may_have_one() -> None:
    assert_places(
        place(FIVE, offered(EH=2)),
        """
            family_id  order  chance  standing      kind  slot_chance  tie_band  listed_since
            top        1      0.9     place         EH    1.0          false     2026-11-24
            not        2      0.8     not_eligible  -     0.0          false     -
            next       3      0.7     place         EH    1.0          false     2026-11-24
            low        4      0.1     waiting       -     0.0          false     -
            dark       -      -       not_scored    -     0.0          false     -
            law        -      0.95    statutory     -     0.0          false     -
        """,
    )


def test_the_frame_has_its_columns_and_types() -> None:
    assert dict(place(FIVE, offered(EH=2)).schema) == PLACES


def test_words_of_refusal_and_kinds_are_handed_on() -> None:
    found = place(FIVE, offered(EH=2))
    assert found.filter(family_id="not").select("kinds", "why_not").row(0) == ([], ["It may not."])
    assert found.filter(family_id="top").select("kinds", "why_not").row(0) == (["EH"], [])


def test_five_children_take_one_slot() -> None:
    table = "family chance kinds\n" + "a 0.9 EH\n" * 5 + "b 0.1 EH"
    assert with_place(place(table, offered(EH=2))) == {"a": "EH", "b": "EH"}


@pytest.mark.parametrize("chance", ["0.0", "0.5", "1.0", "?"])
def test_a_family_that_stands_apart_by_law_is_never_put_in_order_nor_given_a_place(chance: str) -> None:
    found = place(
        f"family chance kinds\nlaw {chance} law\nb 0.1 EH", offered(EH=5), before("family kind since\nlaw EH 2026-11-20")
    )
    assert found.filter(family_id="law").select("order", "standing", "kind", "slot_chance").row(0) == (
        None,
        "statutory",
        None,
        0.0,
    )


def test_a_family_that_stands_apart_by_law_leaves_no_gap_in_the_order() -> None:
    found = place("family chance kinds\na 0.9 EH\nlaw 0.5 law\nb 0.1 EH", offered(EH=5))
    assert found["order"].to_list() == [1, 2, None]


def test_kinds_are_filled_in_the_order_of_the_file() -> None:
    table = "family chance kinds\na 0.9 FGC,EH\nb 0.8 FGC,EH\nc 0.7 EH"
    assert with_place(place(table, offered(FGC=1, EH=1))) == {"a": "FGC", "b": "EH"}
    assert with_place(place(table, offered(EH=1, FGC=1))) == {"a": "EH", "b": "FGC"}


def test_a_kind_that_nobody_may_have_gives_its_slots_to_no_other() -> None:
    found = place("family chance kinds\na 0.9 EH\nb 0.8 EH", offered(FGC=3, EH=1))
    assert with_place(found) == {"a": "EH"}


ONE = offered(EH=1)
OVERTAKEN = "family chance kinds\na 0.2 EH\nb 0.9 EH"
HELD_BY_A = before("family kind since odds\na EH 2026-11-20 0.25")


def test_an_undecided_family_keeps_its_place_when_others_overtake_it() -> None:
    assert_places(
        place(OVERTAKEN, ONE, HELD_BY_A),
        """
            family_id  order  standing  kind  slot_chance  tie_band  listed_since
            b          1      waiting   -     0.0          false     -
            a          2      place     EH    0.25         true      2026-11-20
        """,
    )


KNOWN_AGAIN = {
    "by a child, under another name": (
        "family child chance kinds\nz a0 0.2 EH\nb b0 0.9 EH",
        "family children kind since\na a0 EH 2026-11-20",
    ),
    "by name, with another child": (
        "family child chance kinds\na a9 0.2 EH\nb b0 0.9 EH",
        "family children kind since\na a0 EH 2026-11-20",
    ),
    "a child without a family that has been given one": (
        "family child chance kinds\nz a0 0.2 EH\nb b0 0.9 EH",
        "family children kind since\na0 a0 EH 2026-11-20",
    ),
}


@pytest.mark.parametrize(("table", "held"), KNOWN_AGAIN.values(), ids=list(KNOWN_AGAIN))
def test_a_family_is_known_again(table: str, held: str) -> None:
    assert set(with_place(place(table, ONE, before(held)))) == {table.splitlines()[1].split()[0]}


def test_a_family_that_came_apart_keeps_one_place_and_the_part_with_most_children_has_it() -> None:
    table = "family child chance kinds\np a0 0.2 EH\nq a1 0.3 EH\nq a2 0.3 EH\nb b0 0.9 EH"
    assert with_place(place(table, ONE, before("family children kind since\na a0,a1,a2 EH 2026-11-20"))) == {"q": "EH"}


def test_a_family_that_came_apart_keeps_its_place_under_its_name() -> None:
    table = "family child chance kinds\na a0 0.2 EH\nq a1 0.3 EH\nq a2 0.3 EH\nb b0 0.9 EH"
    assert with_place(place(table, ONE, before("family children kind since\na a0,a1,a2 EH 2026-11-20"))) == {"a": "EH"}


@pytest.mark.parametrize(("a_since", "b_since", "kind"), [("19", "20", "EH"), ("20", "19", "FGC")])
def test_two_families_that_came_together_keep_the_place_that_was_given_first(a_since: str, b_since: str, kind: str) -> None:
    table = "family child chance kinds\nz a0 0.2 FGC,EH\nz b0 0.3 FGC,EH"
    held = before(f"family children kind since\na a0 EH 2026-11-{a_since}\nb b0 FGC 2026-11-{b_since}")
    assert with_place(place(table, offered(FGC=1, EH=1), held)) == {"z": kind}


LOST = {
    "it may not have the kind any more": ("a 0.2 FGC", "family decision on", "waiting"),
    "it may have nothing any more": ("a 0.2 -", "family decision on", "not eligible"),
    "it is not scored": ("a ? EH", "family decision on", "not scored"),
    "it stands apart by law": ("a 0.2 law", "family decision on", "statutory"),
    "somebody decided after it was given": ("a 0.2 EH", "family decision on night\na other 2026-11-21 2026-11-10", "waiting"),
    "somebody decided on the list that gave it": (
        "a 0.2 EH",
        "family decision on night\na other 2026-11-20 2026-11-20",
        "waiting",
    ),
    "the decision names a child": ("a 0.2 EH", "family children decision on\nold x,a0 declined 2026-11-22", "waiting"),
    "it was kept, and decided on later": (
        "a 0.2 EH",
        "family decision on\na keep_on_the_list 2026-11-21\na already_helped 2026-11-22",
        "waiting",
    ),
}


@pytest.mark.parametrize(("row", "decided", "standing"), LOST.values(), ids=list(LOST))
def test_a_place_is_lost_and_goes_to_the_next_when(row: str, decided: str, standing: str) -> None:
    found = place(f"family chance kinds\n{row}\nb 0.9 EH", offered(EH=1, FGC=0), HELD_BY_A, decided)
    assert standings(found) == {"a": (standing, None), "b": ("place", "EH")}


STANDS = {
    "a decision on an older list, before the place was given": "family decision on night\na other 2026-11-19 2026-11-18",
    "a decision on an older list, on the day the place was given": "family decision on night\na other 2026-11-20 2026-11-18",
    "a decision of tomorrow": "family decision on\na other 2026-11-25",
    "a decision about another family": "family children decision on\nb b0 other 2026-11-22",
    "kept on the list": "family decision on\na keep_on_the_list 2026-11-22",
    "kept on the list after all": "family decision on\na other 2026-11-21\na keep_on_the_list 2026-11-22",
}


@pytest.mark.parametrize("decided", STANDS.values(), ids=list(STANDS))
def test_a_place_stands_after(decided: str) -> None:
    assert with_place(place(OVERTAKEN, ONE, HELD_BY_A, decided)) == {"a": "EH"}


def test_a_place_of_a_kind_that_is_offered_no_more_is_lost() -> None:
    found = place("family chance kinds\na 0.9 EH", ONE, before("family kind since\na FGC 2026-11-20"))
    assert found.select("kind", "listed_since").row(0) == ("EH", AS_OF)


def test_only_if_slots_are_fewer_the_last_in_order_lose_theirs() -> None:
    table = "family chance kinds\na 0.2 EH\nb 0.3 EH\nc 0.9 EH\nd 0.4 EH"
    held = before("family kind since\na EH 2026-11-20\nb EH 2026-11-20\nd EH 2026-11-20")
    assert standings(place(table, offered(EH=2), held)) == {
        "a": ("waiting", None),
        "b": ("place", "EH"),
        "c": ("waiting", None),
        "d": ("place", "EH"),
    }


def test_one_who_lost_a_place_to_fewer_slots_may_be_given_another_kind() -> None:
    table = "family chance kinds\na 0.2 FGC,EH\nb 0.3 FGC"
    held = before("family kind since\na FGC 2026-11-20\nb FGC 2026-11-20")
    assert with_place(place(table, offered(FGC=1, EH=1), held)) == {"a": "EH", "b": "FGC"}


WEEK = {
    "none made yet": ({}, {"a": "EH", "b": "EH"}),
    "one made": ({"EH": 1}, {"a": "EH"}),
    "all made": ({"EH": 2}, {}),
    "more made than there are": ({"EH": 5}, {}),
    "of another kind": ({"FGC": 2}, {"a": "EH", "b": "EH"}),
}


@pytest.mark.parametrize(("made", "expected"), WEEK.values(), ids=list(WEEK))
def test_slots_are_those_of_the_week_less_the_offers_made(made: dict[str, int], expected: dict[str, str]) -> None:
    assert with_place(place("family chance kinds\na 0.9 EH\nb 0.8 EH\nc 0.7 EH", offered(EH=2), made=made)) == expected


def test_a_slot_that_is_freed_goes_to_the_next() -> None:
    table, held = (
        "family chance kinds\na 0.9 -\nb 0.8 EH\nc 0.7 EH",
        before("family kind since\na EH 2026-11-23\nb EH 2026-11-23"),
    )
    found = place(table, offered(EH=2), held, "family decision on\na declined 2026-11-24")
    assert found.filter(standing="place").select("family_id", "listed_since").rows() == [("b", date(2026, 11, 23)), ("c", AS_OF)]


AGES = {
    "a day before the limit": ("2026-10-14", "place"),
    "at the limit": ("2026-10-13", "renew"),
    "past the limit": ("2026-09-01", "renew"),
}


@pytest.mark.parametrize(("since", "standing"), AGES.values(), ids=list(AGES))
def test_a_place_is_to_be_renewed_after_so_many_days(since: str, standing: str) -> None:
    found = place("family chance kinds\na 0.2 EH", ONE, before(f"family kind since odds\na EH {since} 0.5"))
    assert found.select("standing", "kind", "listed_since", "slot_chance").row(0) == (
        standing,
        "EH",
        date.fromisoformat(since),
        0.5,
    )


OLD = before("family standing kind since\na renew EH 2026-10-01")


def test_a_family_to_be_renewed_holds_no_slot() -> None:
    assert standings(place(OVERTAKEN, ONE, OLD)) == {"a": ("renew", "EH"), "b": ("place", "EH")}


def test_a_family_kept_on_the_list_has_its_days_begin_anew() -> None:
    found = place("family chance kinds\na 0.2 EH\nb 0.9 EH", ONE, OLD, "family decision on\na keep_on_the_list 2026-11-22")
    assert found.filter(family_id="a").select("standing", "listed_since").row(0) == ("place", date(2026, 11, 22))


def test_a_family_to_be_renewed_is_gone_once_decided() -> None:
    assert standings(place(OVERTAKEN, ONE, OLD, "family decision on\na other 2026-11-22"))["a"] == ("waiting", None)


def test_families_that_were_not_listed_before_keep_nothing() -> None:
    held = before("family standing kind since\na waiting EH 2026-11-20\nc waiting EH 2026-11-20")
    assert with_place(place(OVERTAKEN, ONE, held)) == {"b": "EH"}


BANDS = {
    "two of three": (
        offered(EH=3),
        "top 0.9 EH\nx 0.5001 EH\ny 0.5 EH\nz 0.4999 EH\nlow 0.1 EH",
        {"top": 1.0, "x": 2 / 3, "y": 2 / 3, "z": 2 / 3, "low": 0.0},
    ),
    "equal ones that all have a slot are no tie": (offered(EH=2), "x 0.5 EH\ny 0.5 EH\nz 0.2 EH", {"x": 1.0, "y": 1.0, "z": 0.0}),
    "two draws": (offered(FGC=1, EH=1), "x 0.5 FGC,EH\ny 0.5 FGC,EH\nz 0.5 FGC,EH\nw 0.5 FGC,EH", dict.fromkeys("wxyz", 0.5)),
    "a second draw with another": (
        offered(FGC=1, EH=1),
        "x 0.5 FGC,EH\ny 0.5 FGC,EH\nz 0.5 EH",
        {"x": 3 / 4, "y": 3 / 4, "z": 0.5},
    ),
    "a second draw without a rival": (
        offered(FGC=1, EH=1),
        "x 0.5 FGC,EH\ny 0.5 FGC,EH\nz 0.2 EH",
        {"x": 1.0, "y": 1.0, "z": 0.0},
    ),
    "draws of different families": (offered(FGC=1, EH=1), "v 0.9 FGC\nx 0.5 EH\ny 0.5 EH", {"v": 1.0, "x": 0.5, "y": 0.5}),
    "no slot": (offered(EH=0), "x 0.5 EH\ny 0.5 EH", {"x": 0.0, "y": 0.0}),
}
SEEDS = 150
DRAWN = ("two of three", "two draws", "a second draw with another")


@pytest.mark.parametrize(("offers", "rows", "odds"), BANDS.values(), ids=list(BANDS))
def test_the_chance_of_a_slot_is_exact(offers: Offers, rows: str, odds: dict[str, float]) -> None:
    found = place(f"family chance kinds\n{rows}", offers)
    assert dict(found.select("family_id", "slot_chance").iter_rows()) == pytest.approx(odds)


@pytest.mark.parametrize("name", DRAWN)
def test_the_lots_keep_the_chance_that_was_told(name: str) -> None:
    """Over many seeds each family has a slot as often as told, to within four standard errors."""
    offers, rows, odds = BANDS[name]
    scores, eligible = night(f"family chance kinds\n{rows}")
    nights = [allocate(scores, eligible, None, decisions(), offers, {}, seed, AS_OF) for seed in range(SEEDS)]
    wins = pl.concat(nights).group_by("family_id").agg((pl.col("standing") == "place").mean())
    shares = dict(wins.iter_rows())
    assert {
        family: share
        for family, share in shares.items()
        if abs(share - odds[family]) > 4 * sqrt(odds[family] * (1 - odds[family]) / SEEDS)
    } == {}


@pytest.mark.parametrize(("rival", "chance"), [("z 0.9 EH", 0.5), ("z 0.1 EH", 1.0)])
def test_one_that_won_has_the_chance_that_losing_would_have_left_it(rival: str, chance: float) -> None:
    """Whether x wins the first draw or loses it: the second slot is certain for it, or certainly another's."""
    table = f"family chance kinds\nx 0.5 FGC,EH\ny 0.5 FGC\n{rival}"
    nights = [place(table, offered(FGC=1, EH=1), seed=seed).filter(family_id="x") for seed in range(8)]
    assert {found["slot_chance"].item() for found in nights} == {chance}


def test_who_stood_in_a_tie_band_is_told() -> None:
    found = place("family chance kinds\ntop 0.9 EH\nx 0.5 EH\ny 0.5 EH\nlow 0.1 EH", offered(EH=2))
    assert dict(found.select("family_id", "tie_band").iter_rows()) == {"top": False, "x": True, "y": True, "low": False}


TWENTY = "family chance kinds\n" + "\n".join(f"f{n:02} 0.5 FGC,EH" for n in range(20))


def test_each_kind_has_lots_of_its_own() -> None:
    """The losers of the first draw in the order of the first lots would always win the second."""
    first = [set(with_place(place(TWENTY, offered(FGC=5), seed=seed))) for seed in range(10)]
    both = [with_place(place(TWENTY, offered(EH=0, FGC=5), seed=seed)) for seed in range(10)]
    assert all(ours != set(theirs) for ours, theirs in zip(first, both, strict=True))


def test_each_night_has_lots_of_its_own() -> None:
    assert with_place(place(TWENTY, offered(EH=5))) != with_place(place(TWENTY, offered(EH=5), as_of=AS_OF + timedelta(1)))


def test_the_same_seed_draws_the_same_lots_and_another_seed_others() -> None:
    once, again, other = (place(TWENTY, offered(EH=5), seed=seed) for seed in (3, 3, 4))
    assert_frame_equal(once, again)
    assert with_place(once) != with_place(other)


def test_no_case_gives_no_family() -> None:
    found = allocate(pl.DataFrame(schema=SCORES), pl.DataFrame(schema=ELIGIBLE), before(), decisions(), ONE, {}, 3, AS_OF)
    assert (found.height, dict(found.schema)) == (0, PLACES)


def test_no_list_before_is_as_one_without_places() -> None:
    assert_frame_equal(place(FIVE, offered(EH=2), None), place(FIVE, offered(EH=2), before()))


GOOD = night("family chance kinds\na 0.2 EH\nb 0.1 EH")
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "scores without chances": ({"scores": GOOD[0].drop("chance")}, "'scores' lacks 'chance'"),
    "scores of another night": ({"as_of": AS_OF + timedelta(1)}, "'scores' is of another night than 2026-11-25"),
    "a family that was not judged": ({"eligible": GOOD[1].head(1)}, "'eligible' has 1 rows for 2 families"),
    "a family judged twice": ({"eligible": pl.concat([GOOD[1], GOOD[1].head(1)])}, "'eligible' has 3 rows for 2 families"),
    "other families judged": ({"eligible": GOOD[1].with_columns(family_id=pl.Series(["a", "c"]))}, "'eligible' has 2 rows for 2"),
    "eligibility without kinds": ({"eligible": GOOD[1].drop("kinds")}, "'eligible' lacks 'kinds'"),
    "a list before without dates": ({"held": before().drop("listed_since")}, "'held' lacks 'listed_since'"),
    "a place before without a kind": (
        {"held": before("family kind since\na - 2026-11-20")},
        "'held' has 1 places without a kind",
    ),
    "a family listed twice": (
        {"held": before("family kind since\na EH 2026-11-20\na EH 2026-11-20")},
        "'held' has 1 families more than once",
    ),
    "a log without days": ({"decided": decisions().drop("decided_on")}, "'decided' lacks 'decided_on'"),
}


@pytest.mark.parametrize(("faulty", "told"), WRONG.values(), ids=list(WRONG))
def test_input_in_the_wrong_shape_is_refused(faulty: dict[str, Any], told: str) -> None:
    given = {"scores": GOOD[0], "eligible": GOOD[1], "held": before(), "decided": decisions(), "offers": ONE,
             "made_this_week": {}, "seed": 3, "as_of": AS_OF} | faulty  # fmt: skip
    with pytest.raises(ContractError, match=told):
        allocate(**given)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(SettingsError, match=f"'seed' is {seed}"):
        place(FIVE, ONE, seed=seed)


# Properties, of any night. Families are called f0, f1 ...; the list before is of the same names.

KINDS = ("FGC", "EH")
A_FAMILY = st.tuples(
    st.sampled_from(["?", "0.1", "0.5", "0.5", "0.9"]),
    st.sampled_from(["-", "law", "FGC", "EH", "FGC,EH"]),
    st.sampled_from([None, "FGC 2026-11-20", "EH 2026-11-20", "EH 2026-09-01"]),
    st.sampled_from([None, "other", "keep_on_the_list"]),
)
A_NIGHT = st.fixed_dictionaries(
    {
        "families": st.lists(A_FAMILY, min_size=1, max_size=12),
        "slots": st.tuples(st.integers(0, 4), st.integers(0, 4)),
        "made": st.tuples(st.integers(0, 3), st.integers(0, 3)),
        "seed": st.integers(0, 2**32 - 1),
    }
)
ANY = settings(max_examples=15, deadline=None, derandomize=True, database=None)


def parts_of(drawn: dict[str, Any]) -> dict[str, Any]:
    """What ``allocate`` takes, of a drawn night."""
    families = list(enumerate(drawn["families"]))
    scores, eligible = night("family chance kinds\n" + "\n".join(f"f{n} {chance} {kinds}" for n, (chance, kinds, *_) in families))
    held = before("family kind since\n" + "\n".join(f"f{n} {held}" for n, (*_, held, _) in families if held))
    told = [f"f{n} {decision} 2026-11-22" for n, (*_, decision) in families if decision]
    return {"scores": scores, "eligible": eligible, "held": held, "decided": decisions("family decision on\n" + "\n".join(told)),
            "offers": offered(**dict(zip(KINDS, drawn["slots"], strict=True))),
            "made_this_week": dict(zip(KINDS, drawn["made"], strict=True)), "seed": drawn["seed"], "as_of": AS_OF}  # fmt: skip


@ANY
@given(A_NIGHT)
def test_slots_are_never_exceeded_and_every_slot_that_somebody_may_have_is_given(drawn: dict[str, Any]) -> None:
    found = allocate(**parts_of(drawn))
    for number, kind in enumerate(KINDS):
        slots = max(0, drawn["slots"][number] - drawn["made"][number])
        given_places = found.filter(standing="place", kind=kind).height
        waiting = found.filter(pl.col("standing") == "waiting", pl.col("kinds").list.contains(kind)).height
        assert given_places <= slots
        assert given_places == slots or waiting == 0


@ANY
@given(A_NIGHT)
def test_every_family_has_one_row_and_a_standing_that_fits(drawn: dict[str, Any]) -> None:
    found = allocate(**parts_of(drawn))
    assert found["family_id"].sort().to_list() == sorted(f"f{n}" for n in range(len(drawn["families"])))
    assert set(found["standing"]) <= set(Standing)
    listed = pl.col("standing").is_in(["place", "renew"])
    assert found.filter(listed != pl.col("kind").is_not_null()).is_empty()
    assert found.filter(listed != pl.col("listed_since").is_not_null()).is_empty()
    assert found.filter(listed, ~pl.col("kinds").list.contains(pl.col("kind"))).is_empty()
    assert found.filter(pl.col("standing") == "statutory", pl.col("order").is_not_null()).is_empty()
    assert found["slot_chance"].is_between(0, 1).all()


@ANY
@given(A_NIGHT, st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(drawn: dict[str, Any], shuffle: int) -> None:
    parts = parts_of(drawn)
    mixed = {
        name: part.sample(fraction=1, shuffle=True, seed=shuffle) if isinstance(part, pl.DataFrame) else part
        for name, part in parts.items()
    }
    assert_frame_equal(allocate(**mixed), allocate(**parts))


@ANY
@given(A_NIGHT, st.integers(0, 11), st.sampled_from(["0.1", "0.5", "0.9"]))
def test_one_changed_chance_moves_one_family_and_one_more_for_each_kind(drawn: dict[str, Any], which: int, chance: str) -> None:
    families = drawn["families"]
    at = which % len(families)
    old, *rest = families[at]
    if old == "?":
        old = "0.1"
    changed = {**drawn, "families": [*families[:at], (chance, *rest), *families[at + 1 :]]}
    same = {**drawn, "families": [*families[:at], (old, *rest), *families[at + 1 :]]}
    before_it, after_it = (with_place(allocate(**parts_of(each))) for each in (same, changed))
    others = {family for family in before_it.keys() | after_it.keys() if before_it.get(family) != after_it.get(family)} - {
        f"f{at}"
    }
    assert len(others) <= len(KINDS)


@ANY
@given(A_NIGHT)
def test_the_same_night_after_the_night_changes_no_place(drawn: dict[str, Any]) -> None:
    """Whoever was given a place still has it when nothing happens until the next list."""
    parts = parts_of(drawn)
    first = allocate(**parts)
    second = allocate(**{**parts, "held": first, "decided": decisions()})
    assert with_place(second) == with_place(first)


def test_slots_that_were_not_used_do_not_carry_into_the_next_week() -> None:
    """Sunday's list is of the new week: as many places as the week has slots, however few were used before."""
    table = "family chance kinds\n" + "\n".join(f"f{n} 0.{9 - n} EH" for n in range(6))
    saturday, sunday = date(2026, 11, 21), date(2026, 11, 22)
    idle = place(table, offered(EH=2), as_of=saturday)
    assert with_place(place(table, offered(EH=2), idle, as_of=sunday)) == with_place(idle) == {"f0": "EH", "f1": "EH"}


def test_listed_columns_of_the_night_before_are_those_that_the_next_night_reads() -> None:
    assert set(HELD) <= set(PLACES)
