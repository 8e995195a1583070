"""An invented history of any size, for the bench: numbered tables with lags, corrections and withdrawals.

It is quick and plain, and serves to time features and to check them against each other: nothing about it is fitted to life but
the number of rows for each referral and their skew (a few children have many). Whoever wants an authority that behaves like one
uses ``rereferral synthesise``. Everything follows from the seed.

Of all rows a fifth became known late; two in a hundred were corrected once and one in a hundred was withdrawn; of the spells
that ended, three in ten were first known as open. A child's referrals never overlap, whatever is known of them on the day.
"""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from features.numbering import numbered_schema
from features.streams import source_group
from flows.bench.cases import People, draw_births, draw_cases, draw_people
from flows.bench.draws import END, LAST, Ints, dates, ids, numbers, random_of
from flows.bench.records import draw_tables
from validation.history import LONG_AGO
from validation.tables.catalogue import TABLES
from validation.tables.episodes import EPISODES
from validation.tables.people import FAMILY, PERSON

ENGLAND = 6_200_000
SCORED, SCORED_ON = 400_000, END  # as a night does, on the day of its extract

LATE, LATE_DAYS = 0.2, 10
CORRECTED, CORRECTED_WITHIN = 0.02, 200
WITHDRAWN, WITHDRAWN_WITHIN = 0.01, 400
FIRST_KNOWN_OPEN = 0.3


def invent(folder: Path, referrals: int, seed: int = 1) -> None:
    """Write a history with about ``referrals`` referrals; nothing is done where one is complete.

    ``folder`` receives ``<table>.parquet`` (ids UInt32, codes Enum, dates Date, ``known_from``, ``known_to``; sorted by key and
    ``known_from``, keys numbered in order of child), ``children.parquet`` (``child``, ``family``, ``first_seen``),
    ``rows.parquet`` (one row for each referral, on the day on which it became known) and ``scored.parquet`` (children with an
    open case on one day), both with ``row``, ``child``, ``as_of``, ``began_on``, ``dob``, ``source`` and sorted by child.
    """
    done = folder / "complete.json"
    if done.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    people = draw_people(random_of(seed, 0), referrals)
    cases = draw_cases(random_of(seed, 1), people, referrals)
    dob = draw_births(random_of(seed, 2), people, cases)
    seen, counts = [], {"children": len(people.family), "families": int(people.family[-1]) + 1}
    for number, (name, table, happened, vintages) in enumerate(draw_tables(seed, people, cases, referrals)):
        versions = _vintages(random_of(seed, 100 + number), table, happened, **vintages)
        typed = versions.select(pl.col(column).cast(dtype) for column, dtype in numbered_schema(TABLES[name]).items())
        typed.write_parquet(folder / f"{name}.parquet", compression="zstd")
        counts |= {name: table.height, f"{name} versions": versions.height}
        if name == EPISODES.name:
            _write_rows(folder, versions, dob, referrals)
        if person := TABLES[name].person:
            day = pl.max_horizontal(happened, "known_from")
            known = versions.lazy().filter(pl.col("known_to").is_null() | (day < pl.col("known_to")))
            seen.append(known.group_by(child=person).agg(first_seen=day.min()).collect())
    _write_people(folder, people, dob, pl.concat(seen).group_by("child").agg(pl.col("first_seen").min()))
    done.write_text(json.dumps(counts, indent=1))


def _vintages(
    random: np.random.Generator, table: pl.DataFrame, happened: str, *, end: str | None = None, with_end: Sequence[str] = (),
    code: str | None = None, moves: bool = True, late: int = LATE_DAYS,
) -> pl.DataFrame:  # fmt: skip
    """Every version of every row, with ``known_from`` and ``known_to``, sorted by the first column, which is the key.

    ``with_end`` are the columns that are filled in with ``end``. A correction changes ``code`` or, where ``moves``, the day.
    """
    size = table.height
    day = numbers(table[happened])
    known = day + np.where(random.random(size) < LATE, random.integers(1, late + 1, size), 0)
    ended = np.full(size, LAST + 1)
    if end is not None:
        ended = numbers(table[end].fill_null(date.max))
        done = pl.lit(pl.Series(ended <= LAST))
        table = table.with_columns(pl.when(done).then(pl.col(name)).alias(name) for name in (end, *with_end))
    twice = (ended <= LAST) & (random.random(size) < FIRST_KNOWN_OPEN)
    corrected = ~twice & (random.random(size) < CORRECTED)
    newest = np.where(corrected, known + random.integers(1, CORRECTED_WITHIN + 1, size), known)
    newest = np.where(twice, np.maximum(known + 1, ended + random.integers(0, 8, size)), newest)
    gone = newest + random.integers(1, WITHDRAWN_WITHIN + 1, size)
    last = table.with_columns(known_from=dates(newest), known_to=dates(gone, random.random(size) >= WITHDRAWN))
    moved = corrected & moves & (random.random(size) < (0.5 if code else 1.0))
    other_day = np.where(moved, _moved(random, day, end is None), day)
    first = table.with_columns(
        dates(other_day).alias(happened), known_from=dates(known), known_to=dates(newest), open=pl.Series(twice)
    ).with_columns(pl.when(~pl.col("open")).then(pl.col(name)).alias(name) for name in ([end, *with_end] if end else []))
    if code:
        recoded = pl.lit(pl.Series(corrected & ~moved))
        other = table[code].shuffle(int(random.integers(1 << 30)))
        first = first.with_columns(pl.when(recoded).then(pl.lit(other)).otherwise(pl.col(code)).alias(code))
    first = first.filter(pl.Series(twice | corrected)).select(last.columns)
    known_to = pl.when(pl.col("known_to") <= END).then(pl.col("known_to")).alias("known_to")
    return (
        pl.concat([first, last])
        .filter(pl.col("known_from") <= END)
        .with_columns(known_to)
        .sort(table.columns[0], maintain_order=True)
    )


def _moved(random: np.random.Generator, day: Ints, either_way: bool) -> Ints:
    """A wrong day within a month of the right one; before it, for spells, so that none ends before it began."""
    by = random.integers(1, 31, len(day))
    return np.where(random.random(len(day)) < (0.5 if either_way else 0.0), day + by, day - by)


def _write_people(folder: Path, people: People, dob: pl.Series, first_seen: pl.DataFrame) -> None:
    """The children, whose families and births have always been known."""
    child = ids(np.arange(len(people.family)))
    known = {"known_from": pl.lit(LONG_AGO), "known_to": pl.lit(None, pl.Date)}
    persons = pl.DataFrame({"pers_person_id": child, "pers_dob": dob})
    empty = {name: pl.lit(None, dtype) for name, dtype in numbered_schema(PERSON).items() if name not in persons.columns}
    persons.with_columns(**empty | known).select(*numbered_schema(PERSON)).write_parquet(folder / "ssd_person.parquet")
    family = pl.DataFrame({"fami_table_id": child, "fami_family_id": ids(people.family), "fami_person_id": child})
    family.with_columns(**known).select(*numbered_schema(FAMILY)).write_parquet(folder / "ssd_family.parquet")
    children = pl.DataFrame({"child": child, "family": ids(people.family)}).join(
        first_seen, on="child", how="left", maintain_order="left"
    )
    children.write_parquet(folder / "children.parquet")


def _write_rows(folder: Path, episodes: pl.DataFrame, dob: pl.Series, referrals: int) -> None:
    """What features are computed for: every referral on the day that it became known, and the open cases of one day."""
    first = episodes.unique("cine_referral_id", keep="first", maintain_order=True).with_columns(as_of="known_from")
    _rows(first, dob).write_parquet(folder / "rows.parquet")
    seen = episodes.filter(
        pl.col("known_from") <= SCORED_ON, pl.col("known_to").is_null() | (pl.col("known_to") > SCORED_ON),
        pl.col("cine_close_date").is_null() | (pl.col("cine_close_date") > SCORED_ON),
        ~(pl.col("cine_referral_nfa") & (pl.col("cine_referral_date") < SCORED_ON - timedelta(days=4))).fill_null(value=False),
    )  # fmt: skip
    wanted = round(SCORED * referrals / ENGLAND)
    seen = seen.unique("cine_person_id", keep="last", maintain_order=True).with_columns(as_of=pl.lit(SCORED_ON))
    _rows(seen.head(wanted), dob).write_parquet(folder / "scored.parquet")


def _rows(episodes: pl.DataFrame, dob: pl.Series) -> pl.DataFrame:
    born = dob.gather(episodes["cine_person_id"])
    return episodes.select(
        child="cine_person_id", as_of="as_of", began_on="cine_referral_date",
        dob=pl.when(pl.lit(born) <= pl.col("as_of")).then(pl.lit(born)), source=source_group("cine_referral_source_code"),
    ).with_row_index("row")  # fmt: skip
