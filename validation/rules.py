"""Rules that look across rows and tables: the statutory ones that make sense here, and few of our own.

Each rule is one polars expression over a *view* of its table: the table's own columns, those of the rows that it
refers to (child, episode, assessment, enquiry, conference), the extract date, and a count of child rows where a rule
asks whether there are any. An expression that comes out empty, because a value or a whole table is missing, holds.
Numbers are those of the children in need census. Severity follows the harm done here and not always the census:
children whose episodes overlap are scored but not trained on, so 8815 and 8820 only ask. Rule 8898 (a factor twice) is
not here: conforming leaves no code twice, so that it could never be broken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from validation.checks import Asks, Check, Severity, checks_for
from validation.codes import codes
from validation.conforming import NO_CODES
from validation.contract import Table
from validation.tables.catalogue import TABLES

ERROR, QUERY = Severity.ERROR, Severity.QUERY

PERSON, EPISODES, DISABILITY = "ssd_person", "ssd_cin_episodes", "ssd_disability"
ASSESSMENTS, FACTORS = "ssd_cin_assessments", "ssd_assessment_factors"
CIN_PLANS, CP_PLANS = "ssd_cin_plans", "ssd_cp_plans"
S47, CONFERENCES, SCALES = "ssd_s47_enquiry", "ssd_initial_cp_conference", "ext_assessments_sos"
FAMILY = "ssd_family"

# What is done within an episode: table, its date, the rule for a date before the referral, and the rule for activity
# on a referral that needed no further action.
ACTIVITIES = (
    (ASSESSMENTS, "cina_assessment_start_date", "1103", "8831"),
    (S47, "s47e_s47_start_date", "2889", "8831"),
    (CONFERENCES, "icpc_icpc_date", "1104", "8831"),
    (CIN_PLANS, "cinp_cin_plan_start_date", "4015", "4000"),
    (CP_PLANS, "cppl_cp_plan_start_date", "1105", "8832"),
)

# Rows that point at a row of the view's table, counted: name of the count, their table, their column, which of them.
COUNTS: Mapping[str, tuple[str, str, str, pl.Expr]] = {
    EPISODES: ("assessments", ASSESSMENTS, "cina_referral_id", pl.col("cina_assessment_id").is_not_null()),
    ASSESSMENTS: ("factor_rows", FACTORS, "cinf_assessment_id", pl.col("cinf_assessment_factors_json") != NO_CODES),
}


@dataclass(frozen=True)
class Rule:
    """One rule: ``holds`` is true of a row of ``table`` that keeps it, ``says`` is what is wrong with any other."""

    code: str
    table: str
    severity: Severity
    says: str
    holds: pl.Expr = field(compare=False)

    @property
    def column(self) -> str:
        """The name of the derived column that carries the answer."""
        return f"rule_{self.code.replace('-', '_')}"

    @property
    def check(self) -> Check:
        """The check that the derived column is true."""
        return Check(self.code, self.table, self.severity, Asks.HOLDS, self.column, None, self.says)


TODAY = pl.col("extract_date")
FOREVER = date(9999, 12, 31)
REFERRED, CLOSED, REASON = pl.col("cine_referral_date"), pl.col("cine_close_date"), pl.col("cine_close_reason")
NFA, NEED = pl.col("cine_referral_nfa"), pl.col("cine_cin_primary_need_code")
BORN, DUE, DIED = pl.col("pers_dob"), pl.col("pers_expected_dob"), pl.col("pers_death_date")
BEGUN, AUTHORISED = pl.col("cina_assessment_start_date"), pl.col("cina_assessment_auth_date")
FACTOR_CODES = pl.col("cinf_assessment_factors_json").str.split("|")
DISABILITY_CODE = pl.col("disa_disability_code")
AFTER_ASSESSMENT = ["RC8", "RC9"]
LARGEST_FAMILY = 20  # children on record; beyond it one key would join strangers into one place on the list


def _is_open(end: pl.Expr) -> pl.Expr:
    return end.is_null() | (end > TODAY)


def _is_only_one(by: str, among: pl.Expr) -> pl.Expr:
    """A row outside ``among``, or the only one of them that shares its value of ``by``."""
    counted = among.fill_null(value=False)
    return pl.col(by).is_null() | ~counted | (counted.sum().over(by) == 1)


def _stands_apart(by: str, start: str, end: pl.Expr) -> pl.Expr:
    """No other row with the same ``by`` runs at the same time; one may begin on the day on which another ends."""
    begins, ends = pl.col(start), pl.when(pl.col(start).is_not_null()).then(end.fill_null(FOREVER))
    order = [begins, ends]
    ended_before = ends.cum_max().shift(1).over(by, order_by=order) <= begins
    next_after = begins.shift(-1).over(by, order_by=order) >= ends
    return pl.col(by).is_null() | (ended_before.fill_null(value=True) & next_after.fill_null(value=True))


def _used_in_time(code: str) -> pl.Expr:
    """The factor ``code`` is absent, or the assessment was authorised by the end of the code's last census year."""
    last_year = codes("assessment_factors")[code].last_year
    if last_year is None:
        raise ValueError(f"Code '{code}' of list 'assessment_factors' has no last year: give it one in codes.csv.")
    return ~FACTOR_CODES.list.contains(code) | (date(last_year, 3, 31) >= AUTHORISED)


def _activity_rules() -> tuple[Rule, ...]:
    rules: list[Rule] = []
    for table, column, early, needless in ACTIVITIES:
        day = pl.col(column)
        rules += [
            Rule(early, table, QUERY, f"'{column}' lies before the referral.", day >= REFERRED),
            Rule("8565", table, ERROR, f"'{column}' lies after the episode had closed.", day <= CLOSED),
            Rule(needless, table, QUERY, "The referral is recorded as needing no further action.", ~NFA),
        ]
        if table != ASSESSMENTS:
            says = "The episode is recorded as closed after assessment, so nothing should have followed."
            rules.append(Rule("2990", table, QUERY, says, ~REASON.is_in(AFTER_ASSESSMENT)))
    return tuple(rules)


def _unknown_episode_rules() -> tuple[Rule, ...]:
    says = "The row names an episode that is not in the extract."
    return tuple(
        Rule("unknown-episode", table.name, QUERY, says, pl.col(reference.column).is_null() | ~pl.col("cine_absent"))
        for table in TABLES.values()
        for reference in table.references
        if reference.table == EPISODES
    )


RULES: tuple[Rule, ...] = (
    # children
    Rule("8525Q", PERSON, QUERY, "There should be a month of birth or an expected one, and not both.",
         BORN.is_null() != DUE.is_null()),
    Rule("8535Q", PERSON, QUERY, "Death is recorded before birth.", DIED >= BORN),
    Rule("8790", DISABILITY, QUERY, "'No disability' is recorded beside a disability.",
         (DISABILITY_CODE == "NONE").drop_nulls().n_unique().over("disa_person_id") <= 1),
    Rule("8794", DISABILITY, QUERY, "The same disability is recorded more than once for a child.",
         DISABILITY_CODE.is_null() | (pl.len().over("disa_person_id", "disa_disability_code") == 1)),
    # episodes
    Rule("8555Q", EPISODES, QUERY, "The referral came after the month of the child's death.",
         DIED.dt.month_end() >= REFERRED),
    Rule("8585Q", EPISODES, QUERY, "The episode closed because the child died, but no death is recorded.",
         (REASON != "RC2") | DIED.is_not_null() | pl.col("pers_absent")),
    Rule("8606", EPISODES, QUERY, "The referral came more than 40 weeks before the (expected) month of birth.",
         pl.coalesce(BORN, DUE) - pl.duration(weeks=40) <= REFERRED),
    Rule("8610", EPISODES, QUERY, "The referral led to further action, but has no primary need.",
         NFA | NEED.is_not_null()),
    Rule("8775Q", EPISODES, QUERY, "The episode is open, but the person is over 25 years old.",
         ~_is_open(CLOSED) | (BORN.dt.offset_by("26y") > TODAY)),
    Rule("8805", EPISODES, QUERY, "The episode has a closing date, but no reason.",
         CLOSED.is_null() | REASON.is_not_null()),
    Rule("8810", EPISODES, ERROR, "The episode has a reason for closing, but no date: open or closed is unclear.",
         REASON.is_null() | CLOSED.is_not_null()),
    Rule("8815", EPISODES, QUERY, "The child has more than one open episode.",
         _is_only_one("cine_person_id", _is_open(CLOSED) & ~NFA)),
    Rule("8820", EPISODES, QUERY, "The episode overlaps another one of the same child.",
         _stands_apart("cine_person_id", "cine_referral_date", CLOSED.fill_null(pl.when(NFA).then(REFERRED)))),
    Rule("8825Q", EPISODES, QUERY, "The episode closed after assessment, but has no assessment.",
         ~REASON.is_in(AFTER_ASSESSMENT) | (pl.col("assessments") > 0)),
    # assessments and their factors
    Rule("8670Q", ASSESSMENTS, QUERY, "The assessment began over 45 working days ago and is not authorised.",
         AUTHORISED.is_not_null() | (pl.business_day_count(BEGUN.fill_null(TODAY), TODAY) <= 45)),
    Rule("8867", ASSESSMENTS, QUERY, "The episode has closed, but the assessment is not authorised.",
         AUTHORISED.is_not_null() | _is_open(CLOSED)),
    Rule("8896", ASSESSMENTS, QUERY, "The episode has more than one unfinished assessment.",
         _is_only_one("cina_referral_id", _is_open(AUTHORISED))),
    Rule("8897Q", ASSESSMENTS, QUERY, "The assessment is authorised, but no factors are recorded.",
         AUTHORISED.is_null() | (pl.col("factor_rows") > 0)),
    Rule("8614", FACTORS, ERROR, "Factors are recorded for an assessment that is not authorised.",
         (pl.col("cinf_assessment_factors_json") == NO_CODES) | AUTHORISED.is_not_null() | pl.col("cina_absent")),
    Rule("8869", FACTORS, QUERY, "'No factors found' (21) is recorded beside other factors.",
         ~FACTOR_CODES.list.contains("21") | (FACTOR_CODES.list.n_unique() == 1)),
    Rule("8945Q", FACTORS, QUERY, "Factor 18A is out of use: 18B or 18C took its place.", _used_in_time("18A")),
    Rule("8950Q", FACTORS, QUERY, "Factor 19A is out of use: 19B or 19C took its place.", _used_in_time("19A")),
    # plans, enquiries and conferences
    Rule("4004", CIN_PLANS, QUERY, "The child has more than one open child in need plan.",
         _is_only_one("cinp_person_id", _is_open(pl.col("cinp_cin_plan_end_date")))),
    Rule("4014", CIN_PLANS, QUERY, "The plan overlaps another child in need plan of the same child.",
         _stands_apart("cinp_person_id", "cinp_cin_plan_start_date", pl.col("cinp_cin_plan_end_date"))),
    Rule("8615", CONFERENCES, QUERY, "The conference was held before the enquiry that led to it began.",
         pl.col("icpc_icpc_date") >= pl.col("s47e_s47_start_date")),
    Rule("8839", S47, QUERY, "The episode has more than one unfinished section 47 enquiry.",
         _is_only_one("s47e_referral_id", _is_open(pl.col("s47e_s47_end_date")))),
    Rule("8935", CP_PLANS, QUERY, "The child has more than one open child protection plan.",
         _is_only_one("cppl_person_id", _is_open(pl.col("cppl_cp_plan_end_date")))),
    Rule("8940", CP_PLANS, QUERY, "The plan overlaps another child protection plan of the same child.",
         _stands_apart("cppl_person_id", "cppl_cp_plan_start_date", pl.col("cppl_cp_plan_end_date"))),
    # Rules of our own
    Rule("family-too-large", FAMILY, ERROR, f"The family has over {LARGEST_FAMILY} children: its key may stand for 'unknown'.",
         pl.col("fami_person_id").n_unique().over("fami_family_id") <= LARGEST_FAMILY),
    Rule("scale-out-of-range", SCALES, ERROR, "'asos_scale' is not between 0 and 10.",
         pl.col("asos_scale").is_between(0, 10)),
    Rule("count-negative", SCALES, ERROR, "A number of danger statements, safety goals or strengths is below 0.",
         pl.min_horizontal("asos_danger_statements", "asos_safety_goals", "asos_strengths") >= 0),
    *_unknown_episode_rules(),
    *_activity_rules(),
)  # fmt: skip


def _supplied(frames: Mapping[str, pl.DataFrame], name: str) -> pl.DataFrame:
    return frames.get(name, TABLES[name].empty())


def with_parents(table: Table, frames: Mapping[str, pl.DataFrame], extract_date: date) -> pl.DataFrame:
    """The rows of ``table`` in their order, with everything that its rules read beside them.

    That is ``extract_date``, the columns of each row that a row points at (its key aside), ``cine_absent`` and the like
    (is that row missing; empty where the whole table is), and the count of :data:`COUNTS`.
    """
    view = frames[table.name].with_columns(pl.lit(extract_date).alias("extract_date"))
    for reference in table.references:
        parent = TABLES[reference.table]
        absent = f"{parent.key.split('_')[0]}_absent"
        rows = (
            _supplied(frames, parent.name)
            .select(list(parent.schema))
            .unique(parent.key, keep="first", maintain_order=True)
            .with_columns(pl.lit(value=False).alias(absent))
        )
        view = view.join(rows, left_on=reference.column, right_on=parent.key, how="left", maintain_order="left").with_columns(
            pl.col(absent).fill_null(pl.lit(True if rows.height else None, pl.Boolean))
        )
    if table.name in COUNTS:
        count, child, column, which = COUNTS[table.name]
        rows = _supplied(frames, child)
        counted = rows.filter(which).group_by(column).agg(pl.len().alias(count))
        view = view.join(counted, left_on=table.key, right_on=column, how="left", maintain_order="left")
        if not rows.is_empty():
            view = view.with_columns(pl.col(count).fill_null(0))
    return view


def derived(frames: Mapping[str, pl.DataFrame], extract_date: date) -> dict[str, pl.DataFrame]:
    """Every frame with one more boolean column for each rule of its table (``rule_8565``): does the row keep it?

    ``frames`` are conformed tables of the contract by name, with all the columns of their schema; a table may be
    absent or empty, and then no rule that asks for its rows is broken. Rows and their order stay as they are.
    """
    answered: dict[str, pl.DataFrame] = {}
    for name, frame in frames.items():
        rules = [rule for rule in RULES if rule.table == name]
        view = with_parents(TABLES[name], frames, extract_date) if rules else frame
        answers = view.select(rule.holds.fill_null(value=True).alias(rule.column) for rule in rules)
        answered[name] = pl.concat([frame, answers], how="horizontal") if rules else frame
    return answered


def all_checks(tables: Mapping[str, Table]) -> dict[str, tuple[Check, ...]]:
    """For each table its checks from the contract, then one for each rule across rows and tables."""
    return {name: checks_for(table) + tuple(rule.check for rule in RULES if rule.table == name) for name, table in tables.items()}
