"""What the case system shows of a true history at the end of a day, and what an extract takes of it."""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from validation.contract import Kind, Table
from validation.extract import Extract, ExtractRule, Manifest, Origin
from validation.tables.catalogue import TABLES

# When a spell ends. Tables that are not here hold events of a day.
SPELL_ENDS: Mapping[str, str] = {
    "ssd_cin_episodes": "cine_close_date",
    "ssd_early_help_episodes": "earl_episode_end_date",
    "ssd_cin_assessments": "cina_assessment_auth_date",
    "ssd_cin_plans": "cinp_cin_plan_end_date",
    "ssd_s47_enquiry": "s47e_s47_end_date",
    "ssd_cp_plans": "cppl_cp_plan_end_date",
    "ssd_cla_episodes": "clae_cla_episode_ceased_date",
    "ssd_missing": "miss_missing_episode_end_date",
}
# Tables that only describe persons who are on record elsewhere.
DESCRIPTIONS = ("ssd_person", "ssd_family", "ssd_disability")


def manifest(profile: str, seed: int, extract_date: date, rule: ExtractRule, window_start: date) -> Manifest:
    """The manifest of an extract of an invented authority; its key fingerprint is the same for the same seed."""
    return Manifest(
        authority=f"Invented authority ({profile})",
        origin=Origin.INVENTED,
        extract_rule=rule,
        window_start=window_start,
        extract_date=extract_date,
        key_fingerprint=f"invented-{seed}",
    )


def known_on(history: Mapping[str, pl.DataFrame], day: date) -> dict[str, pl.DataFrame]:
    """The history as it stands at the end of ``day``: later rows are absent and later facts empty.

    A child who was given a new key after ``day`` still has the old one.
    """
    shown = {name: _hide(TABLES[name], frame, day) for name, frame in history.items()}
    finished = shown["ssd_cin_assessments"].filter(pl.col("cina_assessment_auth_date").is_not_null())
    shown["ssd_assessment_factors"] = shown["ssd_assessment_factors"].join(
        finished, left_on="cinf_assessment_id", right_on="cina_assessment_id", how="semi", maintain_order="left"
    )
    plans = shown["ssd_cp_plans"]["cppl_cp_plan_id"].implode()
    shown["ssd_initial_cp_conference"] = shown["ssd_initial_cp_conference"].with_columns(
        pl.when(pl.col("icpc_cp_plan_id").is_in(plans)).then("icpc_cp_plan_id")
    )
    return _with_old_keys(shown, history["ext_person_links"].filter(pl.col("link_date") > day))


def extract(
    history: Mapping[str, pl.DataFrame],
    *,
    profile: str,
    seed: int,
    extract_date: date,
    rule: ExtractRule,
    window_start: date,
) -> Extract:
    """What the case system shows at the end of ``extract_date`` under the extract rule.

    STARTED_OR_OPEN takes what began inside the window and what is still open; OVERLAPPING takes what was open on any
    day of it. Rows that hang on an episode come and go with it; persons, families and disabilities are those of
    children with a row elsewhere.
    """
    shown = known_on(history, extract_date)
    taken: dict[str, pl.DataFrame] = {}
    for name, table in TABLES.items():
        if name not in DESCRIPTIONS:
            taken[name] = _with_parents(table, shown[name], taken).filter(_inside(table, rule, window_start))
    described = [
        taken[name].select(pl.col(table.person).alias("person"))
        for name, table in TABLES.items()
        if name in taken and table.person is not None
    ]
    people = pl.concat([*described, taken["ext_person_links"].select(person="link_new_person_id")]).unique()
    for name in DESCRIPTIONS:
        person = TABLES[name].person
        taken[name] = shown[name].join(people, left_on=person, right_on="person", how="semi", maintain_order="left")
    return Extract(manifest(profile, seed, extract_date, rule, window_start), {name: taken[name] for name in TABLES})


def _hide(table: Table, frame: pl.DataFrame, day: date) -> pl.DataFrame:
    """Rows of a table up to ``day``, and of their values those that were revealed by then."""
    if table.happened is not None and "." not in table.happened:
        frame = frame.filter(pl.col(table.happened) <= day)
    hidden = [
        pl.when(_revealed(column.revealed_by, column.revealed_after_working_days) <= day)
        .then(column.name)
        .otherwise(pl.lit(False if column.required and column.kind is Kind.YESNO else None))
        .alias(column.name)
        for column in table.kept
        if column.revealed_by is not None
    ]
    frame = frame.with_columns(hidden) if hidden else frame
    if table.name != "ssd_person":
        return frame
    unborn = pl.col("pers_dob").is_null()
    return frame.with_columns(
        pl.when(unborn).then("pers_expected_dob"),
        pl.when(unborn).then(pl.lit("U")).otherwise("pers_sex").alias("pers_sex"),
        pl.when(unborn).then(pl.lit("U")).otherwise("pers_gender").alias("pers_gender"),
    )


def _revealed(by: str, working_days: int) -> pl.Expr:
    if not working_days:
        return pl.col(by)
    return pl.col(by).dt.add_business_days(working_days, roll="forward")


def _with_old_keys(shown: dict[str, pl.DataFrame], later: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Give children whose new key came later their old key back."""
    new, old = later["link_new_person_id"], later["link_old_person_id"]
    for name, table in TABLES.items():
        if name in shown and table.person is not None and later.height:
            shown[name] = shown[name].with_columns(pl.col(table.person).replace(new, old))
    return shown


def _with_parents(table: Table, frame: pl.DataFrame, taken: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Rows whose episode, assessment, enquiry or conference was taken, or that name none."""
    for reference in table.references:
        if reference.table in taken:
            keys = taken[reference.table][TABLES[reference.table].key].implode()
            frame = frame.filter(pl.col(reference.column).is_null() | pl.col(reference.column).is_in(keys))
    return frame


def _inside(table: Table, rule: ExtractRule, window_start: date) -> pl.Expr:
    """Does the extract rule take a row of the table?"""
    hangs_on_case = any(reference.table in ("ssd_cin_episodes", "ssd_cin_assessments") for reference in table.references)
    if table.happened is None or hangs_on_case or table.name == "ext_person_links":
        return pl.lit(True)
    started = pl.col(table.happened) >= window_start
    end = SPELL_ENDS.get(table.name)
    if end is None:
        return started
    if rule is ExtractRule.STARTED_OR_OPEN:
        return started | pl.col(end).is_null()
    return started | pl.col(end).is_null() | (pl.col(end) >= window_start)


def years_before(day: date, years: int) -> date:
    """The day after ``day`` lay ``years`` years ago: the first day of a window of that length."""
    try:
        return day.replace(year=day.year - years) + timedelta(days=1)
    except ValueError:  # 29 February
        return date(day.year - years, 3, 1)
