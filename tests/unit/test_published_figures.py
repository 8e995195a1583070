"""Published figures: each is measured, and what an authority shows is held against them."""

from datetime import date

import polars as pl
import pytest

from tests.unit.small_authority import END, START, stocked
from validation.errors import SettingsError
from validation.synthetic.figures import compare, measure, published, table_text


def test_every_figure_that_is_published_is_measured_and_none_besides() -> None:
    measured = measure(stocked(), 1_000, START, END)
    wanted = published()
    pairs = list(wanted.select("group", "figure").iter_rows())
    assert len(set(pairs)) == len(pairs) == measured.height
    assert set(measured.select("group", "figure").iter_rows()) == set(pairs)


def test_published_shares_of_a_whole_add_up_to_a_hundred() -> None:
    wholes = published().filter(
        pl.col("group").str.contains("Source|Month|Length of ended|Reason|How long|Primary need|Age|Sex|in a referred family")
    )
    sums = wholes.group_by("group").agg(pl.col("england").sum(), parts=pl.len())
    assert sums.height == 9
    assert all(total == pytest.approx(100, abs=0.4) for total in sums["england"])


def simulated(**values: float) -> pl.DataFrame:
    """Figures that are as published for England, but for those that are named."""
    as_published = published().select(
        "group", "figure", value=pl.coalesce("england"), standard_error=pl.lit(0.1), n=pl.lit(9, pl.Int64)
    )
    return as_published.with_columns(value=pl.col("figure").replace_strict(values, default=pl.col("value")))


@pytest.mark.parametrize(
    ("figure", "value", "tolerance", "verdict"),
    [
        ("Police", 28.5 + 1.42, 1.425, "inside"),  # 5 per cent of the figure
        ("Police", 28.5 + 1.43, 1.425, "OUT"),
        ("Health services", 14.7 - 0.99, 1.0, "inside"),  # one point
        ("Individual", 8.0 + 0.81, 0.8, "OUT"),  # a tenth of the figure
        ("Unknown", 1.2, 0.35, "inside"),  # three and a half standard errors
        ("Half are done within", 34 + 1.8, 1.7, "OUT"),  # 5 per cent
        ("One child", 40 - 3.9, 4.0, "inside"),  # the assumption's own
        ("Families with a re-referral within 27 months", 60.0, None, "information"),
    ],
)
def test_verdicts(figure: str, value: float, tolerance: float | None, verdict: str) -> None:
    row = compare(simulated(**{figure: value}), "england").filter(
        pl.col("figure") == figure, pl.col("group") != "Sex on 31 March"
    )
    assert row["verdict"].item() == verdict
    assert row["tolerance"].item() == (None if tolerance is None else pytest.approx(tolerance))
    assert row["difference"].item() == pytest.approx(value - row["published"].item())


def test_what_is_not_published_is_shown_without_a_judgement() -> None:
    compared = compare(simulated(), "nel")
    row = compared.filter(figure="RC2 Died").row(0, named=True)
    assert (row["published"], row["simulated"], row["verdict"]) == (None, 0.3, "not published")
    assert compared.filter(figure="White (of known)")["verdict"].item() == "information"
    nothing = simulated().with_columns(value=pl.lit(None, pl.Float64))
    assert set(compare(nothing, "england")["verdict"]) == {"not measured", "information"}


def test_the_table_is_fit_for_a_terminal_and_counts_its_verdicts() -> None:
    lines = table_text(compare(simulated(Police=50.0), "england")).splitlines()
    assert max(len(line) for line in lines) <= 110
    assert sum(line.endswith("  OUT") for line in lines) == 1
    police = next(line for line in lines if "Police" in line)
    assert police.split() == ["Police", "28.5", "50.0", "+21.50", "1.43", "OUT"]
    assert lines[-1] == "Figures: 130 inside, 1 OUT, 0 not published, 1 information, 0 not measured."


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(SettingsError, match="holds no complete census year"):
        measure(stocked(), 1_000, date(2022, 4, 2), date(2024, 3, 30))
    with pytest.raises(SettingsError, match="'atlantis' has no published figures; there are some for england"):
        compare(simulated(), "atlantis")
