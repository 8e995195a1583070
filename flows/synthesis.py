"""``rereferral synthesise``: an invented authority written to disk in the form in which a council would send it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Literal

import polars as pl

from flows.census_xml import FIRST_YEAR, write_census
from flows.sources.folder import write_folder
from validation.errors import SettingsError
from validation.extract import Extract, ExtractRule
from validation.synthetic.authority import simulate
from validation.synthetic.profiles import PROFILES
from validation.synthetic.recording import extract, known_on, years_before

Form = Literal["ssd", "census"]
Tables = Literal["all", "census"]

# The tables of a children in need census and what it holds of each.
CENSUS_TABLES: Mapping[str, tuple[str, ...]] = {
    "ssd_person": (
        "pers_person_id", "pers_sex", "pers_gender", "pers_ethnicity", "pers_dob", "pers_expected_dob",
        "pers_death_date",
    ),
    "ssd_disability": ("disa_table_id", "disa_person_id", "disa_disability_code"),
    "ssd_cin_episodes": (
        "cine_referral_id", "cine_person_id", "cine_referral_date", "cine_cin_primary_need_code",
        "cine_referral_source_code", "cine_referral_nfa", "cine_close_reason", "cine_close_date",
    ),
    "ssd_cin_assessments": (
        "cina_assessment_id", "cina_person_id", "cina_referral_id", "cina_assessment_start_date",
        "cina_assessment_auth_date",
    ),
    "ssd_assessment_factors": ("cinf_table_id", "cinf_assessment_id", "cinf_assessment_factors_json"),
    "ssd_cin_plans": (
        "cinp_cin_plan_id", "cinp_referral_id", "cinp_person_id", "cinp_cin_plan_start_date", "cinp_cin_plan_end_date",
    ),
    "ssd_s47_enquiry": (
        "s47e_s47_enquiry_id", "s47e_referral_id", "s47e_person_id", "s47e_s47_start_date", "s47e_s47_nfa",
    ),
    "ssd_initial_cp_conference": (
        "icpc_icpc_id", "icpc_s47_enquiry_id", "icpc_person_id", "icpc_referral_id", "icpc_icpc_transfer_in",
        "icpc_icpc_target_date", "icpc_icpc_date",
    ),
    "ssd_cp_plans": (
        "cppl_cp_plan_id", "cppl_referral_id", "cppl_person_id", "cppl_cp_plan_start_date", "cppl_cp_plan_end_date",
        "cppl_cp_plan_initial_category",
    ),
}  # fmt: skip


def synthesise(
    out: Path,
    *,
    profile: str,
    residents: int,
    end: date,
    years: int,
    rule: ExtractRule,
    seed: int,
    form: Form = "ssd",
    tables: Tables = "all",
) -> list[Path]:
    """Write an invented authority with about ``residents`` children to ``out`` and return what was written.

    ``form`` "ssd" makes ``out`` a folder of Parquet tables and a manifest: the extract of the day ``end`` with a
    window of ``years`` years under ``rule``; ``tables`` "census" leaves out what a census does not hold. ``form``
    "census" writes ``cin_<year>.xml`` into ``out`` for the last ``years`` census years (April to March) that had
    ended by ``end``; such a return is of its year whatever ``rule`` says. The same arguments give the same bytes.
    Raises ``SettingsError`` when an argument is out of range or ``out`` already holds something.
    """
    if profile not in PROFILES:
        raise SettingsError(f"Profile '{profile}' is unknown. Allowed are {', '.join(map(repr, PROFILES))}.")
    if residents < 500:
        raise SettingsError(f"'residents' is {residents}; allowed are 500 or more children.")
    if not 1 <= years <= 15:
        raise SettingsError(f"'years' is {years}; allowed are 1 to 15.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"'{out}' exists already and is not empty. Name a new folder, or remove this one.")
    last_year = end.year if end >= date(end.year, 3, 31) else end.year - 1
    if form == "census":
        if last_year - years + 1 < FIRST_YEAR:
            raise SettingsError(f"'years' reaches back before the census of {FIRST_YEAR}. Ask for fewer years.")
        return _write_returns(out, range(last_year - years + 1, last_year + 1), profile, residents, seed)
    start = years_before(end, years)
    history = simulate(PROFILES[profile], residents, start, end, seed)
    taken = extract(history, profile=profile, seed=seed, extract_date=end, rule=rule, window_start=start)
    write_folder(_as_census(taken) if tables == "census" else taken, out)
    return [out]


def _write_returns(out: Path, years: range, profile: str, residents: int, seed: int) -> list[Path]:
    history = simulate(PROFILES[profile], residents, date(years[0] - 1, 4, 1), date(years[-1], 3, 31), seed)
    history["ext_person_links"] = history["ext_person_links"].clear()  # a child keeps one number in all returns
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = [out / f"cin_{year}.xml" for year in years]
    for year, path in zip(years, paths, strict=True):
        write_census(known_on(history, date(year, 3, 31)), year, path)
    return paths


def _as_census(whole: Extract) -> Extract:
    """The tables and columns that a census holds, for children with an episode."""
    children = whole.tables["ssd_cin_episodes"].select("cine_person_id")
    tables: dict[str, pl.DataFrame] = {name: whole.tables[name].select(columns) for name, columns in CENSUS_TABLES.items()}
    for name, person in (("ssd_person", "pers_person_id"), ("ssd_disability", "disa_person_id")):
        tables[name] = tables[name].join(children, left_on=person, right_on="cine_person_id", how="semi", maintain_order="left")
    return replace(whole, tables=tables)
