"""Event streams: what a feature counts. Each reads one table through the cut and says when its events happened.

A stream gives rows with ``row``, ``as_of``, ``happened`` (Date, not after ``as_of``) and the values that features may
filter on or aggregate. Events without a date, or not yet revealed at ``as_of``, are not in it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from features.episodes import episodes_at
from features.people import current_ids
from validation.codes import codes
from validation.conforming import NO_CODES
from validation.contract import Sensitivity, Table
from validation.cut import cut
from validation.history import Archive
from validation.tables import episodes, local, people, protection

SOURCE_GROUPS = {code: entry.group for code, entry in codes("referral_source").items()}


@dataclass(frozen=True)
class View:
    """What a stream may look at: the archive, the cohort, and whose records belong to each of its rows.

    ``who`` has ``row``, ``subject``, ``as_of``; for brothers and sisters there are several subjects for a row.
    """

    archive: Archive
    cohort: pl.DataFrame
    who: pl.DataFrame


@dataclass(frozen=True)
class Stream:
    """A named stream of events. ``columns`` are the contract columns that it needs; ``values`` those that it offers."""

    name: str
    table: Table
    columns: tuple[str, ...]
    values: tuple[str, ...]
    read: Callable[[View], pl.DataFrame]

    def __post_init__(self) -> None:
        """Refuse a stream that reads what may not be a feature."""
        for name in self.columns:
            column = self.table.column(name)
            if column.sensitivity is not Sensitivity.FEATURE:
                raise ValueError(
                    f"Stream '{self.name}' reads '{name}', which is classed as {column.sensitivity}: a feature may read "
                    f"columns classed as {Sensitivity.FEATURE} only."
                )


def _source_group(column: str) -> pl.Expr:
    return pl.col(column).replace_strict(SOURCE_GROUPS, default=None)


def _flag(column: str, flag: str) -> pl.Expr:
    """Does the joined list of flags hold this one? Empty where there is no list."""
    return pl.col(column).str.split("|").list.contains(flag)


def _days(start: str, end: str) -> pl.Expr:
    return (pl.col(end) - pl.col(start)).dt.total_days()


def _table_stream(name: str, table: Table, happened: str, left_out: pl.Expr | None = None, **values: pl.Expr) -> Stream:
    """A stream whose events are the rows of a table, but for those ``left_out``, dated by the column ``happened``."""
    unwanted = pl.lit(value=False) if left_out is None else left_out.fill_null(value=False)

    def read(view: View) -> pl.DataFrame:
        seen = cut(view.archive, table, view.who).with_columns(happened=pl.col(happened))
        return seen.filter(pl.col("happened").is_not_null(), ~unwanted).select("row", "as_of", "happened", **values)

    roots = {root for expression in values.values() for root in expression.meta.root_names()}
    needed = tuple(sorted((roots | {happened}) & set(table.schema)))
    return Stream(name, table, needed, tuple(values), read)


def _referral_values(seen: pl.DataFrame) -> pl.DataFrame:
    return seen.with_columns(source=_source_group("cine_referral_source_code"), ended_nfa=pl.col("cine_referral_nfa"))


def _earlier_episodes(view: View) -> pl.DataFrame:
    """The child's mended episodes that began before the case that is open now."""
    seen = _referral_values(episodes_at(view.archive, view.who))
    case = view.cohort.select("row", case_began_on="began_on")
    return seen.join(case, on="row").filter(pl.col("began_on") < pl.col("case_began_on"))


def _read_referrals(view: View) -> pl.DataFrame:
    begun = _earlier_episodes(view).filter(~pl.col("continues"))
    return begun.select("row", "as_of", "source", "ended_nfa", happened="cine_referral_date")


def _read_closings(view: View) -> pl.DataFrame:
    seen = _earlier_episodes(view)
    ended = seen.group_by("row", "chain", maintain_order=True).agg(
        pl.col("as_of").first(),
        pl.col("began_on").first(),
        happened=pl.when(pl.col("closed_on").is_null().any()).then(None).otherwise(pl.col("closed_on").max()),
        reason=pl.col("cine_close_reason").last(),
    )
    return ended.filter(pl.col("happened").is_not_null()).select(
        "row", "as_of", "happened", "reason", days_open=_days("began_on", "happened")
    )


def _read_sibling_referrals(view: View) -> pl.DataFrame:
    """Referrals of the subjects, each taken as a child of its own with its merged records."""
    known = current_ids(view.archive, view.who.rename({"subject": "person_id"}))
    pairs = known.select("row", "current_id").unique(maintain_order=True).with_row_index("pair")
    one_child = known.join(pairs, on=["row", "current_id"]).select(row="pair", subject="person_id", as_of="as_of")
    seen = _referral_values(episodes_at(view.archive, one_child)).filter(~pl.col("continues"))
    back = pairs.select(pair="pair", cohort_row="row")
    return seen.join(back, left_on="row", right_on="pair").select(
        "as_of", "source", "ended_nfa", row="cohort_row", happened="cine_referral_date"
    )


def _read_case(view: View) -> pl.DataFrame:
    """One event for each row, on the day itself: the case as it stands."""
    seen = cut(view.archive, episodes.EPISODES, view.who).select(
        "row", referral_id="cine_referral_id", source=_source_group("cine_referral_source_code")
    )
    case = view.cohort.join(seen, on=["row", "referral_id"], how="left")
    months = (pl.col("as_of").dt.year() - pl.col("dob").dt.year()) * 12 + (
        pl.col("as_of").dt.month().cast(pl.Int32) - pl.col("dob").dt.month()
    )
    return case.select(
        "row",
        "as_of",
        happened="as_of",
        days_open=_days("began_on", "as_of"),
        age_months=months,
        without_birth_date=pl.col("dob").is_null(),
        **{
            f"source_{name}": pl.when(pl.col("source").is_not_null()).then(pl.col("source") == group)
            for name, group in (
                ("police", "Police"),
                ("school", "Schools"),
                ("health", "Health services"),
                ("individual", "Individual"),
                ("la", "LA services"),
            )
        },
    )


def _read_factors(view: View) -> pl.DataFrame:
    """One event for each factor of each authorised assessment, on the day of its authorisation."""
    seen = cut(view.archive, episodes.FACTORS, view.who)
    return (
        seen.select("row", "as_of", "happened", factor=pl.col("cinf_assessment_factors_json").str.split("|"))
        .explode("factor")
        .filter(pl.col("factor").is_not_null() & (pl.col("factor") != NO_CODES))
    )


def _read_siblings(view: View) -> pl.DataFrame:
    """One event for each brother or sister known on the day."""
    known = current_ids(view.archive, view.who.rename({"subject": "person_id"}))
    return known.select("row", "as_of", happened="as_of", sibling="current_id").unique(maintain_order=True)


_CASE_VALUES = ("days_open", "age_months", "without_birth_date", "source_police", "source_school", "source_health",
                "source_individual", "source_la")  # fmt: skip
_OTHER_AUTHORITY = pl.col("cppl_cp_plan_ola")  # such plans are not counted, as the contract says
_REFERRAL_COLUMNS = ("cine_referral_date", "cine_referral_source_code", "cine_referral_nfa", "cine_close_date")

STREAMS: Mapping[str, Stream] = {
    stream.name: stream
    for stream in (
        Stream("case", episodes.EPISODES, ("cine_referral_date", "cine_referral_source_code"), _CASE_VALUES, _read_case),
        Stream("referrals", episodes.EPISODES, _REFERRAL_COLUMNS, ("source", "ended_nfa"), _read_referrals),
        Stream("sibling referrals", episodes.EPISODES, _REFERRAL_COLUMNS, ("source", "ended_nfa"), _read_sibling_referrals),
        Stream("closings", episodes.EPISODES, (*_REFERRAL_COLUMNS, "cine_close_reason"), ("reason", "days_open"),
               _read_closings),
        Stream("factors", episodes.FACTORS, ("cinf_assessment_factors_json",), ("factor",), _read_factors),
        Stream("siblings", people.FAMILY, (), ("sibling",), _read_siblings),
        _table_stream("contacts", episodes.CONTACTS, "cont_contact_date",
                      source=_source_group("cont_contact_source_code"),
                      ended_nfa=_flag("cont_contact_outcome_json", "NFA")),
        _table_stream("early help", episodes.EARLY_HELP, "earl_episode_start_date", ended=pl.col("earl_episode_end_date")),
        _table_stream("early help ended", episodes.EARLY_HELP, "earl_episode_end_date",
                      days=_days("earl_episode_start_date", "earl_episode_end_date")),
        _table_stream("assessments", episodes.ASSESSMENTS, "cina_assessment_start_date",
                      ended=pl.col("cina_assessment_auth_date")),
        _table_stream("assessments finished", episodes.ASSESSMENTS, "cina_assessment_auth_date",
                      ended_nfa=pl.col("cina_assessment_outcome_nfa"),
                      days=_days("cina_assessment_start_date", "cina_assessment_auth_date")),
        _table_stream("child in need plans", episodes.CIN_PLANS, "cinp_cin_plan_start_date",
                      ended=pl.col("cinp_cin_plan_end_date")),
        _table_stream("child in need plans ended", episodes.CIN_PLANS, "cinp_cin_plan_end_date",
                      days=_days("cinp_cin_plan_start_date", "cinp_cin_plan_end_date")),
        _table_stream("section 47", protection.S47, "s47e_s47_start_date"),
        _table_stream("section 47 ended", protection.S47, "s47e_s47_end_date", ended_nfa=pl.col("s47e_s47_nfa")),
        _table_stream("conferences", protection.CONFERENCES, "icpc_icpc_date"),
        _table_stream("protection plans", protection.CP_PLANS, "cppl_cp_plan_start_date", _OTHER_AUTHORITY,
                      ended=pl.col("cppl_cp_plan_end_date"), category=pl.col("cppl_cp_plan_initial_category")),
        _table_stream("protection plans ended", protection.CP_PLANS, "cppl_cp_plan_end_date", _OTHER_AUTHORITY,
                      days=_days("cppl_cp_plan_start_date", "cppl_cp_plan_end_date")),
        _table_stream("care", protection.CLA_EPISODES, "clae_cla_episode_start_date",
                      ended=pl.col("clae_cla_episode_ceased_date"), start=pl.col("clae_cla_episode_start_reason")),
        _table_stream("care ended", protection.CLA_EPISODES, "clae_cla_episode_ceased_date",
                      days=_days("clae_cla_episode_start_date", "clae_cla_episode_ceased_date")),
        _table_stream("missing", protection.MISSING, "miss_missing_episode_start_date",
                      kind=pl.col("miss_missing_episode_type")),
        _table_stream("offers answered", local.OFFERS, "offe_answered_date", kind=pl.col("offe_kind"),
                      answer=pl.col("offe_answer")),
        _table_stream("offers held", local.OFFERS, "offe_held_date", kind=pl.col("offe_kind")),
        _table_stream("scalings", local.SIGNS_OF_SAFETY, "asos_scaled_date", scale=pl.col("asos_scale"),
                      rater=pl.col("asos_rater"), danger_statements=pl.col("asos_danger_statements")),
    )
}  # fmt: skip
