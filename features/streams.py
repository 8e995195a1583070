"""The streams of events that features count. To add one, add it here; a feature needs no other.

Every stream is dated by the day on which all that it offers is known, so that a window over it can never show more than was
known: what came of a case is dated by its closing, what an assessment found by its authorisation.
"""

from collections.abc import Mapping

import polars as pl

from features.stream import Events, Source, Stream
from validation.codes import codes
from validation.contract import Table
from validation.tables import episodes, local, people, protection

SOURCE_GROUPS = {code: entry.group for code, entry in codes("referral_source").items()}
GROUPS = pl.Enum(sorted(set(SOURCE_GROUPS.values())))


def source_group(column: str) -> pl.Expr:
    """The group of a referral source."""
    return pl.col(column).replace_strict(SOURCE_GROUPS, default=None, return_dtype=GROUPS)


def _flag(column: str, flag: str) -> pl.Expr:
    """Does the joined list of flags hold this one? Empty where there is no list."""
    return ("|" + pl.col(column) + "|").str.contains(f"|{flag}|", literal=True)


def _days(start: str, end: str) -> pl.Expr:
    return (pl.col(end) - pl.col(start)).dt.total_days()


def _rows(
    name: str, table: Table, happened: str, *, left_out: pl.Expr | None = None, each: str | None = None, **values: pl.Expr
) -> Events:
    """The rows of a table as events, dated by ``happened``."""
    return Events(Stream(name, table, happened, values, left_out, each))


def _cases(name: str, cases: Source, /, **values: pl.Expr) -> Events:
    """Cases as events: episodes with the quirks of case systems mended (see ``features/episodes.py``)."""
    return Events(Stream(name, episodes.EPISODES, "cine_referral_date", values, source=cases))


_OTHER_AUTHORITY = pl.col("cppl_cp_plan_ola")  # such plans are not counted, as the contract says

_GROUP = pl.col("source")
CASE = _cases(
    "case", Source.CASE,
    days_open=_days("began_on", "as_of"),
    age_months=(pl.col("as_of").dt.year() - pl.col("dob").dt.year()) * 12
    + pl.col("as_of").dt.month().cast(pl.Int32) - pl.col("dob").dt.month(),
    without_birth_date=pl.col("dob").is_null(),
    source_police=_GROUP == "Police",
    source_school=_GROUP == "Schools",
    source_health=_GROUP == "Health services",
    source_individual=_GROUP == "Individual",
    source_la=_GROUP == "LA services",
)  # fmt: skip
REFERRALS = _cases("earlier referrals", Source.REFERRALS, source=source_group("cine_referral_source_code"))
DECISIONS = _cases("decisions on earlier referrals", Source.DECISIONS, ended_nfa=pl.col("cine_referral_nfa"))
CLOSINGS = _cases(
    "closings of earlier cases", Source.CLOSINGS,
    reason=pl.col("cine_close_reason"), days_open=_days("began_on", "closed_on"),
)  # fmt: skip
ALL_REFERRALS = _cases("referrals", Source.BEGINNINGS, source=source_group("cine_referral_source_code"))
SIBLINGS = Events(Stream("brothers and sisters", people.FAMILY, "happened", {}, source=Source.SIBLINGS)).of_siblings()

CONTACTS = _rows(
    "contacts", episodes.CONTACTS, "cont_contact_date",
    source=source_group("cont_contact_source_code"), ended_nfa=_flag("cont_contact_outcome_json", "NFA"),
)  # fmt: skip
EARLY_HELP = _rows("early help", episodes.EARLY_HELP, "earl_episode_start_date", ended=pl.col("earl_episode_end_date"))
EARLY_HELP_ENDED = _rows(
    "early help ended", episodes.EARLY_HELP, "earl_episode_end_date",
    days=_days("earl_episode_start_date", "earl_episode_end_date"),
)  # fmt: skip
ASSESSMENTS = _rows("assessments", episodes.ASSESSMENTS, "cina_assessment_start_date", ended=pl.col("cina_assessment_auth_date"))
ASSESSMENTS_FINISHED = _rows(
    "assessments finished", episodes.ASSESSMENTS, "cina_assessment_auth_date",
    ended_nfa=pl.col("cina_assessment_outcome_nfa"), child_seen=pl.col("cina_assessment_child_seen"),
    days=_days("cina_assessment_start_date", "cina_assessment_auth_date"),
)  # fmt: skip
FACTORS = _rows(
    "factors", episodes.FACTORS, "happened", each="cinf_assessment_factors_json",
    factor=pl.col("cinf_assessment_factors_json"),
)  # fmt: skip
CIN_PLANS = _rows("child in need plans", episodes.CIN_PLANS, "cinp_cin_plan_start_date", ended=pl.col("cinp_cin_plan_end_date"))
CIN_PLANS_ENDED = _rows(
    "child in need plans ended", episodes.CIN_PLANS, "cinp_cin_plan_end_date",
    days=_days("cinp_cin_plan_start_date", "cinp_cin_plan_end_date"),
)  # fmt: skip
S47 = _rows("section 47", protection.S47, "s47e_s47_start_date")
S47_ENDED = _rows(
    "section 47 ended", protection.S47, "s47e_s47_end_date",
    ended_nfa=pl.col("s47e_s47_nfa"), days=_days("s47e_s47_start_date", "s47e_s47_end_date"),
)  # fmt: skip
CONFERENCES = _rows("conferences", protection.CONFERENCES, "icpc_icpc_date", plan_made=pl.col("icpc_icpc_outcome_cp_flag"))
CP_PLANS = _rows(
    "protection plans", protection.CP_PLANS, "cppl_cp_plan_start_date", left_out=_OTHER_AUTHORITY,
    ended=pl.col("cppl_cp_plan_end_date"), category=pl.col("cppl_cp_plan_initial_category"),
)  # fmt: skip
CP_PLANS_ENDED = _rows(
    "protection plans ended", protection.CP_PLANS, "cppl_cp_plan_end_date", left_out=_OTHER_AUTHORITY,
    days=_days("cppl_cp_plan_start_date", "cppl_cp_plan_end_date"),
)  # fmt: skip
CARE = _rows(
    "care", protection.CLA_EPISODES, "clae_cla_episode_start_date",
    ended=pl.col("clae_cla_episode_ceased_date"), start=pl.col("clae_cla_episode_start_reason"),
)  # fmt: skip
CARE_ENDED = _rows(
    "care ended", protection.CLA_EPISODES, "clae_cla_episode_ceased_date",
    days=_days("clae_cla_episode_start_date", "clae_cla_episode_ceased_date"),
)  # fmt: skip
MISSING = _rows(
    "missing", protection.MISSING, "miss_missing_episode_start_date",
    kind=pl.col("miss_missing_episode_type"), ended=pl.col("miss_missing_episode_end_date"),
)  # fmt: skip
MISSING_ENDED = _rows(
    "missing ended", protection.MISSING, "miss_missing_episode_end_date",
    days=_days("miss_missing_episode_start_date", "miss_missing_episode_end_date"),
)  # fmt: skip
OFFERS = _rows("offers", local.OFFERS, "offe_offered_date", kind=pl.col("offe_kind"))
OFFERS_ANSWERED = _rows(
    "offers answered", local.OFFERS, "offe_answered_date", kind=pl.col("offe_kind"), answer=pl.col("offe_answer")
)
OFFERS_HELD = _rows("offers held", local.OFFERS, "offe_held_date", kind=pl.col("offe_kind"))
SCALINGS = _rows(
    "scalings", local.SIGNS_OF_SAFETY, "asos_scaled_date",
    scale=pl.col("asos_scale"), rater=pl.col("asos_rater"), danger_statements=pl.col("asos_danger_statements"),
    safety_goals=pl.col("asos_safety_goals"), strengths=pl.col("asos_strengths"),
)  # fmt: skip

STREAMS: Mapping[str, Stream] = {
    events.stream.name: events.stream
    for events in (
        CASE, REFERRALS, DECISIONS, CLOSINGS, ALL_REFERRALS, SIBLINGS, CONTACTS, EARLY_HELP, EARLY_HELP_ENDED, ASSESSMENTS,
        ASSESSMENTS_FINISHED, FACTORS, CIN_PLANS, CIN_PLANS_ENDED, S47, S47_ENDED, CONFERENCES, CP_PLANS, CP_PLANS_ENDED, CARE,
        CARE_ENDED, MISSING, MISSING_ENDED, OFFERS, OFFERS_ANSWERED, OFFERS_HELD, SCALINGS,
    )
}  # fmt: skip
