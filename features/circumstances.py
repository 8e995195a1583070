"""What rules of offers ask of a case: how far it has come, the child's age and relatives, the scale, and what was offered.

Everything is as it was known on the night. None of it moves a chance: rules only say who may be offered what.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from features.measure import LOOK_BACK_DAYS
from features.people import current_ids, first_seen, people_at, records, siblings
from validation.codes import codes
from validation.contract import Table
from validation.cut import cut
from validation.history import Archive
from validation.tables.episodes import ASSESSMENTS, CIN_PLANS, EARLY_HELP
from validation.tables.local import OFFERS, SIGNS_OF_SAFETY
from validation.tables.people import FAMILY
from validation.tables.protection import CLA_EPISODES, CP_PLANS, S47

STAGES = ("referral", "assessment", "child in need plan", "section 47 enquiry", "child protection plan", "looked after")
UNBORN, NOT_KNOWN = "unborn", "not known"
AGES: Mapping[str, range] = {  # the bands in which the Department for Education publishes children in need
    "under 1": range(1),
    "1 to 4": range(1, 5),
    "5 to 9": range(5, 10),
    "10 to 15": range(10, 16),
    "16 to 17": range(16, 18),
}
AGE_BANDS = (UNBORN, *AGES, NOT_KNOWN)
BANDS = {years: band for band, ages in AGES.items() for years in ages}
MONTHS_PER_YEAR = 12
# The conference is due so many working days after the strategy discussion that opened the enquiry (Working Together).
WORKING_DAYS_OF_AN_ENQUIRY = 15

CASE = ("as_of", "person_id", "referral_id", "family_id")


def read_circumstances(archive: Archive, as_of: date, matrix: pl.DataFrame) -> pl.DataFrame:
    """The circumstances of every open case of a night, one row each, in the order of ``matrix``.

    ``matrix`` has the columns of ``CASE``, ``began_on`` and ``dob`` (see :func:`features.matrix.build_matrix`), all of ``as_of``.
    Columns of the result:

    - those of ``CASE``, and ``days_open`` (Int64);
    - ``age_years`` (Int64, whole years by the month; empty when unborn or not known) and ``age_band``, one of ``AGE_BANDS``;
    - ``stage``: the furthest of ``STAGES`` at which the case is. A child is looked after, or on a child protection plan of any
      authority, until that has ended. An enquiry or child in need plan counts while it goes on, if it began within the case: what
      was left open in a case that closed is a forgotten end. An assessment that began within the case counts for good, since
      nobody goes back to before it. Where no enquiry has an end on record (the census holds none), one lasts 15 working days.
      A table that was not supplied cannot raise the stage;
    - ``relatives`` (Int64): how many other children are known to be of the same family, with or without an open case;
    - ``early_help_open`` (Boolean): early help of the child that began in the last 730 days is open; one left open for longer is
      a forgotten end;
    - ``safety_scale`` (Int64, 0 to 10), ``safety_scaled_on`` and ``safety_rater`` (in words): the last scaling of the last 730
      days, of several on one day the lowest; empty where there is none.
    """
    index = matrix.select(*CASE, "began_on", "dob").with_row_index("row")
    who = records(archive, index)
    found = index
    for more in (
        _read_stages(archive, as_of, index, who),
        _count_relatives(archive, index, who),
        _read_scale(archive, as_of, who),
        _find_early_help(archive, as_of, who),
        people_at(archive, who).select("row", "expected_dob"),
    ):
        found = found.join(more, on="row", how="left", maintain_order="left")
    return found.with_columns(age_years=_age()).select(
        *CASE,
        days_open=(pl.col("as_of") - pl.col("began_on")).dt.total_days(),
        age_years="age_years",
        age_band=pl.when(_is_unborn())
        .then(pl.lit(UNBORN))
        .otherwise(pl.col("age_years").replace_strict(BANDS, default=NOT_KNOWN, return_dtype=pl.String)),
        stage=pl.col("level").fill_null(0).replace_strict(dict(enumerate(STAGES)), return_dtype=pl.String),
        relatives=pl.col("relatives").fill_null(0).cast(pl.Int64),
        early_help_open=pl.col("early_help_open").fill_null(value=False),
        safety_scale="asos_scale",
        safety_scaled_on="asos_scaled_date",
        safety_rater="asos_rater",
    )


def read_offers_made(archive: Archive, as_of: date, matrix: pl.DataFrame) -> pl.DataFrame:
    """Every offer that was known on ``as_of``, of any child, sorted by day and child; values as they were known then.

    Columns: ``person_id`` (the pseudonym that stands for the child on the day), ``family_id``, ``kind`` (code), ``offered_on``,
    ``answer`` (code; empty while not known), ``answered_on``, ``held_on``, ``reviewed_on``.

    The families of a night have names of their own: ``family_id`` is that of the family in ``matrix`` (see
    :func:`read_circumstances`) to which the child, or the family of the record, belongs, by a case that is open or by a brother
    or sister who has one; empty where no family of the night is meant.
    """
    on = pl.lit(as_of, pl.Date).alias("as_of")
    people = archive.table(OFFERS.name).select(pl.col("offe_person_id").alias("subject")).unique().sort("subject")
    made = cut(archive, OFFERS, people.select("subject", on).with_row_index("row"))
    known = current_ids(archive, made.rename({"subject": "person_id"}))
    offers = known.select(
        person_id="current_id",
        family_id="offe_family_id",
        kind="offe_kind",
        offered_on="offe_offered_date",
        answer="offe_answer",
        answered_on="offe_answered_date",
        held_on="offe_held_date",
        reviewed_on="offe_review_date",
    ).sort("offered_on", "person_id", "kind")
    members, families = _find_members(archive, matrix)
    named = offers.join(members, on="person_id", how="left", maintain_order="left").join(
        families.rename({"fami_family_id": "family_id"}), on="family_id", how="left", maintain_order="left"
    )
    return named.with_columns(family_id=pl.coalesce("of_child", "of_family")).drop("of_child", "of_family")


def _read_stages(archive: Archive, as_of: date, index: pl.DataFrame, who: pl.DataFrame) -> pl.DataFrame:
    """``row`` and ``level``: the furthest stage of each row, as its place in ``STAGES``. Rows at the first may be missing."""
    within = pl.col("happened") >= pl.col("began_on")
    counted = {
        "assessment": (ASSESSMENTS, within),
        "child in need plan": (CIN_PLANS, within & _goes_on(CIN_PLANS)),
        "section 47 enquiry": (S47, within & _enquiry_goes_on(archive, as_of)),
        "child protection plan": (CP_PLANS, _goes_on(CP_PLANS)),
        "looked after": (CLA_EPISODES, _goes_on(CLA_EPISODES)),
    }
    begun = index.select("row", "began_on")
    reached = [
        cut(archive, table, who).join(begun, on="row").filter(counts).select("row", level=pl.lit(STAGES.index(stage), pl.Int64))
        for stage, (table, counts) in counted.items()
    ]
    return pl.concat(reached).group_by("row").agg(pl.col("level").max())


def _goes_on(table: Table) -> pl.Expr:
    return pl.col(table.ends or "").is_null()


def _enquiry_goes_on(archive: Archive, as_of: date) -> pl.Expr:
    """Has an enquiry not ended? Without any end on record by ``as_of``, an enquiry ends when the conference is due."""
    told = archive.table(S47.name).filter(pl.col("known_from") <= as_of, pl.col("s47e_s47_end_date") <= as_of)
    if told.height:
        return _goes_on(S47)
    due = pl.col("happened").dt.add_business_days(WORKING_DAYS_OF_AN_ENQUIRY, roll="backward")
    return due > pl.col("as_of")


def _find_relatives(archive: Archive, index: pl.DataFrame, who: pl.DataFrame) -> pl.DataFrame:
    """The other children of each row's families, as known: ``row`` and ``person_id``, each child once."""
    others = siblings(archive, who, first_seen(archive)).select("row", "as_of", person_id="subject")
    named = current_ids(archive, others).select("row", person_id="current_id").unique()
    return named.join(index.select("row", "person_id"), on=["row", "person_id"], how="anti")


def _count_relatives(archive: Archive, index: pl.DataFrame, who: pl.DataFrame) -> pl.DataFrame:
    return _find_relatives(archive, index, who).group_by("row").agg(relatives=pl.len())


def _find_members(archive: Archive, matrix: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Whom the families of a night consist of: ``person_id`` and ``of_child``; and what they are called in the records:
    ``fami_family_id`` and ``of_family``. Both name the family as the night does.
    """  # noqa: D205
    index = matrix.select("as_of", "person_id", "family_id").with_row_index("row")
    who, names = records(archive, index), index.select("row", "family_id")
    relatives = _find_relatives(archive, index, who).join(names, on="row")
    own = index.select("person_id", of_child="family_id")
    children = pl.concat([own, relatives.select("person_id", of_child="family_id").sort("person_id", "of_child")])
    called = cut(archive, FAMILY, who).join(names, on="row").select("fami_family_id", of_family="family_id")
    return (
        children.unique("person_id", keep="first", maintain_order=True),
        called.sort("fami_family_id", "of_family").unique("fami_family_id", keep="first", maintain_order=True),
    )


def _find_early_help(archive: Archive, as_of: date, who: pl.DataFrame) -> pl.DataFrame:
    """``row`` of each child with open early help, and ``early_help_open``, which is true."""
    recent = pl.col("happened") > as_of - timedelta(days=LOOK_BACK_DAYS)
    found = cut(archive, EARLY_HELP, who).filter(recent & _goes_on(EARLY_HELP)).select("row").unique()
    return found.with_columns(early_help_open=pl.lit(value=True))


def _read_scale(archive: Archive, as_of: date, who: pl.DataFrame) -> pl.DataFrame:
    raters = {code: entry.label for code, entry in codes("sos_rater").items()}
    return (
        cut(archive, SIGNS_OF_SAFETY, who)
        .filter(pl.col("happened") > as_of - timedelta(days=LOOK_BACK_DAYS), pl.col("asos_scale").is_not_null())
        .sort("row", pl.col("happened"), "asos_scale", SIGNS_OF_SAFETY.key, descending=[False, True, False, False])
        .unique("row", keep="first", maintain_order=True)
        .select(
            "row",
            pl.col("asos_scale").cast(pl.Int64),
            "asos_scaled_date",
            pl.col("asos_rater").replace_strict(raters, default=None, return_dtype=pl.String),
        )
    )


def _born() -> pl.Expr:
    """The month of birth, or that in which the child was due where it has come and no birth is recorded yet."""
    return pl.coalesce("dob", pl.when(~_is_unborn()).then("expected_dob"))


def _is_unborn() -> pl.Expr:
    due = pl.col("expected_dob").dt.month_start() >= pl.col("as_of").dt.month_start()
    return pl.col("dob").is_null() & due.fill_null(value=False)


def _age() -> pl.Expr:
    day, born = pl.col("as_of"), _born()
    months = (day.dt.year() - born.dt.year()) * MONTHS_PER_YEAR + day.dt.month().cast(pl.Int32) - born.dt.month()
    return (months // MONTHS_PER_YEAR).cast(pl.Int64)
