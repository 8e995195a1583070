"""What fairlearn and aequitas say of the same rows, in one long frame: cell, column, peer, figure.

Both are given each group as it is, and each value beside everybody else as a group of two: that is what a cell is held against.
Rows without a group are left out for both (fairlearn 0.15 refuses them, aequitas leaves them out itself).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
from aequitas.bias import Bias
from aequitas.group import Group
from fairlearn.metrics import (
    MetricFrame,
    count,
    false_negative_rate,
    false_positive_rate,
    mean_prediction,
    selection_rate,
)
from sklearn.metrics import precision_score

from models.fairness import ANY_SIZE

HERE, OTHERS = "here", "all others"
CROSSED = ("sex and people",)
"""Groups of which fairlearn is not asked about everybody else: it takes a hundred times as long as aequitas."""

SAID = {
    "size": pl.String(),
    "group": pl.String(),
    "value": pl.String(),
    "metric": pl.String(),
    "column": pl.String(),
    "peer": pl.String(),
    "theirs": pl.Float64(),
}
Look = tuple[str, str]
Line = tuple[str, str, str, str, str, str, float]
Rate = Callable[[Any, Any], float]


class Names(NamedTuple):
    """What a metric is called elsewhere; empty where a peer has nothing of the kind."""

    fairlearn: str
    aequitas: str


NAMES = {
    "came_back": Names("`selection_rate` of returns", "`prev`"),
    "returns_in_need": Names("`selection_rate` of returns in need", "`pprev` of returns in need"),
    "returns_without_need": Names("`selection_rate` of those without", "`pprev` of those without"),
    "mean_chance": Names("`mean_prediction`", ""),
    "returns_beside_chances": Names("`selection_rate` beside `mean_prediction`", ""),
    "place_in_order": Names("`mean_prediction` of the place", ""),
    "offered": Names("`selection_rate`", "`pprev`"),
    "missed_returns": Names("`false_negative_rate`", "`fnr`"),
    "unneeded_approaches": Names("1 less scikit-learn's `precision_score`", "`fdr`"),
    "offered_without_return": Names("`false_positive_rate`", "`fpr`"),
}
"""Metrics of :mod:`models.fairness` in the words of others."""

AT_SIZE = ("offered", "missed_returns", "unneeded_approaches", "offered_without_return")


def _discover(true: Any, chosen: Any) -> float:
    return float(1 - precision_score(true, chosen, zero_division=np.nan))


_OF_LIST = {
    "offered": selection_rate,
    "missed_returns": false_negative_rate,
    "unneeded_approaches": _discover,
    "offered_without_return": false_positive_rate,
}
_OF_ALL = {
    "came_back": (selection_rate, "outcome"),
    "mean_chance": (mean_prediction, "chance"),
    "place_in_order": (mean_prediction, "place"),
}
_OF_SETTLED = {"returns_in_need": (selection_rate, "in_need"), "returns_without_need": (selection_rate, "without_need")}
_AEQUITAS = {"offered": "pprev", "missed_returns": "fnr", "unneeded_approaches": "fdr", "offered_without_return": "fpr"}
_COUNTS = {
    "came_back": ("group_size", "group_label_pos"),
    "returns_in_need": ("group_size", "pp"),
    "returns_without_need": ("group_size", "pp"),
    "offered": ("group_size", "pp"),
    "missed_returns": ("group_label_pos", "fn"),
    "unneeded_approaches": ("pp", "fp"),
    "offered_without_return": ("group_label_neg", "fp"),
}
"""What aequitas calls the rows and the events of each."""


def ask(rows: pl.DataFrame, names: list[str], lists: Mapping[str, str]) -> pl.DataFrame:
    """What both say of ``rows`` with columns ``outcome``, ``chance``, ``place``, ``in_need`` (empty if unsettled).

    ``lists``: by size, the column that says who is on the list.
    """
    known = rows.with_columns(
        pl.col("outcome", "in_need", *lists.values()).cast(pl.Int64),
        without_need=(pl.col("outcome") & ~pl.col("in_need")).cast(pl.Int64),
    )
    lines = [*_ask_fairlearn(known, names, lists), *_ask_aequitas(known, names, lists)]
    said = pl.DataFrame(lines, schema=SAID, orient="row").with_columns(pl.col("theirs").fill_nan(None))
    return pl.concat([said, _put_beside_chances(said)])


def _ask_fairlearn(known: pl.DataFrame, names: list[str], lists: Mapping[str, str]) -> Iterator[Line]:
    of_all: dict[Look, tuple[Rate, str]] = {(ANY_SIZE, metric): asked for metric, asked in _OF_ALL.items()}
    of_all |= {(size, metric): (rate, column) for size, column in lists.items() for metric, rate in _OF_LIST.items()}
    of_settled = {(ANY_SIZE, metric): asked for metric, asked in _OF_SETTLED.items()}
    for rows, looks in ((known, of_all), (known.drop_nulls("in_need"), of_settled)):
        for name in names:
            if not (there := rows.drop_nulls(name)).is_empty():
                yield from _ask_of_group(there, name, looks)


def _ask_of_group(rows: pl.DataFrame, name: str, looks: Mapping[Look, tuple[Rate, str]]) -> Iterator[Line]:
    alone = _frame(rows, rows[name].cast(pl.String), looks).by_group
    for value, found in alone.iterrows():
        for size, metric in looks:
            yield size, name, str(value), metric, "estimate", "fairlearn", found[size, metric]
            if size == ANY_SIZE:
                yield size, name, str(value), metric, "rows", "fairlearn", found["", "count"]
        if alone.shape[0] > 1 and name not in CROSSED:
            beside = _frame(rows, _split(rows, name, str(value)), looks)
            difference, ratio = beside.difference(method="between_groups"), beside.ratio(method="between_groups")
            for size, metric in looks:
                yield size, name, str(value), metric, "against", "fairlearn", beside.by_group.loc[OTHERS, (size, metric)]
                yield size, name, str(value), metric, "size of gap", "fairlearn", difference[size, metric]
                yield size, name, str(value), metric, "lower to higher", "fairlearn", ratio[size, metric]


def _frame(rows: pl.DataFrame, sides: pl.Series, looks: Mapping[Look, tuple[Rate, str]]) -> MetricFrame:
    """One frame for several predictions: it deals row numbers to the sides, and each metric looks its prediction up."""

    def look_up(rate: Rate, column: str) -> Rate:
        predicted = rows[column].to_numpy()
        return lambda true, numbers: rate(true, predicted[numbers])

    metrics: dict[Look, Rate] = {look: look_up(*asked) for look, asked in looks.items()}
    told = {"y_true": rows["outcome"].to_numpy(), "y_pred": np.arange(rows.height)}
    return MetricFrame(metrics={**metrics, ("", "count"): count}, sensitive_features=pd.Series(sides.to_list()), **told)


def _split(rows: pl.DataFrame, name: str, value: str) -> pl.Series:
    here = pl.when(pl.col(name).cast(pl.String) == value).then(pl.lit(HERE)).otherwise(pl.lit(OTHERS))
    return rows.select(pl.when(pl.col(name).is_not_null()).then(here).alias("side"))["side"]


def _ask_aequitas(known: pl.DataFrame, names: list[str], lists: Mapping[str, str]) -> Iterator[Line]:
    settled, first = known.drop_nulls("in_need"), next(iter(lists.values()))
    for size, column in lists.items():
        yield from _cross(known, column, names, size, _AEQUITAS)
    yield from _cross(known, first, names, ANY_SIZE, {"came_back": "prev"})
    yield from _cross(settled, "in_need", names, ANY_SIZE, {"returns_in_need": "pprev"})
    yield from _cross(settled, "without_need", names, ANY_SIZE, {"returns_without_need": "pprev"})


def _cross(rows: pl.DataFrame, score: str, names: list[str], size: str, rates: Mapping[str, str]) -> Iterator[Line]:
    """Aequitas' figures of every value, and of everybody else; ratios only of what it divides itself (not of ``prev``)."""
    values = {name: rows[name].drop_nulls().cast(pl.String).unique().sort().to_list() for name in names}
    beside = {(name, value): f"{name}: {value}" for name in names if len(values[name]) > 1 for value in values[name]}
    columns = {name: rows[name].cast(pl.String).to_list() for name in names if values[name]}
    columns |= {column: _split(rows, name, value).to_list() for (name, value), column in beside.items()}
    told = pd.DataFrame({**columns, "score": rows[score].to_list(), "label_value": rows["outcome"].to_list()}, dtype=object)
    table, _ = Group().get_crosstabs(told, attr_cols=list(columns))
    found = table.set_index(["attribute_name", "attribute_value"]).to_dict("index")
    divided = Bias().get_disparity_predefined_groups(
        table[table["attribute_name"].isin(beside.values())], told, dict.fromkeys(beside.values(), OTHERS)
    ) if beside else pd.DataFrame(columns=["attribute_name", "attribute_value"])  # fmt: skip
    ratios = divided.set_index(["attribute_name", "attribute_value"]).to_dict("index")
    for name in columns.keys() & set(names):
        for value in values[name]:
            for metric, rate in rates.items():
                one = found[name, value]
                yield size, name, value, metric, "estimate", "aequitas", one[rate]
                yield size, name, value, metric, "rows", "aequitas", one[_COUNTS[metric][0]]
                yield size, name, value, metric, "events", "aequitas", one[_COUNTS[metric][1]]
                if column := beside.get((name, value)):
                    yield size, name, value, metric, "against", "aequitas", found[column, OTHERS][rate]
                    if rate in Bias.all_group_metrics:
                        yield size, name, value, metric, "ratio", "aequitas", ratios[column, HERE][f"{rate}_disparity"]


def _put_beside_chances(said: pl.DataFrame) -> pl.DataFrame:
    """Returns beside chances are two of fairlearn's figures, both of the same group."""
    of = said.filter(peer="fairlearn", column="estimate")
    back = of.filter(metric="came_back")
    chances = of.filter(metric="mean_chance").with_columns(column=pl.lit("against"))
    return pl.concat([back, chances]).with_columns(metric=pl.lit("returns_beside_chances"))
