"""Reasons say what is true of the case, on the right side, the largest first, and no more than a few."""

from datetime import date

import polars as pl
import pytest

from features.definition import Direction, Family, Feature
from features.measure import Formula
from features.streams import CONTACTS as EVENTS
from features.streams import SCALINGS
from features.wordings import since
from models.reasons import explain


def declare(
    name: str, words: str, absence: str, *, formula: Formula | None = None, family: Family = Family.CONTACTS,
    unit: str = "count", direction: Direction = Direction.HIGHER,
) -> Feature:  # fmt: skip
    formula = formula or EVENTS.count()
    return Feature(name, family, f"Number of {name} on record.", formula, direction, words, absence, unit=unit)


YES_NO = "yes (1) or no (0)"
CONTACTS = declare("contacts", "contacts: {value}", "no contacts")
ABUSE = declare("abuse", "abuse was found", "no abuse was found", unit=YES_NO)
POLICE = declare("police", "the police referred", "others referred", family=Family.CASE, unit=YES_NO)
PLANS = declare("plans", "plans: {value}", "no plans", direction=Direction.EITHER)
DAYS = declare("days", "the last: {value} days ago", "none", formula=EVENTS.days_since_last(), direction=Direction.LOWER)
SCALE = declare("scale", "scaled at {value}", "not scaled", formula=SCALINGS.latest("scale"), direction=Direction.LOWER)
SHARE = declare("share", "ended so: {value}", "nothing ended", formula=EVENTS.share("ended_nfa"), unit="share")
CHANGE = declare("change", "{value} more than before", "no telling", formula=EVENTS.change(90), direction=Direction.EITHER)
MORE = declare("more", "{size} {more}, {higher}, {rose}", "no telling", formula=EVENTS.change(90), direction=Direction.EITHER)
QUIET = since("quiet", "the last contact", "no contact", Family.CONTACTS, EVENTS)
TOTAL = declare("total", "{value} in all", "none in all", formula=SCALINGS.total("strengths"), direction=Direction.LOWER)


def explain_one(feature: Feature, value: float | None, contribution: float) -> dict[str, object]:
    matrix = pl.DataFrame(
        {"as_of": [date(2025, 1, 1)], "person_id": ["p"], "referral_id": ["r"], feature.name: [value]},
        schema_overrides={feature.name: pl.Float32},
    )
    (row,) = explain(pl.DataFrame({feature.name: [contribution]}), matrix, [feature]).to_dicts()
    return row


@pytest.mark.parametrize(
    ("feature", "value", "contribution", "side", "words"),
    [
        (CONTACTS, 3.0, 0.4, "worry", "contacts: 3"),
        (CONTACTS, 0.0, -0.4, "about the case", "no contacts"),
        # one contact where most have more lowers the chance, and still is nothing that works well
        (CONTACTS, 1.0, -0.4, "about the case", "contacts: 1"),
        (ABUSE, 1.0, 0.4, "worry", "abuse was found"),
        (ABUSE, 0.0, -0.4, "about the case", "no abuse was found"),
        (ABUSE, 0.0, 0.4, "about the case", "no abuse was found"),
        (POLICE, 1.0, 0.4, "about the case", "the police referred"),
        (POLICE, 0.0, -0.4, "about the case", "others referred"),
        # without a declared direction nothing is a worry or a strength
        (PLANS, 2.0, 0.4, "about the case", "plans: 2"),
        (PLANS, 0.0, -0.4, "about the case", "no plans"),
        (DAYS, 40.0, 0.4, "worry", "the last: 40 days ago"),
        # that nothing was heard for long, or looked for, is no strength
        (DAYS, 700.0, -0.4, "about the case", "the last: 700 days ago"),
        (DAYS, None, -0.4, "about the case", "none"),
        (DAYS, None, 0.4, "about the case", "none"),
        (SCALE, 0.0, 0.4, "worry", "scaled at 0"),
        (SCALE, 3.25, 0.4, "worry", "scaled at 3.2"),
        (SCALE, 123.46, -0.4, "strength", "scaled at 123"),
        (SCALE, None, 0.4, "not known", "not scaled"),
        (SCALE, None, -0.4, "not known", "not scaled"),
        (SHARE, 0.5, 0.4, "worry", "ended so: 50 %"),
        (SHARE, None, 0.4, "not known", "nothing ended"),
        # that nothing changed is something, and a sum of nothing is nothing
        (CHANGE, 0.0, 0.4, "about the case", "0 more than before"),
        (CHANGE, -2.0, -0.4, "about the case", "-2 more than before"),
        # which way a number goes is said in words, and not by its sign
        (MORE, 3.0, 0.4, "about the case", "3 more, higher, rose"),
        (MORE, -2.0, 0.4, "about the case", "2 fewer, lower, fell"),
        (MORE, 0.0, 0.4, "about the case", "0 more, higher, stayed level"),
        (QUIET, 40.0, 0.4, "worry", "the last contact: 40 days ago"),
        (QUIET, 700.0, -0.4, "about the case", "no contact for 700 days"),
        (TOTAL, 0.0, -0.4, "about the case", "none in all"),
        (TOTAL, 3.0, -0.4, "strength", "3 in all"),
    ],
)  # fmt: skip
def test_a_reason_is_true_of_its_value(feature: Feature, value: float | None, contribution: float, side: str, words: str) -> None:
    row = explain_one(feature, value, contribution)
    assert (row["side"], row["words"]) == (side, words)
    assert row["feature"] == feature.name
    assert row["contribution"] == contribution
    assert row["value"] == pytest.approx(value) if value is not None else row["value"] is None


def many(count: int) -> list[Feature]:
    return [
        declare(f"f{at}", "{value}", "none", formula=SCALINGS.latest("scale"), direction=Direction.LOWER) for at in range(count)
    ]


def cases(features: list[Feature], count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "as_of": [date(2025, 1, 1)] * count,
            "person_id": [f"p{count - at}" for at in range(count)],
            "referral_id": ["r"] * count,
        }
        | {feature.name: [1.0] * count for feature in features}
    )


def test_at_most_three_a_side_the_largest_first() -> None:
    features = many(10)
    pushes = [0.1, 0.5, -0.2, 0.3, -0.9, 0.2, -0.3, -0.6, 0.9, 0.04]
    contributions = pl.DataFrame({feature.name: [push] for feature, push in zip(features, pushes, strict=True)})
    found = explain(contributions, cases(features, 1), features)
    sides = {side[0]: part["feature"].to_list() for side, part in found.partition_by("side", as_dict=True).items()}
    assert sides == {"worry": ["f8", "f1", "f3"], "strength": ["f4", "f7", "f6"]}
    assert found.filter(pl.col("side") == "worry")["rank"].to_list() == [1, 2, 3]
    assert explain(contributions, cases(features, 1), features, most=1).height == 2


def test_a_small_push_is_no_reason_and_ties_go_by_declaration() -> None:
    features = many(3)
    contributions = pl.DataFrame({"f0": [0.049], "f1": [0.2], "f2": [0.2]})
    assert explain(contributions, cases(features, 1), features)["feature"].to_list() == ["f1", "f2"]
    assert explain(contributions, cases(features, 1), features[::-1])["feature"].to_list() == ["f2", "f1"]


def test_cases_keep_the_order_of_the_matrix_and_their_own_reasons() -> None:
    features = many(2)
    contributions = pl.DataFrame({"f0": [0.3, -0.3, 0.0], "f1": [0.1, 0.2, 0.0]})
    found = explain(contributions, cases(features, 3), features)
    assert found.select("person_id", "feature", "side").rows() == [
        ("p3", "f0", "worry"),
        ("p3", "f1", "worry"),
        ("p2", "f0", "strength"),
        ("p2", "f1", "worry"),
    ]
    assert found.columns == [
        "as_of", "person_id", "referral_id", "feature", "group", "contribution", "value", "side", "words", "rank",
    ]  # fmt: skip


def test_no_cases_no_reasons() -> None:
    features = many(2)
    contributions = pl.DataFrame(schema={"f0": pl.Float64, "f1": pl.Float64})
    assert explain(contributions, cases(features, 0), features).height == 0
