"""Children who have been kept for as long as the council keeps them: who they are, and their erasure."""

from datetime import date
from pathlib import Path

import polars as pl

from flows import ledger
from flows.erasure import count_held, open_held, remove_all
from flows.erasure_nights import settle_nights
from flows.publish.chance_words import in_words, number
from flows.settings import read_settings
from flows.tombstones import PAST_RETENTION, check_words, make_tombstone, read_tombstones
from flows.vintages import current_links, last_extract, read_archive
from flows.workspace import hold
from validation.erased import Children, follow
from validation.errors import SettingsError
from validation.history import Archive
from validation.tables.catalogue import TABLES


def erase_past_retention(root: Path, *, role: str, reason: str, on: date, yes: bool) -> str:
    """Erase every child past retention, or without ``yes`` only say how many there are.

    Years are counted back from the newest extract. Such a child is not kept out afterwards: a new referral is a new beginning.
    Raises :class:`SettingsError` (exit 10) without ``retention_years``, and when the extract reaches back further than that, so
    that tomorrow's would bring the rows again.
    """
    check_words(role, reason)
    place, years = open_held(root), read_settings(root).retention_years
    if years is None:
        raise SettingsError("'retention_years' is not set, so nobody is past retention: set it in 'rereferral.toml' first.")
    with hold(place):
        for begun in read_tombstones(place):
            if begun.why == PAST_RETENTION and not begun.finished:
                remove_all(place, begun)
        newest = last_extract(place)
        if newest is None:
            return "There is no history, so nobody is past retention."
        before = years_before(newest[0].extract_date, years)
        if before >= newest[0].window_start:
            raise SettingsError(
                f"'retention_years' is {years} and the extract reaches back to {newest[0].window_start}: what was erased would "
                "come in again tomorrow. Set more years, or have the extract begin later."
            )
        ids = find_past_retention(read_archive(place), before)
        since = f"nothing on record since {in_words(before)} and no open case"
        if not ids:
            return f"No child is past retention ({since})."
        links = current_links(place)
        children = {follow({one}, links) for one in ids}
        rows = count_held(place, Children.of(one for child in children for one in child))
        told = f"{number(len(children), 'child', 'children')} past retention ({since}), {sum(rows.values())} rows"
        if not yes:
            return f"{told}. Nothing was erased: look at the number, and say '--yes' to erase them."
        ledger.erase_rows(place, (), on)  # checks the ledger whole, before anything is removed
        settle_nights(place)
        remove_all(place, make_tombstone(PAST_RETENTION, sorted(map(sorted, children)), on, role, reason, rows))
    return f"{told}: erased."


def find_past_retention(archive: Archive, before: date) -> frozenset[str]:
    """Children of whom nothing is on record from ``before`` on, neither a beginning nor an end, and nothing is open.

    All versions of rows count. A child without any dated row is not past retention: nothing says since when it is kept. One
    whose record was merged counts with the record that it was merged into.
    """
    days = []
    for name, versions in archive.versions.items():
        table = TABLES[name]
        if table.person is None or table.happened is None:
            continue
        ends = pl.lit(None, pl.Date) if table.ends is None else pl.col(table.ends)
        still_open = ends.is_null() & pl.col("known_to").is_null() if table.ends else pl.lit(value=False)
        last = pl.when(still_open).then(pl.lit(date.max)).otherwise(pl.max_horizontal(table.happened, ends))
        days.append(versions.select(person_id=pl.col(table.person), last=last))
    newest = pl.concat(days).group_by("person_id").agg(pl.col("last").max()).drop_nulls()
    links = archive.table("ext_person_links")
    old = set(newest.filter(pl.col("last") < before)["person_id"])
    recent = set(newest["person_id"]) - old
    kept = follow(recent, links)
    return frozenset(one for one in old if one not in kept)


def years_before(day: date, years: int) -> date:
    """The same day so many years before; 29 February becomes 28 February."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
