"""Ratios, rates and quantiles with the standard errors of families, of a few rows each."""

import polars as pl
import pytest

from validation.synthetic.estimates import quantiles, rate, ratios


def test_a_ratio_has_the_standard_error_of_families() -> None:
    frame = pl.DataFrame({"family": ["A", "A", "B", "B", "C"], "hit": [True, True, False, None, True]})
    row = ratios("group", frame, {"hit": pl.col("hit")}).row(0, named=True)
    assert (row["group"], row["figure"], row["n"]) == ("group", "hit", 3)
    assert row["value"] == pytest.approx(60)
    assert row["standard_error"] == pytest.approx(100 * (0.8**2 + 1.2**2 + 0.4**2) ** 0.5 / 5)


def test_a_ratio_of_nothing_has_no_value() -> None:
    frame = pl.DataFrame(schema={"family": pl.String, "hit": pl.Boolean})
    assert ratios("group", frame, {"hit": pl.col("hit")}).row(0) == ("group", "hit", None, None, 0)


def test_a_rate_counts_what_families_bring() -> None:
    frame = pl.DataFrame({"family": ["A", "A", "B"]})
    value, error, families = rate("group", "figure", frame, per=1_500).row(0)[2:]
    assert (value, families) == (pytest.approx(2), 2)
    assert error == pytest.approx(5**0.5 / 1.5)


def test_a_quantile_is_as_uncertain_as_the_share_below_it() -> None:
    alone = pl.DataFrame({"family": [str(number) for number in range(100)], "days": range(100)})
    value, error = quantiles("group", alone, "days", {"half": 0.5}).row(0)[2:4]
    assert value in (49, 50)
    assert error == pytest.approx(5, abs=0.5)  # the share has a standard error of 0.05
    pairs = alone.with_columns(family=pl.col("days") // 2)
    assert quantiles("group", pairs, "days", {"half": 0.5})["standard_error"].item() > 1.3 * error
