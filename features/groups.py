"""Groups for the fairness audit, as they were known on each row's day. For the audit alone: none of them is ever a feature.

Who a child is (sex, ethnic group, disability) must not move its chance, so no stream can read these columns: the contract classes
them as protected, and a stream refuses them by name. Whether chances hold equally well in every group is the audit's question,
and for that the same rows need them.
"""

from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from features.episodes import episodes_at
from features.measure import LOOK_BACK_DAYS
from features.people import records
from features.streams import source_group
from validation.codes import codes
from validation.cut import cut
from validation.history import Archive
from validation.tables.episodes import EPISODES
from validation.tables.local import DEPRIVATION
from validation.tables.people import DISABILITY, PERSON

NOT_KNOWN, NOT_STATED, NOT_RECORDED = "not known", "not stated", "not recorded"
SEXES = {"F": "female", "M": "male"}
ETHNIC_GROUPS = {code: entry.group for code, entry in codes("ethnicity").items() if entry.group != "Not known"}
BACKGROUNDS = {code: entry.label for code, entry in codes("ethnicity").items() if entry.group != "Not known"}
SOURCES = sorted({entry.group for entry in codes("referral_source").values()} - {"Unknown"})
AGES = {"unborn or under 1": range(1), "1-4": range(1, 5), "5-9": range(5, 10), "10-15": range(10, 16), "16-17": range(16, 18)}
FIFTHS = {code: entry.label for code, entry in codes("deprivation").items()}
BANDS = {years: band for band, ages in AGES.items() for years in ages}

GROUPS: Mapping[str, pl.Enum] = {
    "sex": pl.Enum([*SEXES.values(), NOT_KNOWN]),
    "ethnicity": pl.Enum([*dict.fromkeys(ETHNIC_GROUPS.values()), NOT_STATED]),
    "disability": pl.Enum(["yes", "no", NOT_RECORDED]),
    "age_band": pl.Enum([*AGES, NOT_KNOWN]),
    "deprivation": pl.Enum([*FIFTHS.values(), NOT_KNOWN]),
    "source": pl.Enum([*SOURCES, NOT_KNOWN]),
    "known_before": pl.Enum(["known", "first referral", NOT_KNOWN]),
}
BACKGROUND = "ethnic_background"
FINER: Mapping[str, pl.Enum] = {BACKGROUND: pl.Enum([*BACKGROUNDS.values(), NOT_STATED])}
"""Groups within a group, for questions that have the numbers: the eighteen ethnic groups of the census."""
WITHIN = {entry.label: entry.group for entry in codes("ethnicity").values() if entry.group != "Not known"}
"""Which of the five ethnic groups each of the eighteen belongs to."""


def read_groups(archive: Archive, cohort: pl.DataFrame) -> pl.DataFrame:
    """The cohort (``as_of``, ``person_id``, ``referral_id``, ``began_on`` and more), rows and order kept, with its groups.

    Adds the columns of :data:`GROUPS` and :data:`FINER`, each with a value of its own for what was not known on ``as_of``. A
    column that was never supplied gives none: absent is not "no".

    - ``sex``, ``ethnicity`` (the five groups of the census), ``ethnic_background`` (the eighteen): as on record; of merged
      records the child's own first.
    - ``disability``: "yes" when any is on record, "no" when only "no disability" is, else "not recorded".
    - ``age_band``: in whole years, from the month of birth, or the month in which the child is due. Where a first load shows
      neither, a birth that came after ``as_of`` says what was plain on the day: the child was not born yet.
    - ``deprivation``: in which fifth of England's neighbourhoods the child lives; of several on record, the most deprived.
    - ``source``: who made the open referral.
    - ``known_before``: "known" when another case of the child began in the 730 days before this one, "first referral" when none
      did; "not known" when the history does not reach back so far.
    """
    index = cohort.select("as_of", "person_id", "referral_id", "began_on").with_row_index("row")
    who = records(archive, index)
    supplied = {column for columns in archive.supplied.values() for column in columns}
    told = pl.concat([_read_people(archive, index, who), _read_referrals(archive, index, who)], how="horizontal")
    needs = {
        "sex": {"pers_sex"},
        "ethnicity": {"pers_ethnicity"},
        BACKGROUND: {"pers_ethnicity"},
        "disability": {"disa_disability_code"},
        "age_band": {"pers_dob", "pers_expected_dob"},
        "deprivation": {"depr_fifth"},
        "source": {"cine_referral_source_code"},
        "known_before": {"cine_referral_date"},
    }
    every = {**GROUPS, **FINER}
    kept = [name for name in every if needs[name] & supplied]
    return pl.concat([cohort, told.select(pl.col(name).cast(every[name]) for name in kept)], how="horizontal")


def _read_people(archive: Archive, index: pl.DataFrame, who: pl.DataFrame) -> pl.DataFrame:
    """Sex, ethnic group, age, disability and neighbourhood of each row's child, in the order of ``index``."""
    born = pl.coalesce(pl.col("pers_dob").max(), pl.col("pers_expected_dob").max())
    births = archive.table(PERSON.name).select(subject="pers_person_id", birth="pers_dob")
    unborn = who.join(births, on="subject").filter(pl.col("birth") > pl.col("as_of")).group_by("row").agg(pl.col("birth").min())
    people = (
        cut(archive, PERSON, who)
        .join(index.select("row", "person_id"), on="row")
        .sort("row", pl.col("subject") != pl.col("person_id"), "subject")
        .group_by("row", maintain_order=True)
        .agg(
            sex=_first_known("pers_sex", SEXES),
            ethnicity=_first_known("pers_ethnicity", ETHNIC_GROUPS),
            ethnic_background=_first_known("pers_ethnicity", BACKGROUNDS),
            born=born,
        )
    )
    disabled = pl.col("disa_disability_code") != "NONE"
    disabilities = cut(archive, DISABILITY, who).drop_nulls("disa_disability_code").group_by("row").agg(disabled.any())
    fifth = pl.col("depr_fifth").replace_strict(FIFTHS, default=None, return_dtype=GROUPS["deprivation"])
    places = cut(archive, DEPRIVATION, who).group_by("row").agg(deprivation=fifth.min())
    found = index
    for more in (people, unborn, disabilities, places):
        found = found.join(more, on="row", how="left", maintain_order="left")
    day, born = pl.col("as_of"), pl.coalesce("born", "birth")
    months = (day.dt.year() - born.dt.year()) * 12 + day.dt.month().cast(pl.Int32) - born.dt.month()
    return found.select(
        pl.col("sex").fill_null(NOT_KNOWN),
        pl.col("ethnicity", BACKGROUND).fill_null(NOT_STATED),
        pl.col("deprivation").cast(pl.String).fill_null(NOT_KNOWN),
        disability=pl.col("disa_disability_code").replace_strict({True: "yes", False: "no"}, default=NOT_RECORDED),
        age_band=(months // 12).clip(0, max(BANDS)).replace_strict(BANDS, default=NOT_KNOWN),
    )


def _first_known(column: str, words: Mapping[str, str]) -> pl.Expr:
    return pl.col(column).replace_strict(words, default=None, return_dtype=pl.String).drop_nulls().first()


def _read_referrals(archive: Archive, index: pl.DataFrame, who: pl.DataFrame) -> pl.DataFrame:
    """Source of each row's referral, and whether the child was known before, in the order of ``index``."""
    first_day = pl.col("case_began_on") - timedelta(days=LOOK_BACK_DAYS - 1)
    case = index.select("row", "referral_id", case_began_on="began_on")
    episodes = episodes_at(archive, who).join(case, on="row").group_by("row").agg(
        source=source_group("cine_referral_source_code").filter(pl.col(EPISODES.key) == pl.col("referral_id")).first(),
        known=((pl.col("began_on") < pl.col("case_began_on")) & (pl.col("began_on") >= first_day)).any(),
    )  # fmt: skip
    found = case.join(episodes, on="row", how="left", maintain_order="left")
    short = first_day < archive.window_start
    return found.select(
        source=pl.col("source").cast(pl.String).replace({"Unknown": NOT_KNOWN}).fill_null(NOT_KNOWN),
        known_before=pl.when("known")
        .then(pl.lit("known"))
        .when(short)
        .then(pl.lit(NOT_KNOWN))
        .otherwise(pl.lit("first referral")),
    )
