"""Keys for the rows of the census, which has none, and one history from the returns of several years.

Keys are built from what a row says and not from where it stands, so that the same event has the same key in every
year: an episode is "child|referral date|source|n", with n counting rows alike in one file; what belongs to it is
"episode|kind|date|n". They are raw and are pseudonymised before anything else is done with them.

A case that is still open at the end of a year is returned again the next year, now perhaps closed or corrected. Its
rows are matched like this, and the values of the later year win:

1. Rows with the same child, referral date and source are the same episode; of several, those still open come first.
2. A row that is left over continues an episode of the same child and date that was still open when last returned and
   was not found in this file: its source was corrected.
3. Any other row is a new episode.

An episode keeps the key of its first return, so adding a later year never changes a key. A corrected *date* cannot
be recognised: it makes a new row beside the old one.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

Tables = dict[str, pl.DataFrame]

PLACE = ["cine_person_id", "cine_referral_date"]
ALIKE = [*PLACE, "source"]

# By which column a row of an earlier year gives way to rows of a later one. All disabilities of a child come from
# the latest return that gives any.
REPLACED_BY = {
    "ssd_person": "pers_person_id",
    "ssd_disability": "disa_person_id",
    "ssd_cin_episodes": "cine_referral_id",
    "ssd_cin_assessments": "cina_assessment_id",
    "ssd_assessment_factors": "cinf_assessment_id",
    "ssd_cin_plans": "cinp_cin_plan_id",
    "ssd_s47_enquiry": "s47e_s47_enquiry_id",
    "ssd_initial_cp_conference": "icpc_icpc_id",
    "ssd_cp_plans": "cppl_cp_plan_id",
}


def unite_years(returns: Sequence[tuple[date, Mapping[str, pl.DataFrame]]]) -> Tables:
    """The tables of all returns, which come in order of their reference date.

    A table of which no year has a row is there without rows: a return without such events is not one that lacks them.
    """
    united: Tables = {}
    for reference_date, parts in returns:
        tables = _key_tables(parts, united.get("ssd_cin_episodes"), reference_date)
        for name, newer in tables.items():
            united[name] = _replace(united[name], newer, REPLACED_BY[name]) if name in united else newer
    return united


def _replace(older: pl.DataFrame, newer: pl.DataFrame, column: str) -> pl.DataFrame:
    kept = older.join(newer.select(column), on=column, how="anti", maintain_order="left")
    return pl.concat([kept, newer])


def _key_tables(parts: Mapping[str, pl.DataFrame], known: pl.DataFrame | None, reference_date: date) -> Tables:
    children = parts["Child"].select(pl.col("record").alias("parent"), pl.col("pers_person_id").alias("person"))
    details = parts["CINdetails"].join(children, on="parent", how="left", maintain_order="left")
    episodes = _key_episodes(details.rename({"person": "cine_person_id"}), known, reference_date)
    owners = episodes.select(
        pl.col("record").alias("parent"),
        pl.col("cine_referral_id").alias("referral"),
        pl.col("cine_person_id").alias("person"),
    )
    disabilities = parts["Disability"].join(children, on="parent", how="left", maintain_order="left")
    assessments = _key_rows(parts["Assessments"], owners, "assessment", "cina_assessment_start_date")
    plans = _key_rows(parts["CINPlanDates"], owners, "cin plan", "cinp_cin_plan_start_date")
    enquiries = _key_rows(parts["Section47"], owners, "s47", "s47e_s47_start_date")
    protection = _key_rows(parts["ChildProtectionPlans"], owners, "cp plan", "cppl_cp_plan_start_date")
    return {
        "ssd_person": parts["Child"].drop("record", "parent"),
        "ssd_disability": disabilities.select(
            pl.concat_str("person", "disa_disability_code", _repeat("person", "disa_disability_code"), separator="|").alias(
                "disa_table_id"
            ),
            pl.col("person").alias("disa_person_id"),
            "disa_disability_code",
        ),
        "ssd_cin_episodes": episodes.drop("record", "parent", "transfer_in_date"),
        "ssd_cin_assessments": assessments.select(
            pl.col("key").alias("cina_assessment_id"),
            pl.col("person").alias("cina_person_id"),
            pl.col("referral").alias("cina_referral_id"),
            "cina_assessment_start_date",
            "cina_assessment_auth_date",
        ),
        "ssd_assessment_factors": assessments.filter(pl.col("cinf_assessment_factors_json").is_not_null()).select(
            pl.concat_str("key", pl.lit("factors"), separator="|").alias("cinf_table_id"),
            pl.col("key").alias("cinf_assessment_id"),
            "cinf_assessment_factors_json",
        ),
        "ssd_cin_plans": plans.select(
            pl.col("key").alias("cinp_cin_plan_id"),
            pl.col("referral").alias("cinp_referral_id"),
            pl.col("person").alias("cinp_person_id"),
            "cinp_cin_plan_start_date",
            "cinp_cin_plan_end_date",
        ),
        "ssd_s47_enquiry": enquiries.select(
            pl.col("key").alias("s47e_s47_enquiry_id"),
            pl.col("referral").alias("s47e_referral_id"),
            pl.col("person").alias("s47e_person_id"),
            "s47e_s47_start_date",
            "s47e_s47_nfa",
        ),
        "ssd_initial_cp_conference": _key_conferences(enquiries, episodes, owners),
        "ssd_cp_plans": protection.select(
            pl.col("key").alias("cppl_cp_plan_id"),
            pl.col("referral").alias("cppl_referral_id"),
            pl.col("person").alias("cppl_person_id"),
            "cppl_cp_plan_start_date",
            "cppl_cp_plan_end_date",
            "cppl_cp_plan_initial_category",
        ),
    }


def _key_episodes(details: pl.DataFrame, known: pl.DataFrame | None, reference_date: date) -> pl.DataFrame:
    """``details`` with ``cine_referral_id`` in front: the key of a known episode where one is continued."""
    rows = details.with_columns(
        source=pl.col("cine_referral_source_code").fill_null(""),
        own=pl.concat_str(
            "cine_person_id",
            pl.col("cine_referral_date").fill_null(""),
            pl.col("cine_referral_source_code").fill_null(""),
            _repeat("cine_person_id", "cine_referral_date", "cine_referral_source_code"),
            separator="|",
        ),
    )
    if known is None:
        return rows.select(pl.col("own").alias("cine_referral_id"), pl.exclude("own", "source"))
    no_action = pl.col("cine_referral_nfa").str.to_lowercase().is_in(["1", "true"]).fill_null(value=False)
    earlier = known.with_columns(
        source=pl.col("cine_referral_source_code").fill_null(""),
        is_open=pl.col("cine_close_date").is_null() & ~no_action,
    ).sort("is_open", descending=True, maintain_order=True)
    alike = _match(rows, earlier, ALIKE)
    corrected = _match(
        rows.join(alike, on="record", how="anti", maintain_order="left"),
        earlier.filter("is_open").join(alike, on="cine_referral_id", how="anti", maintain_order="left"),
        PLACE,
    )
    continued = pl.concat([alike, corrected])
    # A new row may be worded as an episode was before its source was corrected: the year tells the two apart.
    taken = pl.col("own").is_in(known["cine_referral_id"].drop_nulls().to_list())
    own = pl.when(taken).then(pl.concat_str("own", pl.lit(str(reference_date.year)), separator="|")).otherwise("own")
    return rows.join(continued, on="record", how="left", maintain_order="left").select(
        pl.coalesce("cine_referral_id", own).alias("cine_referral_id"),
        pl.exclude("own", "source", "cine_referral_id"),
    )


def _match(rows: pl.DataFrame, earlier: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    """Which row (``record``) continues which episode, one to one in order among those that agree in ``on``."""
    place = pl.int_range(pl.len()).over(on).alias("place")
    return rows.with_columns(place).join(earlier.with_columns(place), on=[*on, "place"]).select("record", "cine_referral_id")


def _key_rows(part: pl.DataFrame, owners: pl.DataFrame, kind: str, day: str) -> pl.DataFrame:
    """``part`` with the columns ``referral``, ``person`` and its own ``key``."""
    return part.join(owners, on="parent", how="left", maintain_order="left").with_columns(
        key=pl.concat_str("referral", pl.lit(kind), pl.col(day).fill_null(""), _repeat("referral", day), separator="|")
    )


def _key_conferences(enquiries: pl.DataFrame, episodes: pl.DataFrame, owners: pl.DataFrame) -> pl.DataFrame:
    """Conferences: inside an enquiry the authority's own; directly in the episode those of children who moved in."""
    own = enquiries.filter(pl.col("icpc_icpc_date").is_not_null()).select(
        "parent",
        "icpc_icpc_date",
        "icpc_icpc_target_date",
        pl.col("key").alias("icpc_s47_enquiry_id"),
        pl.lit("N").alias("icpc_icpc_transfer_in"),
    )
    moved_in = episodes.filter(pl.col("transfer_in_date").is_not_null()).select(
        pl.col("record").alias("parent"),
        pl.col("transfer_in_date").alias("icpc_icpc_date"),
        pl.lit("Y").alias("icpc_icpc_transfer_in"),
    )
    rows = pl.concat([own, moved_in], how="diagonal")
    return _key_rows(rows, owners, "icpc", "icpc_icpc_date").select(
        pl.col("key").alias("icpc_icpc_id"),
        "icpc_s47_enquiry_id",
        pl.col("person").alias("icpc_person_id"),
        pl.col("referral").alias("icpc_referral_id"),
        "icpc_icpc_transfer_in",
        "icpc_icpc_target_date",
        "icpc_icpc_date",
    )


def _repeat(*columns: str) -> pl.Expr:
    """0 for the first row among those alike in ``columns``, 1 for the second, and so on."""
    return pl.int_range(pl.len()).over(*columns)
