"""The history as facts: every record as it is known now, and for each child the days on which something was known otherwise.

Facts are what the ordinary way of reading features (``features/readings.py``) needs: cut to a date, they are what was known on
it, but for the children and days that ``exceptions`` names. Those are read from ``versions``, the direct way. Facts are made anew
from the numbered archive at any time and hold nothing that it does not hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import polars as pl

from features.direct import one_row_each
from features.episodes import Mends, cases, count_mends, mend
from features.exceptions import exceptions, joined
from features.migrations import Migrations, Moves, closed_on, count_moves, find_migrations, usual_migrations
from features.numbering import Numbered, number
from features.people import current_ids, first_seen
from validation.contract import Table
from validation.cut import next_working_day, revealing_day
from validation.history import LONG_AGO, Archive
from validation.tables.catalogue import TABLES
from validation.tables.episodes import ASSESSMENTS, EPISODES, FACTORS
from validation.tables.local import PERSON_LINKS
from validation.tables.people import FAMILY

SPAN = {"child": pl.UInt32(), "since": pl.Date(), "until": pl.Date()}
DATED = tuple(
    table for table in TABLES.values() if not table.audit_only and table not in {PERSON_LINKS, FAMILY}
)  # what facts are made of; the last two say who is who
LAST_DAY = date(9999, 12, 31)
OF_NO_CHILD = frozenset({"referrals", "odd episodes", "moves/usual", "moves/possible", f"versions/{PERSON_LINKS.name}"})


@dataclass(frozen=True)
class Facts:
    """What is known of the children of an archive, as lazy frames by name.

    ``children``: ``child``, ``person_id``, ``group`` (the family over all links ever seen), ``current`` (the child that its
    record is merged into), ``first_seen`` (first day on which anything dated was known), ``seen`` (that of all records merged
    into it). ``referrals``: ``number`` and ``referral_id``. ``rows/<table>``: the newest version of each record with ``child`` in
    place of its keys and ``happened``; of factors, one row for each code. ``episodes``: mended (see ``features/episodes.py``).
    ``closings``: the cases of which every episode has closed, by ``closed_on``. ``pairs``: each child with each of its brothers
    and sisters (``child``, ``sibling``, ``since``). ``exceptions/<table>``: ``child``, ``since``, ``until``, apart from
    each other, merged records among them; ``exceptions of siblings/<table>``: those of each child's brothers and sisters, and
    of who they are. ``versions/<table>``: the numbered archive, with
    ``child``. ``odd episodes``: exceptions of episodes by record. ``moves/...``: see ``features/migrations.py``. ``supplied`` are
    the columns of each table that hold any value.
    """

    frames: Mapping[str, pl.LazyFrame]
    window_start: date
    extract_date: date
    supplied: Mapping[str, Sequence[str]]

    def __getitem__(self, name: str) -> pl.LazyFrame:
        """A frame by its name."""
        return self.frames[name]

    def read(self, name: str) -> pl.DataFrame:
        """A frame by its name, collected."""
        return self.frames[name].collect(engine="in-memory")

    def archive(self, tables: tuple[str, ...], children: pl.DataFrame) -> Archive:
        """All versions of some tables' records of some ``children`` (``child``), for the direct way."""
        wanted = pl.col("child").is_in(children["child"].implode())
        found = {}
        for name in tables:
            versions = self[f"versions/{name}"]
            if f"versions/{name}" not in OF_NO_CHILD:
                versions = versions.filter(wanted).drop("child")
            if TABLES[name] is FACTORS:  # which stand once for each child that their assessment was ever of
                versions = versions.unique()
            found[name] = versions.collect(engine="in-memory")
        return Archive(found, self.window_start, self.extract_date)

    def between(self, first: int, last: int) -> "Facts":
        """The facts of the children numbered from ``first`` to ``last`` less one; no family may lie across either.

        They are read into memory, but for the versions, of which only those of a few children are asked for.
        """
        inside = (pl.col("child") >= first) & (pl.col("child") < last)
        frames = {name: frame if name in OF_NO_CHILD else frame.filter(inside) for name, frame in self.frames.items()}
        for name in frames.keys() - OF_NO_CHILD:
            if not name.startswith("versions/"):
                frames[name] = frames[name].collect(engine="in-memory").lazy()
        return replace(self, frames=frames)

    def ranges(self, parts: int) -> list[tuple[int, int]]:
        """Numbers that divide the children into about ``parts`` ranges of the same size, between families."""
        groups = self["children"].select("group").unique().collect(engine="in-memory")["group"].sort()
        count = int(self["children"].select(pl.len()).collect(engine="in-memory").item())
        at = groups.search_sorted(pl.Series([count * part // parts for part in range(parts)]))
        starts = sorted({int(group) for group in groups.gather(at.clip(upper_bound=groups.len() - 1))}) if count else []
        return list(pairwise([*starts, count]))

    def migrations(self, dates: pl.DataFrame) -> Migrations:
        """Migration days for the sorted ``dates`` (``as_of``). Needs the facts of all children."""
        return find_migrations(self._moves(), self[f"versions/{EPISODES.name}"], self["odd episodes"], dates)

    def mends(self, as_of: date) -> Mends:
        """How many episodes were mended up to a date."""
        return count_mends(self.read("episodes"), "child", usual_migrations(self._moves()), as_of)

    def _moves(self) -> Moves:
        return Moves(self.read("moves/usual"), self.read("moves/possible"))


def gather_facts(archive: Archive) -> Facts:
    """The facts of an archive with pseudonyms."""
    return facts_of(number(archive))


def facts_of(numbered: Numbered) -> Facts:
    """The facts of a numbered archive."""
    archive = numbered.archive
    current = _current(numbered)
    first = first_seen(archive).rename({"subject": "child"})
    seen = current.join(first, on="child").group_by(child="current").agg(seen=pl.col("first_seen").min())
    children = numbered.children.join(current, on="child", how="left", maintain_order="left")
    for more in (first, seen):
        children = children.join(more, on="child", how="left", maintain_order="left")
    rows, odd = {}, {}
    for table in DATED:
        versions = _with_subject(archive, table, current)
        odd[table.name] = exceptions(table, versions)
        rows[table.name] = _newest(table, versions)
    by_record = odd[EPISODES.name].select("since", "until", pl.col("key").alias(EPISODES.key)).unique()
    moves = count_moves(archive.table(EPISODES.name), by_record)
    episodes, odd[EPISODES.name] = _mended(rows[EPISODES.name], odd[EPISODES.name], usual_migrations(moves))
    links = _with_subject(archive, FAMILY, current)
    pairs = _pairs(links, children)
    merged, related = _unsettled_people(archive, children), _unsettled_relatives(links, children)
    spans = {name: frame.select(pl.col("subject").alias("child"), "since", "until").cast(SPAN) for name, frame in odd.items()}  # type: ignore[arg-type]
    of_siblings = {name: pl.concat([_of_siblings(frame, pairs), merged, related]) for name, frame in spans.items()}
    of_siblings[FAMILY.name] = pl.concat([merged, related])
    frames = {
        "children": children,
        "referrals": numbered.referrals,
        "episodes": episodes,
        "closings": _closings(episodes),
        "pairs": pairs,
        "odd episodes": by_record,
        "moves/usual": moves.usual,
        "moves/possible": moves.possible,
        **{f"rows/{name}": frame for name, frame in rows.items()},
        **{f"exceptions/{name}": joined(pl.concat([frame, merged])) for name, frame in spans.items()},
        **{f"exceptions of siblings/{name}": joined(frame) for name, frame in of_siblings.items()},
        **{f"versions/{name}": _with_child(archive, name) for name in archive.versions},
    }
    lazy = {name: frame.lazy() for name, frame in frames.items()}
    return Facts(lazy, archive.window_start, archive.extract_date, archive.supplied)


def _of_siblings(spans: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The exceptions of each child's brothers and sisters."""
    return spans.rename({"child": "sibling"}).join(pairs.select("child", "sibling"), on="sibling").select(*SPAN)


def _with_child(archive: Archive, name: str) -> pl.DataFrame:
    """The versions of a table in order of their children: ``child`` and the table's columns."""
    table, versions = TABLES[name], archive.table(name)
    if table is FACTORS:
        owners = archive.table(ASSESSMENTS.name).select(cinf_assessment_id=ASSESSMENTS.key, child="cina_person_id").unique()
        return versions.join(owners, on="cinf_assessment_id").sort("child", table.key, "known_from")
    if table.person is None:
        return versions
    return versions.with_columns(child=pl.col(table.person)).sort("child", maintain_order=True)


def _current(numbered: Numbered) -> pl.DataFrame:
    """Each child and the one that its record is merged into, once all known merges are in force: ``child`` and ``current``."""
    people = numbered.children.select(person_id="child", as_of=pl.lit(LAST_DAY, pl.Date))
    found = current_ids(numbered.archive, people)
    return found.select(child="person_id", current="current_id")


def _with_subject(archive: Archive, table: Table, current: pl.DataFrame) -> pl.DataFrame:
    """The versions of a table's records with ``subject`` (the child as it is known now) and ``happened``.

    ``happened`` is the day from which a record may be visible; an undated record always may.
    """
    frame = archive.table(table.name)
    if table is FACTORS:
        frame = _factors_with_parents(archive)
    elif table.happened is None:
        frame = frame.with_columns(happened=pl.lit(LONG_AGO, pl.Date))
    else:
        frame = frame.with_columns(happened=pl.col(table.happened))
    person = table.person or ASSESSMENTS.person or ""
    if archive.table(PERSON_LINKS.name).is_empty():
        return frame.with_columns(subject=pl.col(person))
    return frame.join(
        current.rename({"child": person, "current": "subject"}), on=person, how="left", maintain_order="left"
    )  # fmt: skip


def _factors_with_parents(archive: Archive) -> pl.DataFrame:
    """Versions of factors, each with the version of its assessment that was known at the same time."""
    parents = archive.table(ASSESSMENTS.name).select(
        "cina_person_id",
        cinf_assessment_id=ASSESSMENTS.key,
        happened=pl.when(pl.col("cina_assessment_auth_date").is_not_null()).then(
            pl.max_horizontal("cina_assessment_start_date", "cina_assessment_auth_date")
        ),
        from_parent="known_from",
        to_parent="known_to",
        dated="cina_assessment_auth_date",
    )
    both = archive.table(FACTORS.name).join(parents, on="cinf_assessment_id")
    known = both.with_columns(
        known_from=pl.max_horizontal("known_from", "from_parent"), known_to=pl.min_horizontal("known_to", "to_parent")
    ).drop("from_parent", "to_parent")
    return known.filter(pl.col("known_to").is_null() | (pl.col("known_from") < pl.col("known_to")))


def _newest(table: Table, versions: pl.DataFrame) -> pl.DataFrame:
    """The records that stand, as they are known now: ``child``, ``happened`` and the table's columns, by child and day."""
    dated = "dated" if table is FACTORS else "happened"
    left_out = {table.person, "cinf_assessment_id"} | (set() if table is EPISODES else {table.key})
    columns = [name for name in table.schema if name in versions.columns and name not in left_out]
    # What is filled in with a date that is not there is not shown either.
    shown = {
        column.name: pl.when(day.is_not_null()).then(column.name)
        for column in table.kept
        if column.name in columns and (day := revealing_day(column)) is not None
    }
    newest = versions.filter(pl.col("known_to").is_null()).with_columns(**shown)
    ordered = newest.select(pl.col("subject").alias("child"), pl.col(dated).alias("happened"), *columns)
    if table is FACTORS:
        ordered = one_row_each(ordered.lazy(), "cinf_assessment_factors_json", "assessment_factors").collect(engine="in-memory")
    return ordered.sort("child", "happened", maintain_order=True)


def _mended(newest: pl.DataFrame, odd: pl.DataFrame, days: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Mended episodes, and the exceptions of children with those that mending brings. ``days`` are the migration days."""
    migrated = days.select(cine_referral_date="day", migrated=pl.lit(value=True))
    episodes = mend(newest.with_columns(closed_on=closed_on()).join(migrated, on="cine_referral_date", how="left"), "child")
    decided = next_working_day(pl.col("began_on"))
    again = (pl.col("child") == pl.col("child").shift(-1)) & ~pl.col("continues").shift(-1)
    next_began = pl.when(again).then(pl.col("cine_referral_date").shift(-1))
    since = [
        # An overlapping episode changes what is the case, and what came before it, for good.
        episodes.filter("overlaps").select(subject="child", since="cine_referral_date", until=pl.lit(LAST_DAY)),
        # The decision on a referral came after the next case had begun.
        episodes.select(subject="child", since=next_began, decided=decided)
        .filter(pl.col("decided") >= pl.col("since"))
        .select("subject", "since", until=pl.lit(LAST_DAY)),
    ]
    spans = pl.concat([odd.select("subject", "since", "until"), *since])
    return episodes.drop("happened"), spans


def _closings(episodes: pl.DataFrame) -> pl.DataFrame:
    ended = cases(episodes, "child").filter(pl.col("closed_on").is_not_null())
    return ended.select("child", "began_on", "closed_on", "cine_close_reason")


def _unsettled_people(archive: Archive, children: pl.DataFrame) -> pl.DataFrame:
    """Families in which a record was merged: until the last such change, who is who is read date by date."""
    links = archive.table(PERSON_LINKS.name).select(
        child="link_old_person_id",
        until=pl.max_horizontal("known_from", "known_to", "link_date"),
    )
    groups = links.join(children.select("child", "group"), on="child")
    spans = groups.group_by("group").agg(pl.col("until").max())
    members = spans.join(children.select("child", "group"), on="group")
    return members.select("child", since=pl.lit(LONG_AGO, pl.Date), until="until").cast(SPAN)  # type: ignore[arg-type]


def _unsettled_relatives(links: pl.DataFrame, children: pl.DataFrame) -> pl.DataFrame:
    """Families whose links were known otherwise, from the day on which the child in question was first seen."""
    odd = exceptions(FAMILY, links).join(children, left_on="subject", right_on="child")
    shown = odd.with_columns(since=pl.max_horizontal("since", "seen")).filter(
        pl.col("seen").is_not_null(), pl.col("since") < pl.col("until")
    )
    members = shown.select("group", "since", "until").unique().join(children.select("child", "group"), on="group")
    return members.select(*SPAN).cast(SPAN)  # type: ignore[arg-type]


def _pairs(links: pl.DataFrame, children: pl.DataFrame) -> pl.DataFrame:
    """Every child with every other child of its families, as they are known now, and since when the other is on record."""
    standing = links.filter(pl.col("known_to").is_null()).select("fami_family_id", child="subject").unique()
    several = standing.filter(pl.len().over("fami_family_id") > 1)
    pairs = several.join(several.rename({"child": "sibling"}), on="fami_family_id")
    seen = children.select(sibling="child", since="seen").filter(pl.col("since").is_not_null())
    different = pairs.filter(pl.col("child") != pl.col("sibling")).select("child", "sibling").unique()
    return different.join(seen, on="sibling").sort("child", "sibling")
