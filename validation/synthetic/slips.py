"""What goes wrong when a case is recorded, and is mostly put right later.

Each slip takes the tables with their day columns (see ``entries.py``) and returns the tables that it changed and what it
did, in the shape of ``entries.SLIPS``. Rows that it adds come last, so that the chances of another slip stay the same.
"""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from validation.contract import Kind
from validation.synthetic.entries import (
    CLOSING,
    NOTHING,
    ROW_FROM,
    ROW_UNTIL,
    after,
    before,
    day_column,
    tell,
    until,
)
from validation.synthetic.habits import Habits
from validation.synthetic.world import pseudonyms, stream
from validation.tables.catalogue import TABLES

Tables = Mapping[str, pl.DataFrame]
Slipped = tuple[dict[str, pl.DataFrame], pl.DataFrame]
Slip = Callable[[Tables, Habits, int], Slipped]

EPISODES, PERSON, FAMILY, LINKS = "ssd_cin_episodes", "ssd_person", "ssd_family", "ext_person_links"
REFERRAL, CHILD, REFERRED = "cine_referral_id", "cine_person_id", "cine_referral_date"
NFA = pl.col("cine_referral_nfa")
FAMILY_KEYS = {FAMILY: "fami_family_id", "ext_offers": "offe_family_id"}
MIGRATION_REASON = "RC7"

# What is entered wrongly at times. A code is first taken for one that was used shortly before, a date is put too early.
CORRECTED = {
    "cine_referral_source_code": EPISODES,
    "cine_cin_primary_need_code": EPISODES,
    "cont_contact_source_code": "ssd_contacts",
    "cppl_cp_plan_initial_category": "ssd_cp_plans",
    "pers_ethnicity": PERSON,
    "icpc_icpc_date": "ssd_initial_cp_conference",
}


def rekey_children(tables: Tables, habits: Habits, seed: int) -> Slipped:
    """The links of the true history: until the day of the link, every row of the child stood under its old key."""
    links = tables[LINKS].select(key="link_new_person_id", before="link_old_person_id", until="link_date")
    changed = {
        name: show_before(frame, person, person, links)
        for name, frame in tables.items()
        if links.height and (person := TABLES[name].person) is not None
    }
    return changed, NOTHING


def merge_children(tables: Tables, habits: Habits, seed: int) -> Slipped:
    """The second referral of some children, and what hangs on it, stood under a second key until the records were merged."""
    episodes, rng = tables[EPISODES], stream(seed, "merged children")
    lot, wait = rng.random(episodes.height), rng.integers(30, 401, size=episodes.height)
    second = pl.col(REFERRED).rank("ordinal").over(CHILD) == 2
    one_key = ~pl.col(CHILD).is_in(tables[LINKS]["link_new_person_id"].implode())
    chosen = episodes.with_columns(until=after(episodes[ROW_FROM], wait)).filter(
        pl.Series(lot < habits.merged_children), second, one_key
    )
    keys = chosen.select("until", ROW_FROM, key=REFERRAL, person=CHILD, before=_keys(seed, "second record", chosen))
    changed: dict[str, pl.DataFrame] = {}
    for name, frame in tables.items():
        person, referral = TABLES[name].person, _referral(name)
        if person is not None and referral is not None and keys.height:
            changed[name] = show_before(frame, person, referral, keys)
    persons = tables[PERSON].join(
        keys.select("before", "until", pers_person_id="person"), on="pers_person_id", maintain_order="left"
    )
    persons = persons.with_columns(pl.col("before").alias("pers_person_id"), pl.col("until").alias(ROW_UNTIL))
    links = keys.select(
        link_id=_keys(seed, "merge", keys),
        link_old_person_id="before",
        link_new_person_id="person",
        link_date="until",
    ).with_columns(pl.col("link_date").alias(ROW_FROM), pl.lit(None, pl.Date).alias(ROW_UNTIL))
    changed[PERSON] = pl.concat([tables[PERSON], persons.select(tables[PERSON].columns)])
    changed[LINKS] = pl.concat([tables[LINKS], links])
    return changed, tell(keys, "merged_children", EPISODES, key="key", other="before", from_day=ROW_FROM, until_day="until")


def rekey_families(tables: Tables, habits: Habits, seed: int) -> Slipped:
    """Some families had another key until a day between their first record and their last."""
    families, rng = tables[FAMILY].select("fami_family_id").unique().sort("fami_family_id"), stream(seed, "families re-keyed")
    lot, place = rng.random(families.height), pl.Series("place", rng.random(families.height))
    families = families.with_columns(place).filter(pl.Series(lot < habits.rekeyed_families))
    rows = tables[FAMILY].join(families, on="fami_family_id", maintain_order="left")
    known = on_record(tables, rows["fami_person_id"])
    rows = rows.join(known, left_on="fami_person_id", right_on="person", maintain_order="left")
    days = (pl.col("last") - pl.col("first")).dt.total_days()
    chosen = (
        rows.group_by(key="fami_family_id")
        .agg(pl.col("first").min(), pl.col("last").max(), pl.col("place").first())
        .with_columns(until=pl.col("first") + pl.duration(days=(1 + days * pl.col("place")).floor()))
        .sort("key")
    )
    chosen = chosen.with_columns(before=_keys(seed, "old family", chosen))
    changed = {name: show_before(tables[name], column, column, chosen) for name, column in FAMILY_KEYS.items() if chosen.height}
    told = rows.join(chosen.select("before", "until", fami_family_id="key"), on="fami_family_id", maintain_order="left").filter(
        pl.col("first") < pl.col("until")
    )
    return changed, tell(
        told, "rekeyed_families", FAMILY, key="fami_table_id", other="before", from_day="first", until_day="until"
    )


def correct(tables: Tables, habits: Habits, seed: int) -> Slipped:
    """Some codes and dates were entered wrongly and put right days or weeks later."""
    changed, told = dict[str, pl.DataFrame](), []
    for column, name in CORRECTED.items():
        table, frame = TABLES[name], changed.get(name, tables[name])
        rng = stream(seed, f"corrections {column}")
        lot, wait, early = (
            rng.random(frame.height),
            rng.integers(3, 61, size=frame.height),
            rng.integers(1, 11, size=frame.height),
        )
        rows = frame.with_columns(pl.Series("wait", wait), pl.Series("early", early), chosen=pl.Series(lot < habits.corrections))
        if table.column(column).kind is Kind.DATE:
            wrong = _too_early(rows.filter("chosen"), tables, column)
        else:
            wrong = _used_before(rows, column, table.happened or table.key).filter("chosen")
        wrong = _with_entry(wrong.filter(pl.col("before") != pl.col(column)), tables, name)
        wrong = wrong.with_columns(until=pl.col("since") + pl.duration(days="wait"))
        if wrong.height:
            changed[name] = show_before(frame, column, table.key, wrong.rename({table.key: "key"}))
        told.append(tell(wrong, "corrections", name, key=table.key, column=pl.lit(column), from_day="since", until_day="until"))
    return changed, pl.concat(told)


def forget_closings(tables: Tables, habits: Habits, seed: int) -> Slipped:
    """Of some referrals without further action nobody enters that they were closed.

    It comes before anything is entered, so it asks for no day columns.
    """
    episodes = tables[EPISODES]
    lot = pl.Series(stream(seed, "undated closings").random(episodes.height)) < habits.undated_closings
    forgotten = NFA & pl.col(CLOSING).is_not_null() & lot
    told = tell(episodes.filter(forgotten), "undated_closings", EPISODES, key=REFERRAL, from_day=CLOSING)
    kept = pl.when(~forgotten)
    return {EPISODES: episodes.with_columns(kept.then("cine_close_reason"), kept.then(CLOSING))}, told


def enter_twice(tables: Tables, habits: Habits, seed: int) -> Slipped:
    """Some referrals were entered a second time, up to two days later, and the second entry was deleted some weeks later.

    A migration leaves behind what is then still there.
    """
    episodes, rng = tables[EPISODES], stream(seed, "duplicates")
    lot = pl.Series(rng.random(episodes.height))
    days = [pl.Series(name, rng.integers(low, high, size=episodes.height)) for name, low, high in
            (("later", 0, 3), ("lag", 0, 3), ("kept", 3, 61))]  # fmt: skip
    chosen = episodes.with_columns(days).filter(lot < habits.duplicates, ~NFA)
    migrated = pl.lit(habits.migration, pl.Date)
    copies = (
        chosen.with_columns(
            _keys(seed, "duplicate", chosen).alias("copy"),
            pl.col(REFERRED) + pl.duration(days="later"),
            pl.lit(None, pl.String).alias("cine_close_reason"),
            pl.lit(None, pl.Date).alias(CLOSING),
        )
        .with_columns((pl.max_horizontal(ROW_FROM, REFERRED) + pl.duration(days="lag")).alias(ROW_FROM))
        .with_columns((pl.col(ROW_FROM) + pl.duration(days="kept")).alias(ROW_UNTIL))
        .with_columns(pl.when(pl.col(ROW_FROM) < migrated).then(pl.min_horizontal(ROW_UNTIL, migrated)).otherwise(ROW_UNTIL))
    )
    told = tell(copies, "duplicates", EPISODES, key="copy", other=REFERRAL, from_day=ROW_FROM, until_day=ROW_UNTIL)
    copies = _days_after_row(copies.with_columns(pl.col("copy").alias(REFERRAL)).select(episodes.columns))
    return {EPISODES: pl.concat([episodes, copies])}, told


def migrate(tables: Tables, habits: Habits, seed: int) -> Slipped:
    """On the day of the migration every open case is closed, and opened under a new key on that day or the next.

    What happens after that day hangs on the new key. Referrals that end without further action are not carried over, nor
    is what has been entered twice, or a case that had closed though its closing was not yet entered.
    """
    episodes, day = tables[EPISODES], habits.migration
    if day is None:
        return {}, NOTHING
    closing = day_column(TABLES[EPISODES].column(CLOSING)) or CLOSING
    open_then = pl.col(CLOSING).is_null() | (pl.col(CLOSING) > day)
    case = (pl.col(REFERRED) < day) & (pl.col(ROW_FROM) < day) & open_then & ~NFA & pl.col(ROW_UNTIL).is_null()
    later = pl.Series("later", stream(seed, "migration").integers(0, 2, size=episodes.height))
    moved = episodes.with_columns(later).filter(case)
    moved = moved.with_columns(new=_keys(seed, "migrated", moved), opened=pl.lit(day) + pl.duration(days="later"))
    told = tell(moved, "migration", EPISODES, key=REFERRAL, other="new", from_day=pl.lit(day), until_day="opened")
    old = (
        episodes.with_columns(case=case)
        .with_columns(
            pl.when("case").then(pl.lit(MIGRATION_REASON)).otherwise("cine_close_reason").alias("cine_close_reason"),
            *(pl.when("case").then(pl.lit(day)).otherwise(name).alias(name) for name in (CLOSING, closing)),
        )
        .drop("case")
    )
    new = moved.with_columns(
        pl.col("new").alias(REFERRAL), pl.col("opened").alias(REFERRED), pl.col("opened").alias(ROW_FROM)
    ).select(episodes.columns)
    changed = {EPISODES: pl.concat([old, _days_after_row(new)])}
    keys = moved.select(REFERRAL, "new")
    for name, frame in tables.items():
        column, happened = _referral(name), TABLES[name].happened
        if column is not None and happened is not None and name != EPISODES:
            renamed = frame.join(keys, left_on=column, right_on=REFERRAL, how="left", maintain_order="left")
            changed[name] = renamed.with_columns(
                pl.when(pl.col(happened) > day).then(pl.coalesce("new", column)).otherwise(column).alias(column)
            ).drop("new")
    return changed, told


def repeat(tables: Tables, habits: Habits, seed: int) -> Slipped:
    """Some rows stand twice in every extract; the extract reads from what is told here which they are."""
    told = [
        tell(
            frame.filter(_lot(seed, f"repeated {name}", frame) < habits.repeated_rows),
            "repeated_rows",
            name,
            key=TABLES[name].key,
        )
        for name, frame in tables.items()
    ]
    return {}, pl.concat(told)


# In this order: what adds rows comes last, and the migration meets what was entered twice. Each with its habit; that
# children are given a new key is no habit but part of the true history.
SLIPS_IN_ORDER: Sequence[tuple[str | None, Slip]] = (
    (None, rekey_children), ("rekeyed_families", rekey_families), ("corrections", correct), ("repeated_rows", repeat),
    ("merged_children", merge_children), ("duplicates", enter_twice), ("migration", migrate),
)  # fmt: skip


def show_before(frame: pl.DataFrame, column: str, on: str, changes: pl.DataFrame) -> pl.DataFrame:
    """``frame`` whose ``column``, where ``on`` is a ``key`` of ``changes``, shows ``before`` until (not on) ``until``."""
    hidden = {before(column): "before", until(column): "until"}
    changes = changes.select("key", **{f"{name}:new": value for name, value in hidden.items()})
    joined = frame.join(changes, left_on=on, right_on="key", how="left", maintain_order="left")
    return joined.with_columns(
        pl.coalesce(f"{name}:new", *([name] if name in frame.columns else [])).alias(name) for name in hidden
    ).select(*frame.columns, *(name for name in hidden if name not in frame.columns))


def on_record(tables: Tables, persons: pl.Series) -> pl.DataFrame:
    """``person``, of ``persons``, and ``first`` and ``last``: the days on which its first and last row were entered."""
    these = persons.unique().implode()
    rows = [
        frame.select(ROW_FROM, person=table.person).filter(pl.col("person").is_in(these))
        for name, frame in tables.items()
        if (table := TABLES[name]).person is not None and table.happened is not None
    ]
    return pl.concat(rows).group_by("person").agg(first=pl.col(ROW_FROM).min(), last=pl.col(ROW_FROM).max())


def _lot(seed: int, purpose: str, rows: pl.DataFrame) -> pl.Series:
    """A number between 0 and 1 for each row."""
    return pl.Series(stream(seed, purpose).random(rows.height))


def _keys(seed: int, kind: str, rows: pl.DataFrame) -> pl.Series:
    """A new key for each row."""
    return pl.Series(pseudonyms(seed, kind, rows.height) if rows.height else [], dtype=pl.String)


def _referral(name: str) -> str | None:
    """The column of a table that names the episode."""
    if name == EPISODES:
        return REFERRAL
    return next((one.column for one in TABLES[name].references if one.table == EPISODES), None)


def _days_after_row(episodes: pl.DataFrame) -> pl.DataFrame:
    """Episodes of which nothing is entered before their row."""
    days = {day for column in TABLES[EPISODES].kept if (day := day_column(column)) is not None}
    return episodes.with_columns(
        pl.when(pl.col(day).is_not_null()).then(pl.max_horizontal(day, ROW_FROM)).alias(day) for day in sorted(days)
    )


def _with_entry(rows: pl.DataFrame, tables: Tables, name: str) -> pl.DataFrame:
    """Rows of a table with ``since``, the day on which each was entered; of a child, the day of its first row elsewhere."""
    if TABLES[name].happened is not None:
        return rows.with_columns(since=ROW_FROM)
    known = on_record(tables, rows[TABLES[name].key]).select("person", since="first")
    return rows.join(known, left_on=TABLES[name].key, right_on="person", how="left", maintain_order="left")


def _used_before(rows: pl.DataFrame, column: str, order: str) -> pl.DataFrame:
    """Rows with ``before``: another code than the row's own, the last that was used until then. Rows without any are left out."""
    value = pl.col(column)
    used = rows.filter(value.is_not_null()).with_row_index("place").sort(order, maintain_order=True)
    last = pl.when(value != value.shift(1)).then(value.shift(1)).forward_fill()
    return used.with_columns(before=last).sort("place").drop("place")


def _too_early(conferences: pl.DataFrame, tables: Tables, column: str) -> pl.DataFrame:
    """Conferences with ``before``: a date that is ``early`` days too early, but not before the enquiry began."""
    begun = tables["ssd_s47_enquiry"].select(icpc_s47_enquiry_id="s47e_s47_enquiry_id", begun="s47e_s47_start_date")
    wrong = pl.col(column) - pl.duration(days="early")
    joined = conferences.join(begun, on="icpc_s47_enquiry_id", how="left", maintain_order="left")
    return joined.with_columns(before=pl.when(pl.col("begun").is_not_null()).then(pl.max_horizontal(wrong, "begun")))
