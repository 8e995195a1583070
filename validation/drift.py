"""Input drift: do tonight's cases look like those that a model was trained on, feature by feature?

A model is described by what it was trained on: for each feature, the share of empty values and the shares of at most ten ranges
(``describe_inputs``). Tonight's shares are held against these by the population stability index, the symmetric divergence
``sum((p - q) * ln(p / q))`` over the ranges and the empty values (Siddiqi, Credit Risk Scorecards, 2006). By chance alone it is
about ``(1 / n + 1 / m)`` times a chi-squared value of ``ranges - 1`` degrees for samples of ``n`` and ``m`` (Yurdakul and
Naranjo, Journal of Risk Model Validation 14, 2020). What counts as one here is a family and not a row, because brothers and
sisters share values, and a case is in training at many dates.

Only cases that were referred within a year of their date are compared, in training as tonight. Training leaves out what was
referred before the extract's window, so that its cases grow older from date to date for no other reason; and how a thing is
recorded shows first in what is new.

A feature moved when its index is over what is expected by ``MOVED`` or more, and over what chance gives once in 1,000. How
often that happens on ordinary nights, and how soon a category with another label is seen: ``docs/practice-changes.md``. A
feature that moved does not make a score wrong, and a score may be wrong without one that moved.
"""

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from validation.errors import ContractError

RANGES = 10
RECENT_DAYS = 365
MOVED = 0.1
ONCE_IN_1000 = NormalDist().inv_cdf(0.999)
WORDY_MOVES = 5  # features that the sentence for a night names

Floats = npt.NDArray[np.float64]


def describe_inputs(frame: pl.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    """What the values of the features ``names`` were: ``rows``, ``families`` and, by feature, ``empty``, ``edges``, ``shares``.

    ``frame`` is a matrix with ``as_of``, ``referral_date`` and ``family_id``; its recent cases are described. ``edges`` are the
    upper ends of all ranges but the last one: 0 and the different values where there are at most ``RANGES`` of them, else
    deciles. ``shares`` are of all recent cases, so that ``empty`` and ``shares`` add to 1. JSON can hold the result, and it
    holds no row. Raises ``ContractError`` as :func:`measure_drift` does.
    """
    recent = _recent(frame, names)
    inputs = {name: _describe(_values(recent, name)) for name in names}
    return {"rows": recent.height, "families": recent["family_id"].n_unique(), "features": inputs}


def measure_drift(described: Mapping[str, Any], matrix: pl.DataFrame) -> pl.DataFrame:
    """How far each described feature has moved in ``matrix`` (as for :func:`describe_inputs`), the furthest first.

    Columns: ``feature``, ``index`` (population stability index), ``by_chance`` (what is expected of as many families without
    any drift), ``empty_before`` and ``empty_after`` (shares), ``moved`` and ``words``. Raises ``ContractError`` when the matrix
    lacks a feature or has no recent case.
    """
    inputs: Mapping[str, Any] = described["features"]
    recent = _recent(matrix, list(inputs))
    families = float(described["families"]), float(recent["family_id"].n_unique())
    rows = [_compare(name, inputs[name], _values(recent, name), families) for name in inputs]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort(pl.col("index") - pl.col("by_chance"), descending=True)


SCHEMA = {
    "feature": pl.String, "index": pl.Float64, "by_chance": pl.Float64, "empty_before": pl.Float64, "empty_after": pl.Float64,
    "moved": pl.Boolean, "words": pl.String,
}  # fmt: skip


def word_drift(drift: pl.DataFrame) -> str:
    """One sentence or a few on the result of :func:`measure_drift`, for the record of a night."""
    moved = drift.filter("moved")
    if moved.is_empty():
        return f"None of {drift.height} features has moved since training."
    named = " ".join(moved["words"].head(WORDY_MOVES))
    more = f" The record lists the other {moved.height - WORDY_MOVES}." if moved.height > WORDY_MOVES else ""
    return f"{moved.height} of {drift.height} features have moved since training. {named}{more}"


def has_recent_cases(matrix: pl.DataFrame) -> bool:
    """Is there any case that drift could be measured on?"""
    return bool(matrix.select(_is_recent().any()).item())


def _is_recent() -> pl.Expr:
    return (pl.col("as_of") - pl.col("referral_date")).dt.total_days() <= RECENT_DAYS


def _recent(matrix: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    missing = [name for name in names if name not in matrix.columns]
    if missing:
        raise ContractError(
            f"Drift cannot be measured: the matrix lacks {len(missing)} features: {', '.join(missing)}. Build it with the "
            "features of the model."
        )
    recent = matrix.filter(_is_recent())
    if recent.is_empty():
        raise ContractError(
            f"Drift cannot be measured: none of the matrix's {matrix.height} cases was referred within {RECENT_DAYS} days of its "
            "date. Give the matrix of a night or of training."
        )
    return recent


def _values(frame: pl.DataFrame, name: str) -> Floats:
    return frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _describe(values: Floats) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    different = np.unique(known)
    tenths = np.linspace(0, 1, RANGES + 1)[1:-1]
    few = different.size <= RANGES
    edges = np.union1d(different, [0.0]) if few else np.unique(np.quantile(known, tenths, method="lower"))
    empty, shares = _shares(values, edges)
    return {"empty": empty, "edges": edges.tolist(), "shares": shares.tolist()}


def _shares(values: Floats, edges: Floats) -> tuple[float, Floats]:
    """The share of empty values, and that of each range."""
    empty = np.isnan(values)
    counts = np.bincount(np.searchsorted(edges, values[~empty]), minlength=edges.size + 1)
    return float(empty.mean()), counts / values.size


def _compare(name: str, before: Mapping[str, Any], values: Floats, families: tuple[float, float]) -> tuple[object, ...]:
    edges = np.array(before["edges"], dtype=np.float64)
    was, (empty, shares) = np.array(before["shares"]), _shares(values, edges)
    # Half a family is added to each range, so that one that is bare on one side does not count for infinitely much.
    p, q = (
        (np.r_[nothing, share] * n + 0.5) / (n + 0.5 * (share.size + 1))
        for nothing, share, n in ((before["empty"], was, families[0]), (empty, shares, families[1]))
    )
    index = float(np.sum((q - p) * np.log(q / p)))
    degrees = int(np.count_nonzero((np.r_[before["empty"], was] > 0) | (np.r_[empty, shares] > 0))) - 1
    single = 1 / families[0] + 1 / families[1]
    moved = index >= max(degrees * single + MOVED, _chi_squared(degrees) * single)
    words = _word(name, edges, (before["empty"], was), (empty, shares), moved)
    return name, index, degrees * single, before["empty"], empty, moved, words


def _chi_squared(degrees: int) -> float:
    """The value that is passed once in 1,000 (Wilson and Hilferty's approximation)."""
    part = 2 / (9 * max(degrees, 1))
    return float(max(degrees, 1) * (1 - part + ONCE_IN_1000 * part**0.5) ** 3)


def _word(name: str, edges: Floats, before: tuple[float, Floats], after: tuple[float, Floats], moved: bool) -> str:
    """What moved most: the share of empty values, or that above one of the edges."""
    if not moved:
        return f"'{name}' is as it was in training."
    above = [np.cumsum(shares[::-1])[::-1][1:] for _, shares in (before, after)]
    step = np.abs(above[1] - above[0])
    if not edges.size or abs(after[0] - before[0]) > step.max():
        return f"'{name}' is empty for {_percent(after[0])} of cases; in training, for {_percent(before[0])}."
    at = int(step.argmax())
    return f"'{name}' is over {edges[at]:g} for {_percent(above[1][at])} of cases; in training, for {_percent(above[0][at])}."


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
