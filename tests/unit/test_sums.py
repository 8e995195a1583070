"""A sum of numbers with fractions is the same to its last digit in every run."""

from itertools import accumulate

import numpy as np
import polars as pl

from models.sums import add_in_order

ROWS, COLUMNS = 500, 40


def test_terms_are_added_from_the_first_to_the_last() -> None:
    values = np.random.default_rng(7).normal(size=(ROWS, COLUMNS))
    frame = pl.DataFrame(values, schema=[f"column_{place}" for place in range(COLUMNS)], orient="row")
    one_by_one = [list(accumulate(row))[-1] for row in values.tolist()]
    added = frame.select(total=add_in_order(pl.col(name) for name in frame.columns))["total"].to_list()
    assert added == one_by_one


def test_a_row_without_one_of_the_terms_has_no_sum() -> None:
    frame = pl.DataFrame({"first": [1.0, None], "second": [0.5, 0.5]})
    assert frame.select(total=add_in_order([pl.col("first"), pl.col("second")]))["total"].to_list() == [1.5, None]
