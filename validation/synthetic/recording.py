"""What the case system shows of a true history at the end of a day, and what an extract takes of it.

The history is recorded once, by the habits of an authority; every day's extract is then read from those records, so that
the extracts of consecutive nights agree with each other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from validation.contract import Column, Kind, Table
from validation.extract import Extract, ExtractRule, Manifest, Origin
from validation.synthetic.entries import ROW_FROM, ROW_UNTIL, before, day_column, enter, name_plans, until
from validation.synthetic.habits import CLEAN, Habits
from validation.synthetic.slips import SLIPS_IN_ORDER, forget_closings
from validation.tables.catalogue import TABLES

# Tables that only describe persons who are on record elsewhere.
DESCRIPTIONS = ("ssd_person", "ssd_family", "ssd_disability", "ext_deprivation")


@dataclass(frozen=True)
class Records:
    """A history as it was recorded.

    ``tables`` holds the columns of the contract and the day columns of ``entries.py``. ``slips`` tells what went wrong and
    where: ``habit`` (a field of :class:`Habits`), ``table``, ``key``, ``column`` (the corrected one), ``other`` (a second or
    former key), ``from_day`` and ``until_day`` (from which day until before which; empty where there is none). A case that
    was migrated is told of under its first key.
    """

    tables: Mapping[str, pl.DataFrame]
    slips: pl.DataFrame


def record(history: Mapping[str, pl.DataFrame], habits: Habits, seed: int) -> Records:
    """Record a true history (conformed frames, one per contract table) as ``habits`` say, the same for the same seed.

    Each habit draws its chances from a stream of its own. What the history does not hold cannot be recorded: extracts of
    days after its end show nothing more.
    """
    forgotten, told = forget_closings(history, habits, seed)
    slips = [told]
    tables: dict[str, pl.DataFrame] = {}
    for name, table in TABLES.items():  # parents come before the rows that hang on them
        tables[name], told = enter(table, forgotten.get(name, history[name]), tables, habits, seed)
        slips.append(told)
    tables["ssd_initial_cp_conference"] = name_plans(tables)
    for habit, slip in SLIPS_IN_ORDER:
        if habit is None or getattr(habits, habit):
            changed, told = slip(tables, habits, seed)
            tables |= changed
            slips.append(told)
    return Records(tables, pl.concat(slips))


def manifest(profile: str, seed: int, extract_date: date, rule: ExtractRule, window_start: date) -> Manifest:
    """The manifest of an extract of an invented authority; its key fingerprint is the same for the same seed."""
    return Manifest(
        authority=f"Invented authority ({profile})",
        origin=Origin.INVENTED,
        extract_rule=rule,
        window_start=window_start,
        extract_date=extract_date,
        key_fingerprint=f"invented-{seed}",
    )


def shown(records: Records, day: date) -> dict[str, pl.DataFrame]:
    """Every table as the case system shows it at the end of ``day``, the whole history long and each row once.

    Rows that were not yet entered are absent, later facts empty; what was wrong until then is wrong.
    """
    return {name: _show(TABLES[name], frame, day) for name, frame in records.tables.items()}


def known_on(history: Mapping[str, pl.DataFrame], day: date) -> dict[str, pl.DataFrame]:
    """A true history as it stands at the end of ``day``: later rows are absent and later facts empty.

    It is what :func:`shown` gives of faultless records. A child who was given a new key after ``day`` still has the old one.
    """
    return shown(record(history, CLEAN, seed=0), day)


def extract(
    records: Records,
    *,
    profile: str,
    seed: int,
    extract_date: date,
    rule: ExtractRule,
    window_start: date,
) -> Extract:
    """What the case system shows at the end of ``extract_date`` under the extract rule.

    STARTED_OR_OPEN takes what began inside the window and what is still open; OVERLAPPING takes what was open on any
    day of it. Rows that hang on an episode come and go with it; persons, families and disabilities are those of
    children with a row elsewhere.
    """
    every = shown(records, extract_date)
    taken: dict[str, pl.DataFrame] = {}
    for name, table in TABLES.items():
        if name not in DESCRIPTIONS:
            taken[name] = _with_parents(table, every[name].filter(_inside(table, rule, window_start)), taken)
    described = [
        taken[name].select(pl.col(table.person).alias("person"))
        for name, table in TABLES.items()
        if name in taken and table.person is not None
    ]
    people = pl.concat([*described, taken["ext_person_links"].select(person="link_new_person_id")]).unique()
    for name in DESCRIPTIONS:
        person = TABLES[name].person
        taken[name] = every[name].join(people, left_on=person, right_on="person", how="semi", maintain_order="left")
    tables = {name: _with_repeats(records, name, taken[name]) for name in TABLES}
    return Extract(manifest(profile, seed, extract_date, rule, window_start), tables)


def nights(
    records: Records, *, profile: str, seed: int, first: date, last: date, rule: ExtractRule, years: int
) -> Iterator[Extract]:
    """The extract of every day from ``first`` to ``last``, each with a window of ``years`` years up to its day."""
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        start = first_day_of_window(day, years)
        yield extract(records, profile=profile, seed=seed, extract_date=day, rule=rule, window_start=start)


def _show(table: Table, frame: pl.DataFrame, day: date) -> pl.DataFrame:
    """The rows of a table that are shown at the end of ``day``, with the values that they had then."""
    here = (pl.col(ROW_FROM) <= day) & (pl.col(ROW_UNTIL).is_null() | (pl.col(ROW_UNTIL) > day))
    rows = frame.filter(here).select(_value(column, frame.columns, day) for column in table.kept)
    if table.name != "ssd_person":
        return rows
    unborn = pl.col("pers_dob").is_null()
    return rows.with_columns(
        pl.when(unborn).then("pers_expected_dob"),
        pl.when(unborn).then(pl.lit("U")).otherwise("pers_sex").alias("pers_sex"),
        pl.when(unborn).then(pl.lit("U")).otherwise("pers_gender").alias("pers_gender"),
    )


def _value(column: Column, stored: list[str], day: date) -> pl.Expr:
    """What a column of a row that is shown holds at the end of ``day``."""
    value = pl.col(column.name)
    if until(column.name) in stored:
        value = pl.when(pl.col(until(column.name)) > day).then(before(column.name)).otherwise(value)
    shown_from = day_column(column)
    if shown_from is not None:
        empty = pl.lit(False if column.required and column.kind is Kind.YESNO else None)
        value = pl.when(pl.col(shown_from) <= day).then(value).otherwise(empty)
    return value.alias(column.name)


def _with_repeats(records: Records, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of a table, followed by those that stand twice in every extract."""
    twice = records.slips.filter(pl.col("habit") == "repeated_rows", pl.col("table") == name)
    if twice.is_empty():
        return rows
    return pl.concat([rows, rows.join(twice, left_on=TABLES[name].key, right_on="key", how="semi", maintain_order="left")])


def _with_parents(table: Table, frame: pl.DataFrame, taken: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Rows whose episode, assessment, enquiry or conference was taken, or that name none."""
    for reference in table.references:
        if reference.table in taken:
            keys = taken[reference.table][TABLES[reference.table].key].implode()
            frame = frame.filter(pl.col(reference.column).is_null() | pl.col(reference.column).is_in(keys))
    return frame


def _inside(table: Table, rule: ExtractRule, window_start: date) -> pl.Expr:
    """Does the extract rule take a row of the table?"""
    hangs_on_case = any(reference.table in ("ssd_cin_episodes", "ssd_cin_assessments") for reference in table.references)
    if table.happened is None or hangs_on_case or table.name == "ext_person_links":
        return pl.lit(True)
    started = pl.col(table.happened) >= window_start
    if table.ends is None:
        return started
    if rule is ExtractRule.STARTED_OR_OPEN:
        return started | pl.col(table.ends).is_null()
    return started | pl.col(table.ends).is_null() | (pl.col(table.ends) >= window_start)


def first_day_of_window(day: date, years: int) -> date:
    """The day after ``day`` lay ``years`` years ago: the first day of a window of that length."""
    try:
        return day.replace(year=day.year - years) + timedelta(days=1)
    except ValueError:  # 29 February
        return date(day.year - years, 3, 1)
