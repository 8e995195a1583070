"""Every figure that the audit shares with fairlearn and aequitas, on many drawn years. Run by `make agreement`."""

from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from aequitas.group import Group
from fairlearn.metrics import demographic_parity_difference, equal_opportunity_difference, equalized_odds_difference

from models.evaluation import ROW
from models.fairness import METRICS, POOLED, column_of, measure_fairness, place
from tests.agreement.frames import Drawn, draw
from tests.agreement.peers import AT_SIZE, CROSSED, HERE, NAMES, OTHERS, ask

DRAWS = 60
NEAR = 1e-12
NAMED = ["sex", "people", "sex and people"]
CELL = ["draw", "split", "size", "group", "value", "metric", "column"]
DOCUMENT = Path(__file__).parents[2] / "docs" / "fairness.md"
SHARED = {
    "fairlearn": ("estimate", "rows", "against", "size of gap", "lower to higher"),
    "aequitas": ("estimate", "rows", "events", "against", "ratio"),
}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning", "ignore::FutureWarning")


def split_years(drawn: Drawn) -> dict[str, pl.DataFrame]:
    """Rows that each split of the audit rests on, with their groups and lists."""
    years = {
        str(year["as_of"].min()): place(year, drawn.sizes, 1).join(drawn.groups, on=ROW, maintain_order="left")
        for year in drawn.years
    }
    return years | ({POOLED: pl.concat(years.values())} if len(years) > 1 else {})


def ask_peers(drawn: Drawn) -> pl.DataFrame:
    lists = {size: column_of(size) for size in drawn.sizes}
    said = [
        ask(rows.with_columns(in_need="returned_in_need"), NAMED, lists).with_columns(split=pl.lit(split))
        for split, rows in split_years(drawn).items()
    ]
    return pl.concat(said)


def read_ours(drawn: Drawn) -> pl.DataFrame:
    """Our frame, one line for each figure that somebody else may give too."""
    found = measure_fairness(drawn.years, drawn.groups, drawn.sizes, 1)
    figures = found.filter(pl.col("rows") > 0).with_columns(
        pl.col("rows").cast(pl.Float64),
        pl.col("events").cast(pl.Float64),
        pl.col("gap").abs().alias("size of gap"),
        (pl.col("estimate") / pl.col("against")).alias("ratio"),
        # Of an empty side and another, the higher would be the other; the gap is empty then.
        pl.when(pl.col("gap").is_not_null())
        .then(pl.min_horizontal("estimate", "against") / pl.max_horizontal("estimate", "against"))
        .alias("lower to higher"),
    )
    columns = ["estimate", "rows", "events", "against", "size of gap", "ratio", "lower to higher"]
    long = figures.unpivot(columns, index=CELL[1:-1], variable_name="column", value_name="ours")
    return long.filter(pl.col("ours").is_not_null(), pl.col("ours").is_finite())


def find_shared(ours: pl.DataFrame, peer: str) -> pl.DataFrame:
    """Of our figures those that ``peer`` gives too."""
    of = ours.filter(pl.col("column").is_in(SHARED[peer]), pl.col("metric").is_in([m for m in NAMES if getattr(NAMES[m], peer)]))
    counted_apart = pl.col("metric").is_in(AT_SIZE) & (pl.col("column") == "rows")
    beside_chances = pl.col("metric") == "returns_beside_chances"
    if peer == "fairlearn":
        of = of.filter(~beside_chances | pl.col("column").is_in(["estimate", "against"]), ~counted_apart)
        return of.filter(~pl.col("group").is_in(CROSSED) | pl.col("column").is_in(["estimate", "rows"]) | beside_chances)
    return of.filter((pl.col("metric") != "came_back") | (pl.col("column") != "ratio"))


@pytest.fixture(scope="module")
def figures() -> tuple[pl.DataFrame, pl.DataFrame]:
    """All of ours, and all of theirs."""
    drawn = {seed: draw(seed) for seed in range(DRAWS)}
    ours = pl.concat(read_ours(years).with_columns(draw=pl.lit(seed)) for seed, years in drawn.items())
    theirs = pl.concat(ask_peers(years).with_columns(draw=pl.lit(seed)) for seed, years in drawn.items())
    return ours, theirs


@pytest.fixture(scope="module")
def compared(figures: tuple[pl.DataFrame, pl.DataFrame]) -> pl.DataFrame:
    ours, theirs = figures
    shared = pl.concat(find_shared(ours, peer).with_columns(peer=pl.lit(peer)) for peer in SHARED)
    joined = shared.join(theirs, on=[*CELL, "peer"], how="left")
    return joined.with_columns(apart=(pl.col("ours") - pl.col("theirs")).abs())


def lay_out(compared: pl.DataFrame) -> list[str]:
    """The table of docs/fairness.md, but for the last column."""
    counts = {(metric, peer): n for metric, peer, n in compared.group_by("metric", "peer").len().iter_rows()}
    return [
        f"| `{metric}` | {names.fairlearn or '-'} | {names.aequitas or '-'} "
        f"| {counts.get((metric, 'fairlearn'), 0):,} | {counts.get((metric, 'aequitas'), 0):,} |"
        for metric, names in NAMES.items()
    ]


def test_every_metric_of_the_audit_has_a_name_or_none_elsewhere() -> None:
    assert set(NAMES) == {metric.name for metric in METRICS}


@pytest.mark.parametrize("peer", SHARED)
def test_no_figure_that_is_shared_goes_without_its_peer(compared: pl.DataFrame, peer: str) -> None:
    alone = compared.filter(pl.col("theirs").is_null(), peer=peer)
    assert alone.is_empty(), alone.head()


@pytest.mark.parametrize("metric", NAMES)
def test_figures_are_the_same(compared: pl.DataFrame, metric: str) -> None:
    of = compared.filter(metric=metric)
    assert of.height > 1_000
    assert of["apart"].max() <= NEAR, of.sort("apart", descending=True).head()  # type: ignore[operator]


def test_the_document_tells_how_often_was_compared(compared: pl.DataFrame) -> None:
    told = DOCUMENT.read_text(encoding="utf-8")
    rows = lay_out(compared)
    print("\n".join(rows), f"\nlargest difference {compared['apart'].max():.1e}")
    assert [row for row in rows if row not in told] == []


@pytest.mark.parametrize(
    ("metric", "theirs"), [("missed_returns", 0.0), ("unneeded_approaches", None), ("offered_without_return", 0.0)]
)
def test_where_a_rate_has_nothing_under_the_line_we_give_none(
    figures: tuple[pl.DataFrame, pl.DataFrame], metric: str, theirs: float | None
) -> None:
    """aequitas gives none either; of fairlearn's rates two are nought then, as if nobody had been missed."""
    ours, said = figures
    empty = said.filter(pl.col("theirs") == 0, metric=metric, column="rows", peer="aequitas").drop("column", "peer", "theirs")
    assert empty.height > 100
    on = [name for name in CELL if name != "column"]
    assert ours.filter(column="estimate").join(empty, on=on, how="semi").is_empty()
    of = said.filter(column="estimate").join(empty, on=on, how="semi")
    assert set(of.filter(peer="aequitas")["theirs"]) == {None}
    assert set(of.filter(peer="fairlearn")["theirs"]) == {theirs}


def test_a_value_that_nobody_has_is_told_of_by_us_alone(figures: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    drawn = draw(0)
    assert "nowhere" in measure_fairness(drawn.years, drawn.groups, drawn.sizes, 1)["value"]
    assert "nowhere" not in figures[1]["value"]


@pytest.mark.parametrize("seed", range(20))
def test_fairlearn_s_named_measures_are_the_gaps_of_a_group_of_two(seed: int) -> None:
    drawn = draw(seed)
    rows = split_years(drawn)[str(drawn.years[0]["as_of"].min())]
    found = measure_fairness([drawn.years[0]], drawn.groups, drawn.sizes, 1).filter(group="sex", value="female", size="the list")
    gaps = {metric: abs(gap) for metric, gap in found.select("metric", "gap").iter_rows()}
    sides = [HERE if sex == "female" else OTHERS for sex in rows["sex"]]
    told = (rows["outcome"].cast(int).to_numpy(), rows[column_of("the list")].cast(int).to_numpy())
    assert demographic_parity_difference(*told, sensitive_features=sides) == pytest.approx(gaps["offered"], abs=NEAR)
    assert equal_opportunity_difference(*told, sensitive_features=sides) == pytest.approx(gaps["missed_returns"], abs=NEAR)
    worst = max(gaps["missed_returns"], gaps["offered_without_return"])
    assert equalized_odds_difference(*told, sensitive_features=sides) == pytest.approx(worst, abs=NEAR)


@pytest.mark.parametrize("seed", range(20))
def test_where_nothing_is_tied_and_families_are_single_aequitas_fills_the_same_list(seed: int) -> None:
    drawn = draw(seed)
    rows = drawn.years[0].filter(pl.col("as_of") == pl.col("as_of").min()).sort("person_id")
    apart = 0.002 + 0.99 * pl.col("chance").rank("ordinal") / pl.len()
    single = rows.with_columns(family_id="person_id", group_id="person_id", chance=apart.round(3)).unique("chance", keep="first")
    most = max(1, single.height // 4)
    found = measure_fairness([single], drawn.groups.join(single, on=ROW, how="semi"), {"the list": most}, 1)
    known = single.join(drawn.groups, on=ROW).select("sex", score="chance", label_value="outcome")
    told = pd.DataFrame(known.to_dict(as_series=False))
    table, _ = Group().get_crosstabs(told, score_thresholds={"rank_abs": [most]}, attr_cols=["sex"])
    ours = found.filter(metric="offered", group="sex").sort("value")
    theirs = table.sort_values("attribute_value")
    assert ours["events"].to_list() == theirs["pp"].to_list()
    assert ours["estimate"].to_list() == pytest.approx(theirs["pprev"].to_list(), abs=NEAR)
