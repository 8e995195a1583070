"""Who a child is on a date: merged records followed, families as known, birth and death."""

import polars as pl

from validation.cut import cut
from validation.history import Archive
from validation.tables.catalogue import TABLES
from validation.tables.local import PERSON_LINKS
from validation.tables.people import FAMILY, PERSON

NODES_A_DAY = 2**33  # children and families have 32 bits each
MERGE_STEPS = 10  # a record that was merged more often than this in a row is left where the tenth merge put it


def current_ids(archive: Archive, people: pl.DataFrame) -> pl.DataFrame:
    """The pseudonym that stands for each child at each date, merged and re-keyed records followed.

    ``people`` has ``person_id`` and ``as_of``; the result adds ``current_id``. A link counts once it is known and dated
    on or before ``as_of``.
    """
    links = archive.table(PERSON_LINKS.name)
    result = people.with_columns(current_id=pl.col("person_id"))
    if links.is_empty():
        return result
    steps = links.select(
        current_id="link_old_person_id",
        successor="link_new_person_id",
        since=pl.max_horizontal("known_from", pl.col("link_date").fill_null(pl.col("known_from"))),
        until="known_to",
    ).filter(pl.col("current_id") != pl.col("successor"))
    dates = people.select("as_of").unique()
    valid = (
        steps.join(dates, how="cross")
        .filter(pl.col("since") <= pl.col("as_of"), pl.col("until").is_null() | (pl.col("until") > pl.col("as_of")))
        .sort("current_id", "as_of", "since", "successor")
        .unique(["current_id", "as_of"], keep="last", maintain_order=True)
        .select("current_id", "as_of", "successor")
    )
    for _ in range(MERGE_STEPS):
        result = result.join(valid, on=["current_id", "as_of"], how="left").with_columns(
            current_id=pl.coalesce("successor", "current_id")
        )
        if result["successor"].null_count() == result.height:
            return result.drop("successor")
        result = result.drop("successor")
    return result


def records(archive: Archive, index: pl.DataFrame) -> pl.DataFrame:
    """All pseudonyms whose records belong to the child of each index row: its own and those merged into it.

    ``index`` has ``row``, ``person_id`` and ``as_of``; the result ``row``, ``subject`` and ``as_of``.
    """
    own = index.select("row", pl.col("person_id").alias("subject"), "as_of")
    old = archive.table(PERSON_LINKS.name).select(person_id="link_old_person_id").unique()
    if old.is_empty():
        return own
    candidates = old.join(index.select("as_of").unique(), how="cross")
    merged = current_ids(archive, candidates).filter(pl.col("current_id") != pl.col("person_id"))
    others = index.join(
        merged.select(pl.col("person_id").alias("subject"), "as_of", pl.col("current_id").alias("person_id")),
        on=["person_id", "as_of"],
    ).select("row", "subject", "as_of")
    return pl.concat([own, others]).unique(maintain_order=True)


def people_at(archive: Archive, who: pl.DataFrame) -> pl.DataFrame:
    """Birth and death of each index row's child, as known: one row per ``row`` with ``dob``, ``expected_dob``, ``death``."""
    seen = cut(archive, PERSON, who)
    return seen.group_by("row").agg(
        dob=pl.col("pers_dob").max(), expected_dob=pl.col("pers_expected_dob").max(), death=pl.col("pers_death_date").max()
    )


def first_seen(archive: Archive) -> pl.DataFrame:
    """For each child the first day on which any dated row about it was known: columns ``subject``, ``first_seen``."""
    frames = []
    for name, versions in archive.versions.items():
        table = TABLES[name]
        if table.person and table.happened and not table.audit_only:
            day = pl.max_horizontal(table.happened, "known_from")
            known = versions.filter(pl.col("known_to").is_null() | (day < pl.col("known_to")))
            frames.append(known.select(subject=pl.col(table.person), day=day))
    return pl.concat(frames).group_by("subject").agg(first_seen=pl.col("day").min())


def siblings(archive: Archive, who: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """The other children in the families of each index row's child: columns ``row``, ``subject``, ``as_of``.

    A brother or sister comes with all records that were merged into its own. Links are undated in the source: in a first load
    a pair counts from the later of the two children's first dated events; a link that a later vintage brought counts from
    that night. ``seen`` is what :func:`first_seen` gives.
    """
    mine = cut(archive, FAMILY, who).select("row", "as_of", "fami_family_id")
    links = archive.table(FAMILY.name).select("fami_family_id", "known_from", "known_to", person_id="fami_person_id")
    linked = mine.join(links, on="fami_family_id").filter(_known_by(pl.col("as_of"))).select("row", "as_of", "person_id")
    children = (
        current_ids(archive, linked)
        .select("as_of", cohort_row="row", person_id="current_id")
        .unique(maintain_order=True)
        .with_row_index("row")
    )
    on_record = (
        records(archive, children)
        .join(seen, on="subject", how="left")
        .filter((pl.col("first_seen") <= pl.col("as_of")).any().over("row"))
    )
    others = on_record.join(children.select("row", "cohort_row"), on="row").select("subject", "as_of", row="cohort_row")
    return others.join(who, on=["row", "subject"], how="anti").select("row", "subject", "as_of").unique(maintain_order=True)


def _known_by(day: pl.Expr) -> pl.Expr:
    """Was a version current at the end of ``day``?"""
    return (pl.col("known_from") <= day) & (pl.col("known_to").is_null() | (pl.col("known_to") > day))


def components(links: pl.DataFrame) -> pl.DataFrame:
    """Connected components of an undirected graph: the smallest node reachable from each node.

    ``links`` has the columns ``left`` and ``right``; the result ``node`` and ``component``.
    """
    edges = pl.concat([links.select("left", "right"), links.select(left="right", right="left")]).unique()
    labels = edges.select(node="left").unique().with_columns(component=pl.col("node"))
    while True:
        offered = edges.join(labels.rename({"node": "right"}), on="right").group_by("left").agg(pl.col("component").min())
        better = labels.join(offered.rename({"left": "node", "component": "offer"}), on="node", how="left").with_columns(
            smallest=pl.min_horizontal("component", "offer")
        )
        if better["smallest"].equals(better["component"]):
            return labels
        labels = better.select("node", component="smallest")


def families_at(rows: pl.DataFrame, links: pl.DataFrame, merges: pl.DataFrame, children: pl.DataFrame) -> pl.DataFrame:
    """The family of each child as it was known on a day: ``rows`` with ``family``, the smallest number among its children.

    ``rows`` has ``child``, ``group`` and ``as_of``; ``links`` and ``merges`` are versions with numbers, ``children`` has
    ``child``, ``group`` and ``first_seen``. A family is all children that hang together by links and merges known by then, of
    children who had been seen. All dates are worked on at once: a node is a child or a family on a day.
    """
    asked = rows.select("group", "as_of").unique()
    members = children.join(asked, on="group")
    day = (pl.col("as_of") - pl.date(1900, 1, 1)).dt.total_days() * NODES_A_DAY
    family_links = members.filter(pl.col("first_seen") <= pl.col("as_of")).join(
        links.select("known_from", "known_to", "fami_family_id", child="fami_person_id"), on="child"
    )
    merged = members.join(
        merges.select("known_from", "known_to", "link_date", "link_new_person_id", child="link_old_person_id"), on="child"
    ).filter(pl.col("link_date").is_null() | (pl.col("link_date") <= pl.col("as_of")))
    edges = [
        family_links.filter(_known_by(pl.col("as_of"))).select(
            left=day + pl.col("child"), right=day + NODES_A_DAY // 2 + pl.col("fami_family_id")
        ),
        merged.filter(_known_by(pl.col("as_of"))).select(left=day + pl.col("child"), right=day + pl.col("link_new_person_id")),
    ]
    found = components(pl.concat(edges)).rename({"component": "family"})
    named = rows.with_columns(node=day + pl.col("child")).join(found, on="node", how="left", maintain_order="left")
    return named.with_columns(family=pl.coalesce(pl.col("family") % NODES_A_DAY, "child").cast(pl.UInt32)).drop("node")
