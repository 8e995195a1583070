"""What a remedy costs and what it does to gaps: known truth, planted in an invented year."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from features.definition import Direction
from models.candidate import QUICK
from models.evaluation import ROW
from models.remedies import AUC, FEWER, HITS, LIST, MISSED, OFFERED, PRECISION, REMEDIES, Change, compare, fill, weigh_remedies
from models.splits import Split

DATES = [date(2023, 1, 2) + timedelta(days=28 * at) for at in range(10)]
SPLIT = Split(DATES[0], DATES[6], DATES[7], DATES[9])
WITHOUT = "leave out the proxy"


class Column:
    """A column that candidates may learn from."""

    def __init__(self, name: str) -> None:
        self.name, self.direction = name, Direction.EITHER


def invent(seed: int = 1, families: int = 400) -> pl.DataFrame:
    """Families of ten dates. The south comes back as often as others at the same need, and is recorded as coming back more."""
    rng = np.random.default_rng(seed)
    rows = families * len(DATES)
    south, need = rng.random(rows) < 0.3, rng.normal(size=rows)
    back = rng.random(rows) < 1 / (1 + np.exp(1.5 - need - 1.5 * south))
    names = [f"{at}" for at in range(rows)]
    return pl.DataFrame(
        {
            "as_of": [day for day in DATES for _ in range(families)],
            "person_id": names,
            "referral_id": names,
            "family_id": names,
            "group_id": names,
            "people": np.where(south, "south", "north"),
            "need": need + rng.normal(0, 0.5, rows),
            "proxy": south + rng.normal(0, 0.3, rows),
            "outcome": back,
        }
    )


@pytest.fixture(scope="module")
def weighed() -> pl.DataFrame:
    frame = invent()
    groups = frame.select(*ROW, "people")
    features = [Column("need"), Column("proxy")]
    return weigh_remedies(frame, features, groups, {WITHOUT: ["proxy"]}, SPLIT, "spline_logistic", 80, 1, QUICK)


def line(found: pl.DataFrame, measure: str, remedy: str = WITHOUT, value: str | None = None) -> dict[str, object]:
    of = found.filter(measure=measure, remedy=remedy)
    return (of if value is None else of.filter(value=value)).row(0, named=True)


def test_leaving_out_a_proxy_removes_the_gap_that_it_carried(weighed: pl.DataFrame) -> None:
    offered = line(weighed, OFFERED, value="south")
    assert offered["before"] > 0.15  # type: ignore[operator]
    assert abs(offered["after"]) < 0.06  # type: ignore[arg-type]
    assert offered["verdict"] == Change.LESS
    assert offered["low"] <= offered["change"] <= offered["high"]  # type: ignore[operator]


def test_leaving_out_a_proxy_costs_what_it_knew(weighed: pl.DataFrame) -> None:
    assert line(weighed, AUC)["verdict"] == Change.LESS
    assert line(weighed, AUC)["change"] < -0.01  # type: ignore[operator]


def test_each_group_has_two_gaps_under_each_remedy_and_they_mirror_each_other(weighed: pl.DataFrame) -> None:
    assert dict(weighed.schema) == REMEDIES
    assert weighed.height == 3 * (3 + 2 * 2)
    for measure in (OFFERED, MISSED):
        south, north = (line(weighed, measure, value=value) for value in ("south", "north"))
        assert south["before"] == pytest.approx(-north["before"])  # type: ignore[operator]
        assert south["change"] == pytest.approx(north["change"])


def test_a_shorter_list_and_a_lot_leave_the_order_as_it_is(weighed: pl.DataFrame) -> None:
    others = weighed.filter(pl.col("remedy") != WITHOUT, pl.col("measure").is_in([AUC, PRECISION]))
    assert set(others["change"]) == {0.0}
    assert set(others["verdict"]) == {Change.NOT_ENOUGH.value}


def test_a_lot_reaches_everybody_with_some_chance_and_as_many_as_there_are_places() -> None:
    rows = invent().filter(pl.col("as_of") == DATES[0]).with_columns(score="need", chance=1 / (1 + (-pl.col("need")).exp()))
    filled = fill(rows, 80, 1)
    assert filled["by lot"].sum() == pytest.approx(80)
    assert filled["by lot"].min() == pytest.approx(16 / (400 - 64))
    assert filled[LIST].sum() == 80
    assert filled[FEWER].sum() == 40


def test_figures_are_those_of_scikit_learn_and_plain_shares() -> None:
    rows = invent().filter(pl.col("as_of") == DATES[0]).with_columns(score="need", chance=1 / (1 + (-pl.col("need")).exp()))
    filled = fill(rows, 80, 1).with_columns(reached=LIST)
    groups = rows.select(*ROW, "people")
    found = compare(filled, filled, groups, 1).with_columns(remedy=pl.lit(WITHOUT))
    known = filled.join(groups, on=ROW)
    assert line(found, AUC)["before"] == pytest.approx(roc_auc_score(known["outcome"], known["score"]))
    assert line(found, PRECISION)["before"] == pytest.approx(average_precision_score(known["outcome"], known["score"]))
    on_list = known.filter(pl.col(LIST) == 1)
    assert line(found, HITS)["before"] == pytest.approx(on_list["outcome"].mean())
    south, north = (known.filter(people=value) for value in ("south", "north"))
    assert line(found, OFFERED, value="south")["before"] == pytest.approx(south[LIST].mean() - north[LIST].mean())  # type: ignore[operator]
    missed = [1 - part.filter("outcome")[LIST].mean() for part in (south, north)]  # type: ignore[operator]
    assert line(found, MISSED, value="south")["before"] == pytest.approx(missed[0] - missed[1])


def test_the_smallest_part_of_a_group_is_counted() -> None:
    rows = invent().filter(pl.col("as_of") == DATES[0]).with_columns(score="need", chance=1 / (1 + (-pl.col("need")).exp()))
    filled = fill(rows, 80, 1).with_columns(reached=LIST)
    few = rows.select(*ROW, people=pl.when(pl.int_range(pl.len()) < 5).then(pl.lit("islands")).otherwise("people"))
    found = compare(filled, filled, few, 1).filter(value="islands", measure=OFFERED).row(0, named=True)
    parts = filled.join(few.filter(people="islands"), on=ROW).group_by("outcome", pl.col(LIST)).len()["len"]
    assert (found["families"], found["fewest"]) == (5, parts.min())
