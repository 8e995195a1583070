"""The folder of the truth about an invented authority. No command of the pipeline reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from flows.workspace import make_private_folder, write_json, write_private
from validation.synthetic.lived import Lived
from validation.synthetic.truth import chances_table, effects, summary

README = """\
This is the truth about an invented authority: how likely each open case was to come back, what was planted, what was
recorded wrongly, and which faults were put into the extract. It is for judging what a model, a report or the gate has
found, after it has found it. It must never be given to a model, nor lie where a command of the pipeline could read it.

chances.parquet   one row for each open case and date: its true chance of the outcome, given everything and given what is
                  on record, how precise both are, and what came of it
effects.json      for each part of the authority: what was planted, how strongly, since when, and its true effect
slips.parquet     what went wrong when things were recorded, and when it was put right
faults.parquet    the faulty rows of the extract, and what the gate must do about each
"""


@dataclass(frozen=True)
class Truth:
    """The true chances of every open case on some dates, and the true effects of what was planted, part by part."""

    chances: pl.DataFrame
    effects: Sequence[Mapping[str, Any]]


def truth_of(parts: Sequence[Lived], dates: Sequence[date], copies: int) -> Truth:
    """The truth about an authority that was lived in ``parts``, each watched on ``dates``, from ``copies`` further lives."""
    chances = [chances_table(part, dates, copies) for part in parts]
    planted = [effects(part, of_part) for part, of_part in zip(parts, chances, strict=True)]
    return Truth(pl.concat(chances).sort("as_of", "referral_id"), planted)


def write_truth(truth: Truth, slips: pl.DataFrame, faults: pl.DataFrame, folder: Path) -> None:
    """Write the truth to a new ``folder``, private to its owner."""
    make_private_folder(folder)
    for name, frame in {"chances": truth.chances, "slips": slips, "faults": faults}.items():
        write_private(folder / f"{name}.parquet", frame.write_parquet)
    write_json(folder / "effects.json", truth.effects)
    write_private(folder / "README.txt", lambda beside: beside.write_text(README, encoding="utf-8"))


def summary_text(chances: pl.DataFrame) -> str:
    """Base rates and the best AUC that any model could reach, as a small table."""
    with pl.Config(
        tbl_formatting="ASCII_MARKDOWN", tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, tbl_rows=-1, tbl_cols=-1,
        tbl_width_chars=120, fmt_str_lengths=80, float_precision=3,
    ):  # fmt: skip
        return str(summary(chances))
