"""Pseudonyms as numbers: the same archive with small whole numbers in their place, children of one family side by side.

A pseudonym is 32 characters; sorting and joining by it costs more than all features together. Numbers are given anew for each
archive and mean nothing outside it. Since a family's children have neighbouring numbers, any range of numbers that begins and
ends between two families can be worked on by itself.
"""

from dataclasses import dataclass

import polars as pl

from features.people import components
from validation.codes import codes
from validation.contract import Kind, Sensitivity, Table
from validation.history import Archive
from validation.tables.catalogue import TABLES
from validation.tables.episodes import ASSESSMENTS, EPISODES, FACTORS
from validation.tables.local import PERSON_LINKS
from validation.tables.people import FAMILY

NUMBER = pl.UInt32()
VERSION = ("known_from", "known_to")
READ = ("pers_death_date", "link_date")  # read beside columns that may be features
LINKS = ("link_old_person_id", "link_new_person_id")
TO_NUMBER = tuple(table for table in TABLES.values() if not table.audit_only)


@dataclass(frozen=True)
class Numbered:
    """An archive with numbers in place of pseudonyms, and the children that they stand for.

    ``children`` has ``child`` (UInt32, from 0), ``person_id`` and ``group`` (the smallest number of the child's family over all
    links ever seen), sorted by ``child``; ``referrals`` has ``number`` and ``referral_id``.
    """

    archive: Archive
    children: pl.DataFrame
    referrals: pl.DataFrame


def person_columns(table: Table) -> tuple[str, ...]:
    """The columns of a table that name a child."""
    return LINKS if table is PERSON_LINKS else (table.person,) if table.person else ()


def numbered_schema(table: Table) -> dict[str, pl.DataType]:
    """Columns and types of a table with numbers in it: its key, its child, whatever features read, and when it was known."""
    references = {FACTORS: ("cinf_assessment_id",), FAMILY: ("fami_family_id",)}.get(table, ())
    schema: dict[str, pl.DataType] = dict.fromkeys((table.key, *person_columns(table), *references), NUMBER)
    for column in table.kept:
        if column.sensitivity is Sensitivity.FEATURE or column.name in READ:
            is_code = column.kind is Kind.CODE and column.codes is not None
            schema[column.name] = pl.Enum(list(codes(column.codes or ""))) if is_code else table.schema[column.name]
    return schema | dict.fromkeys(VERSION, pl.Date())


def number(archive: Archive) -> Numbered:
    """Number every child, family and record of an archive. The same archive gets the same numbers."""
    children = _number_children(archive)
    people = children.select(value="person_id", number="child")
    shared = {column: people for table in TO_NUMBER for column in person_columns(table)}
    shared["fami_family_id"] = _numbers(archive.table(FAMILY.name)["fami_family_id"])
    shared["cinf_assessment_id"] = _numbers(archive.table(ASSESSMENTS.name)[ASSESSMENTS.key])
    versions = {}
    for table in TO_NUMBER:
        schema = numbered_schema(table)
        frame = archive.table(table.name)
        for name in (name for name, dtype in schema.items() if dtype == NUMBER):
            numbers = shared[name] if name in shared else _numbers(frame[name])
            frame = frame.join(numbers, left_on=name, right_on="value", how="left", maintain_order="left")
            frame = frame.drop(name).rename({"number": name})
        typed = frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
        versions[table.name] = typed.sort(table.key, "known_from")
    referrals = _numbers(archive.table(EPISODES.name)[EPISODES.key]).rename({"value": "referral_id"})
    return Numbered(Archive(versions, archive.window_start, archive.extract_date), children, referrals)


def _numbers(values: pl.Series) -> pl.DataFrame:
    """Each different value and its number, in the order of the values: columns ``value`` and ``number``."""
    return values.alias("value").drop_nulls().unique().sort().to_frame().with_row_index("number")


def _number_children(archive: Archive) -> pl.DataFrame:
    """Children by family and pseudonym."""
    columns = [(table.name, column) for table in TO_NUMBER for column in person_columns(table)]
    people = _numbers(pl.concat([archive.table(table)[column].alias("value") for table, column in columns]))
    nodes = people.with_columns(pl.col("number").cast(pl.Int64))
    links, merges = archive.table(FAMILY.name), archive.table(PERSON_LINKS.name)
    families = _numbers(links["fami_family_id"]).with_columns(pl.col("number").cast(pl.Int64) + people.height)
    edges = [
        links.join(nodes, left_on="fami_person_id", right_on="value")
        .join(families, left_on="fami_family_id", right_on="value")
        .select(left="number", right="number_right"),
        merges.join(nodes, left_on="link_old_person_id", right_on="value")
        .join(nodes, left_on="link_new_person_id", right_on="value")
        .select(left="number", right="number_right"),
    ]
    grouped = (
        nodes.join(components(pl.concat(edges)), left_on="number", right_on="node", how="left", maintain_order="left")
        .with_columns(component=pl.coalesce("component", "number"))
        .sort("component", "number")
        .with_row_index("child")
    )
    first = grouped.group_by("component").agg(group=pl.col("child").min())
    return grouped.join(first, on="component", how="left", maintain_order="left").select(
        pl.col("child").cast(NUMBER), pl.col("value").alias("person_id"), pl.col("group").cast(NUMBER)
    )
