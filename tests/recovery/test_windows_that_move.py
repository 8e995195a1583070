"""Extracts whose window moves on: what leaves them is aged out, not withdrawn, and nobody stays open for ever."""

from datetime import date

import polars as pl
import pytest

from features.cohort import build_cohort
from validation.extract import ExtractRule
from validation.history import Change, aged_out_keys, build_archive, current, difference
from validation.synthetic.authority import simulate
from validation.synthetic.habits import CLEAN
from validation.synthetic.profiles import NE_LINCOLNSHIRE
from validation.synthetic.recording import extract, first_day_of_window, record
from validation.tables.catalogue import TABLES

FIRST, SECOND = date(2025, 3, 31), date(2026, 3, 31)


@pytest.mark.parametrize("rule", list(ExtractRule))
def test_a_year_later_nothing_is_taken_for_deleted_and_the_open_stock_is_the_true_one(rule: ExtractRule) -> None:
    history = simulate(NE_LINCOLNSHIRE, 4_000, first_day_of_window(FIRST, 6), SECOND, 5)
    records = record(history, CLEAN, 5)
    vintages: dict[str, list[tuple[date, pl.DataFrame]]] = {name: [] for name in TABLES}
    for day in (FIRST, SECOND):
        shown = extract(records, profile="nel", seed=5, extract_date=day, rule=rule, window_start=first_day_of_window(day, 6))
        aged_out: dict[str, pl.Series] = {}
        for name, table in TABLES.items():
            known = [vintage for _, vintage in vintages[name]]
            before = current(table, known) if known else None
            start = shown.manifest.window_start
            vintages[name].append((day, difference(table, before, shown.tables[name], start, day, rule, aged_out)))
            aged_out[name] = aged_out_keys(table, before, vintages[name][-1][1])
    gone = {name: dict(frames[-1][1].group_by("change").len().iter_rows()) for name, frames in vintages.items()}
    assert sum(count.get(Change.AGED_OUT, 0) for count in gone.values()) > 100
    re_keyed = history["ext_person_links"].filter(pl.col("link_date") > FIRST).height
    for name, count in gone.items():
        # a child who was given a new key in between leaves its old family row behind
        assert count.get(Change.WITHDRAWN, 0) <= (re_keyed if name == "ssd_family" else 0), (name, count)

    archive = build_archive(vintages, first_day_of_window(FIRST, 6), SECOND)
    last = shown.tables["ssd_cin_episodes"]
    nfa = pl.col("cine_referral_nfa")
    minors = history["ssd_person"].filter(pl.col("pers_dob").dt.offset_by("18y") > SECOND)["pers_person_id"]
    open_case = pl.col("cine_close_date").is_null() & pl.col("cine_person_id").is_in(minors.implode())
    truly_open = last.filter(open_case, ~nfa)["cine_referral_id"]
    found = build_cohort(archive, [SECOND])["referral_id"]
    assert set(found) <= set(truly_open)
    assert len(found) > 0.9 * len(truly_open)
