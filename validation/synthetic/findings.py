"""What the gate made of planted faults: caught, caught for another reason, missed; and clean rows that it set aside."""

import polars as pl

from validation.errors import ScreeningError
from validation.extract import Extract
from validation.gate import Gated, Limits, check_extract, stop_if_implausible
from validation.synthetic.fault import EXITS, Action
from validation.synthetic.planting import Planted
from validation.tables.catalogue import TABLES

ROW = ("table", "key", "nth")
NO_FAULT = "(no fault planted)"


def meet(planted: Planted, last: Extract) -> Gated | ScreeningError:
    """What the gate says of the faulty extract: what it made of it, or what it stopped with.

    Faults that must end the command also meet the limits, on a night after that of the sound extract ``last``.
    """
    try:
        gated = check_extract(planted.extract)
        if planted.ends:
            before = {name: frame.height for name, frame in last.tables.items()}
            stop_if_implausible(gated, Limits(), before, last.manifest)
    except ScreeningError as error:
        return error
    return gated


def score(planted: Planted, checked: Gated | ScreeningError) -> pl.DataFrame:
    """Labels against findings: one row for each fault, table and action, with counts of rows.

    ``planted`` = ``caught`` (as expected) + ``other_reason`` (found, but not as expected) + ``missed``. Rows that were set
    aside though nothing is wrong with them are counted in ``clean_set_aside``, in rows of their own by table and reason.
    """
    labels = planted.labels.with_columns(nth=pl.int_range(pl.len()).over("table", "key"))
    if isinstance(checked, ScreeningError):
        return _counted(labels.with_columns(right=_ended_rightly(checked), found=True))
    aside = _set_aside(checked)
    asked = checked.queried.group_by("table", "key").agg(asked="rule")
    right = {
        Action.SET_ASIDE: pl.col("reasons").list.contains(pl.col("expected")),
        Action.ORPHAN: pl.col("reasons").list.contains(pl.col("expected")),
        Action.QUERY: pl.col("asked").list.contains(pl.col("expected")) & pl.col("reasons").is_null(),
        Action.COUNT: pl.int_range(pl.len()).over("table", "expected") < pl.col("counted"),
    }
    judged = (
        labels.join(aside, on=ROW, how="left", nulls_equal=True, maintain_order="left")
        .join(asked, on=("table", "key"), how="left", nulls_equal=True, maintain_order="left")
        .join(_countings(checked), on=("table", "expected"), how="left", maintain_order="left")
        .with_columns(
            right=pl.any_horizontal(
                (pl.col("action") == action) & holds.fill_null(value=False) for action, holds in right.items()
            ),
            found=pl.col("reasons").is_not_null() | pl.col("asked").is_not_null(),
        )
    )
    return pl.concat([_counted(judged), _clean(aside.join(labels, on=("table", "key"), how="anti", nulls_equal=True))])


def _ended_rightly(error: ScreeningError) -> pl.Expr:
    exits = pl.col("action").replace_strict({action.value: code for action, code in EXITS.items()}, default=None)
    said = pl.lit(str(error)).str.contains(pl.col("expected"), literal=True)
    return (exits == error.exit_code).fill_null(value=False) & said


def _set_aside(gated: Gated) -> pl.DataFrame:
    """Every row set aside: table, key, nth (how many rows with that key came before it), reasons."""
    rows = [
        frame.select(pl.lit(name).alias("table"), pl.col(TABLES[name].key).alias("key"), reasons=pl.col("reason").str.split(";"))
        for name, frame in gated.set_aside.items()
    ]
    return pl.concat(rows).with_columns(nth=pl.int_range(pl.len()).over("table", "key"))


def _countings(gated: Gated) -> pl.DataFrame:
    """What the gate counts without naming rows: exact duplicates, values dropped, columns that it does not know."""
    counted = [
        (name, what, times)
        for name, count in gated.counts.items()
        for what, times in {
            "duplicates": count.duplicates,
            **count.dropped,
            **dict.fromkeys(count.unknown_columns, count.received),
        }.items()
    ]
    return pl.DataFrame(counted, schema={"table": pl.String, "expected": pl.String, "counted": pl.Int64}, orient="row")


def _counted(judged: pl.DataFrame) -> pl.DataFrame:
    right, found = pl.col("right"), pl.col("found")
    return judged.group_by("fault", "table", "action", "expected", maintain_order=True).agg(
        planted=pl.len(),
        caught=right.sum(),
        other_reason=(~right & found).sum(),
        missed=(~right & ~found).sum(),
        clean_set_aside=pl.lit(0, pl.UInt32),
    )


def _clean(rows: pl.DataFrame) -> pl.DataFrame:
    nothing = [pl.lit(0, pl.UInt32).alias(name) for name in ("planted", "caught", "other_reason", "missed")]
    return (
        rows.with_columns(
            fault=pl.lit(NO_FAULT), action=pl.lit(Action.SET_ASIDE.value), expected=pl.col("reasons").list.join(";")
        )
        .group_by("fault", "table", "action", "expected", maintain_order=True)
        .agg(*nothing, clean_set_aside=pl.len())
    )
