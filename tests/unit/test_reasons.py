"""Reasons say what is true of the case, on the right side, the largest first, and no more than a few."""

from datetime import date

import polars as pl
import pytest

from features.definition import Aggregate, Direction, Family, Feature
from models.reasons import explain


def declare(
    name: str, worry: str, strength: str, *, aggregate: Aggregate = Aggregate.COUNT, family: Family = Family.CONTACTS,
    unit: str = "count", absence: str = "Empty: none in the window.",
) -> Feature:  # fmt: skip
    return Feature(
        name,
        family,
        f"Number of {name} on record.",
        unit,
        "contacts",
        aggregate,
        Direction.EITHER,
        worry,
        strength,
        absence,
    )


CONTACTS = declare("contacts", "{value} contacts in the last year", "no contacts in the last year")
ABUSE = declare("abuse", "domestic abuse was found", "domestic abuse was not found", unit="yes (1) or no (0)")
POLICE = declare("police", "the police referred", "the police referred", family=Family.CASE, unit="yes (1) or no (0)")
DAYS = declare("days", "{value} days since the last", "{value} days since the last", aggregate=Aggregate.DAYS_SINCE_LAST)
SCALE = declare("scale", "scaled at {value}", "scaled at {value}", aggregate=Aggregate.LATEST)


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
        (CONTACTS, 3.0, 0.4, "worry", "3 contacts in the last year"),
        (CONTACTS, 0.0, -0.4, "strength", "no contacts in the last year"),
        # one contact where most have more speaks for the case, but it is not none
        (CONTACTS, 1.0, -0.4, "strength", "Number of contacts on record: 1"),
        (ABUSE, 1.0, 0.4, "worry", "domestic abuse was found"),
        (ABUSE, 0.0, -0.4, "strength", "domestic abuse was not found"),
        (ABUSE, 0.0, 0.4, "worry", "Number of abuse on record: no"),
        (ABUSE, 1.0, -0.4, "strength", "Number of abuse on record: yes"),
        (POLICE, 1.0, 0.4, "about the case", "the police referred"),
        (POLICE, 1.0, -0.4, "about the case", "the police referred"),
        (POLICE, 0.0, -0.4, "about the case", "Number of police on record: no"),
        (DAYS, 40.0, 0.4, "worry", "40 days since the last"),
        (DAYS, None, -0.4, "strength", "Number of days on record: none in the window"),
        (SCALE, 3.25, 0.4, "worry", "scaled at 3.25"),
        (SCALE, 123.46, 0.4, "worry", "scaled at 123.5"),
        (SCALE, None, 0.4, "not known", "Number of scale on record: none in the window"),
        (SCALE, None, -0.4, "not known", "Number of scale on record: none in the window"),
    ],
)  # fmt: skip
def test_a_reason_is_true_of_its_value(feature: Feature, value: float | None, contribution: float, side: str, words: str) -> None:
    row = explain_one(feature, value, contribution)
    assert (row["side"], row["words"]) == (side, words)
    assert row["feature"] == feature.name
    assert row["contribution"] == contribution
    assert row["value"] == pytest.approx(value) if value is not None else row["value"] is None


def many(count: int) -> list[Feature]:
    return [declare(f"f{at}", f"{{value}} of f{at}", f"{{value}} of f{at}") for at in range(count)]


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
        "as_of", "person_id", "referral_id", "feature", "contribution", "value", "side", "words", "rank",
    ]  # fmt: skip


def test_no_cases_no_reasons() -> None:
    features = many(2)
    contributions = pl.DataFrame(schema={"f0": pl.Float64, "f1": pl.Float64})
    assert explain(contributions, cases(features, 0), features).height == 0
