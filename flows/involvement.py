"""The page that shows whether people decide: lists and log of a period in, counts out."""

from datetime import date
from pathlib import Path

import polars as pl

from features.cohort import build_cohort
from features.groups import read_groups
from flows.decisions import read_decisions
from flows.publish.chance_words import number
from flows.publish.involvement_page import render_involvement
from flows.vintages import last_extract, read_archive
from flows.workspace import Workspace, hold, write_private
from models.involvement import HOLDS, measure_involvement
from validation.errors import ContractError, SettingsError
from validation.extract import Origin
from validation.history import Archive

COLUMNS = ("family_id", "children", "order", "standing", "kind", "listed_since")
GROUPS = ("sex", "ethnicity", "disability")


def write_involvement(root: Path, from_day: date, to_day: date, today: date) -> str:
    """Write ``involvement/<to_day>.html`` about the lists of the nights from one day to another; says where, in words.

    Raises ``SettingsError`` for a period that ends before it begins or after ``today``, or holds no list, ``ContractError`` for
    a workspace without a history, or a list of an older form.
    """
    if from_day > to_day:
        raise SettingsError(f"The period from '{from_day}' to '{to_day}' ends before it begins: put the earlier day first.")
    if to_day > today:
        raise SettingsError(f"'--to' is {to_day}, a day that has not come: give a day up to {today}.")
    place = Workspace(root)
    with hold(place):
        nights = read_lists(place, from_day, to_day)
        history, extract = read_archive(place), last_extract(place)
        if extract is None:
            raise ContractError(f"The workspace '{root.name}' holds no history: run a night first.")
        told = measure_involvement(read_decisions(place), nights, find_groups(history, nights))
        manifest = extract[0]
        text = render_involvement(told, authority=manifest.authority, invented=manifest.origin is not Origin.REAL)
        file = place.root / "involvement" / f"{to_day}.html"
        write_private(file, lambda beside: beside.write_text(text, encoding="utf-8"))
    to_look_into = f"{len(told.alarms)} to look into" if told.alarms else "no alarm"
    return f"{number(told.lists, 'list', 'lists')} from {told.first} to {told.last}, {to_look_into}: {file}"


def read_lists(workspace: Workspace, from_day: date, to_day: date) -> pl.DataFrame:
    """The published families of each night of a period, with the date of the night as ``night``; errors as above."""
    found = {date.fromisoformat(file.parent.name): file for file in sorted(workspace.nights.glob("????-??-??/list.parquet"))}
    wanted = {night: file for night, file in found.items() if from_day <= night <= to_day}
    if not wanted:
        there = f"there are {len(found)}, from {min(found)} to {max(found)}" if found else "there are none at all"
        raise SettingsError(f"No list was published from '{from_day}' to '{to_day}': {there}. Choose another period.")
    for night, file in wanted.items():
        if lost := [name for name in COLUMNS if name not in pl.read_parquet_schema(file)]:
            raise ContractError(
                f"The list of the night '{night}' lacks the column '{lost[0]}' ({len(lost)} are missing), since an older version "
                "made it: choose a period after it."
            )
    return pl.concat([pl.read_parquet(file, columns=list(COLUMNS)).select(pl.lit(night).alias("night"), *COLUMNS)
                      for night, file in wanted.items()])  # fmt: skip


def find_groups(history: Archive, nights: pl.DataFrame) -> pl.DataFrame:
    """``person_id`` and the audit's groups of each child whose family had a place, as known on its first night with one."""
    first = (
        nights.filter(pl.col("standing").is_in(HOLDS))
        .select("night", person_id="children")
        .explode("person_id", empty_as_null=True)
        .group_by("person_id")
        .agg(as_of=pl.col("night").min())
    )
    if first.is_empty():
        return pl.DataFrame(schema={"person_id": pl.String()})
    cohort = build_cohort(history, first["as_of"].unique().sort().to_list())
    children = cohort.join(first, on=["person_id", "as_of"], how="semi", maintain_order="left")
    told = read_groups(history, children)
    return told.select("person_id", *(name for name in GROUPS if name in told.columns))
