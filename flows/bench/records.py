"""The records of the invented history: for each table its rows, as they are in truth."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from flows.bench.cases import Cases, People
from flows.bench.draws import FIRST, LAST, Ints, choice, code, dates, ids, long, often, random_of, yes
from validation.codes import codes
from validation.conforming import NO_CODES
from validation.tables.episodes import EPISODES

CONTACTS, EARLY_HELP = 12 / 6.2, 1.5 / 6.2  # for each referral
ASSESSMENTS, ENQUIRIES, PLANS, NEED_PLANS, CARE, MISSING = 4.5 / 6.2, 1.8 / 6.2, 0.6 / 6.2, 1.3 / 6.2, 0.5 / 6.2, 0.4 / 6.2
OFFERS, SCALINGS = 0.06 / 6.2, 0.2 / 6.2

LATE_REFERRAL_DAYS = 7
AUTHORISED = "authorised"  # the day of an assessment's factors, which lies in another table
SOURCES = {
    "6": 28, "2A": 18, "3A": 2, "3B": 3, "3C": 2, "3D": 3, "3E": 5, "3F": 2, "5A": 8, "5B": 5, "5D": 3, "1A": 5, "1B": 2,
    "1D": 3, "2B": 3, "4": 2, "7": 3, "8": 3, "9": 2, "10": 1,
}  # fmt: skip

Invented = tuple[str, pl.DataFrame, str, dict[str, Any]]  # table, rows, date column, and the manner of its vintages


def draw_tables(seed: int, people: People, cases: Cases, referrals: int) -> Iterator[Invented]:
    """Name, rows, date column and manner of its vintages of each table with events."""
    every = np.ones(len(cases.child))
    worked = np.where(cases.nfa, 0.0, 1.0)
    yield _referrals(random_of(seed, 10), cases)
    yield _contacts(random_of(seed, 11), people, cases, referrals * CONTACTS)
    yield _early_help(random_of(seed, 12), people, referrals * EARLY_HELP)
    yield from _assessed(random_of(seed, 13), cases, often(random_of(seed, 14), worked, referrals * ASSESSMENTS))
    yield _need_plans(random_of(seed, 15), cases, often(random_of(seed, 16), worked, referrals * NEED_PLANS))
    yield from _protected(random_of(seed, 17), cases, often(random_of(seed, 18), worked, referrals * ENQUIRIES), referrals)
    yield _care(random_of(seed, 19), cases, often(random_of(seed, 20), worked, referrals * CARE))
    yield _missing(random_of(seed, 21), people, referrals * MISSING)
    yield _offers(random_of(seed, 22), cases, often(random_of(seed, 23), every, referrals * OFFERS))
    yield _scalings(random_of(seed, 24), cases, often(random_of(seed, 25), worked, referrals * SCALINGS))


def _referrals(random: np.random.Generator, cases: Cases) -> Invented:
    size = len(cases.child)
    undated = cases.nfa & (random.random(size) < 0.5)  # without further action: closed without saying so
    outcome = pl.select(pl.when(pl.Series(cases.nfa)).then(pl.lit("NFA")).otherwise(pl.lit("SINGLE_ASSESSMENT"))).to_series()
    reason = code(random, "closure_reason", size, {"RC7": 50, "RC8": 30, "RC9": 12, "RC5": 5, "RC3": 1, "RC4": 1, "RC1": 1})
    table = pl.DataFrame(
        {
            "cine_referral_id": ids(np.arange(size)),
            "cine_person_id": ids(cases.child),
            "cine_referral_date": dates(cases.day),
            "cine_referral_source_code": code(random, "referral_source", size, SOURCES),
            "cine_referral_outcome_json": outcome,
            "cine_referral_nfa": pl.Series(cases.nfa).set(pl.Series(~cases.nfa & (random.random(size) < 0.02)), None),
            "cine_close_reason": reason.set(pl.Series(undated), None),
            "cine_close_date": dates(cases.closed, undated),
        }
    )
    manner = {
        "end": "cine_close_date", "with_end": ("cine_close_reason",), "code": "cine_referral_source_code", "moves": False,
        "late": LATE_REFERRAL_DAYS,
    }  # fmt: skip
    return EPISODES.name, table, "cine_referral_date", manner


def _contacts(random: np.random.Generator, people: People, cases: Cases, total: float) -> Invented:
    """Some contacts shortly before a referral, the others on any day."""
    case = often(random, np.ones(len(cases.child)), total * 0.5)
    alone = often(random, people.frailty, total * 0.5)
    child = np.concatenate([cases.child[case], alone])
    before = np.maximum(cases.day[case] - random.integers(0, 21, len(case)), FIRST)
    day = np.concatenate([before, random.integers(FIRST, LAST + 1, len(alone))])
    order = np.argsort(child, kind="stable")
    size = len(child)
    outcomes = {"NEW_REFERRAL": 40, "NFA": 30, "ADVICE": 15, "ADVICE|NFA": 10, "-": 5}
    table = pl.DataFrame(
        {
            "cont_contact_id": ids(np.arange(size)),
            "cont_person_id": ids(child[order]),
            "cont_contact_date": dates(day[order]),
            "cont_contact_source_code": code(random, "referral_source", size, SOURCES),
            "cont_contact_outcome_json": choice(random, list(outcomes), list(outcomes.values()), size, 0.05).cast(pl.String),
        }
    )
    return "ssd_contacts", table, "cont_contact_date", {"code": "cont_contact_source_code"}


def _early_help(random: np.random.Generator, people: People, total: float) -> Invented:
    child = often(random, people.frailty, total)
    start = random.integers(FIRST, LAST + 1, len(child))
    table = pl.DataFrame(
        {
            "earl_episode_id": ids(np.arange(len(child))),
            "earl_person_id": ids(child),
            "earl_episode_start_date": dates(start),
            "earl_episode_end_date": dates(start + long(random, len(child), 140)),
        }
    )
    return "ssd_early_help_episodes", table, "earl_episode_start_date", {"end": "earl_episode_end_date"}


def _assessed(random: np.random.Generator, cases: Cases, case: Ints) -> Iterator[Invented]:
    """Assessments, and one row of factors for each that is authorised."""
    size = len(case)
    start = cases.day[case] + random.integers(0, 120, size) * (random.random(size) < 0.3)
    authorised = start + 5 + long(random, size, 32, 0.5)
    begun = start <= LAST
    case, start, authorised = case[begun], start[begun], authorised[begun]
    size = len(case)
    empty = random.random(size) < 0.02
    nfa = yes(random, size, 0.35)
    seen = yes(random, size, 0.95)
    table = pl.DataFrame(
        {
            "cina_assessment_id": ids(np.arange(size)),
            "cina_person_id": ids(cases.child[case]),
            "cina_assessment_start_date": dates(start),
            "cina_assessment_child_seen": seen,
            "cina_assessment_auth_date": dates(authorised, empty),
            "cina_assessment_outcome_json": pl.select(pl.when(nfa).then(pl.lit("NFA")).otherwise(pl.lit("-"))).to_series(),
            "cina_assessment_outcome_nfa": nfa,
        }
    )
    filled_in = ("cina_assessment_child_seen", "cina_assessment_outcome_json", "cina_assessment_outcome_nfa")
    manner = {"end": "cina_assessment_auth_date", "with_end": filled_in, "code": "cina_assessment_outcome_nfa"}
    yield "ssd_cin_assessments", table, "cina_assessment_start_date", manner
    finished = np.flatnonzero(~empty & (authorised <= LAST))
    factors = pl.DataFrame(
        {
            "cinf_table_id": ids(np.arange(len(finished))),
            "cinf_assessment_id": ids(finished),
            "cinf_assessment_factors_json": _lists(random, len(finished)),
            AUTHORISED: dates(authorised[finished]),
        }
    )
    yield "ssd_assessment_factors", factors, AUTHORISED, {"code": "cinf_assessment_factors_json", "moves": False}


def _lists(random: np.random.Generator, size: int, kinds: int = 20_000) -> pl.Series:
    """Joined codes of factors, two on average, drawn from many different lists."""
    names = np.array(sorted(codes("assessment_factors")))
    weight = random.gamma(0.7, size=len(names))
    many = 1 + random.poisson(1.05, kinds)
    drawn = pl.DataFrame(
        {"at": np.repeat(np.arange(kinds), many), "code": random.choice(names, many.sum(), p=weight / weight.sum())}
    )
    lists = drawn.unique().sort("at", "code").group_by("at", maintain_order=True).agg(pl.col("code").str.join("|"))["code"]
    lists = lists.scatter(random.integers(0, kinds, kinds // 50), NO_CODES)
    return lists.gather(random.integers(0, kinds, size))


def _need_plans(random: np.random.Generator, cases: Cases, case: Ints) -> Invented:
    start = cases.day[case] + 10 + long(random, len(case), 40)
    case, start = case[start <= LAST], start[start <= LAST]
    table = pl.DataFrame(
        {
            "cinp_cin_plan_id": ids(np.arange(len(case))),
            "cinp_person_id": ids(cases.child[case]),
            "cinp_cin_plan_start_date": dates(start),
            "cinp_cin_plan_end_date": dates(start + long(random, len(case), 150), random.random(len(case)) < 0.01),
        }
    )
    return "ssd_cin_plans", table, "cinp_cin_plan_start_date", {"end": "cinp_cin_plan_end_date"}


def _protected(random: np.random.Generator, cases: Cases, case: Ints, referrals: int) -> Iterator[Invented]:
    """Section 47 enquiries, conferences that follow some of them, and plans that follow most of those."""
    start = cases.day[case] + random.integers(0, 90, len(case)) * (random.random(len(case)) < 0.5)
    case, start = case[start <= LAST], start[start <= LAST]
    size = len(case)
    nfa = yes(random, size, 0.45)
    table = pl.DataFrame(
        {
            "s47e_s47_enquiry_id": ids(np.arange(size)),
            "s47e_person_id": ids(cases.child[case]),
            "s47e_s47_start_date": dates(start),
            "s47e_s47_end_date": dates(start + 1 + long(random, size, 9, 0.6), random.random(size) < 0.05),
            "s47e_s47_nfa": nfa,
            "s47e_s47_outcome_json": pl.select(pl.when(nfa).then(pl.lit("NFA")).otherwise(pl.lit("MONITOR"))).to_series(),
        }
    )
    filled_in = ("s47e_s47_nfa", "s47e_s47_outcome_json")
    manner = {"end": "s47e_s47_end_date", "with_end": filled_in, "code": "s47e_s47_nfa"}
    yield "ssd_s47_enquiry", table, "s47e_s47_start_date", manner
    held = start + 5 + random.integers(0, 25, size)
    led = np.flatnonzero((random.random(size) < 0.4) & (held <= LAST))
    made = random.random(len(led)) < referrals * PLANS / len(led)
    conferences = pl.DataFrame(
        {
            "icpc_icpc_id": ids(np.arange(len(led))),
            "icpc_person_id": ids(cases.child[case[led]]),
            "icpc_icpc_transfer_in": yes(random, len(led), 0.02),
            "icpc_icpc_date": dates(held[led]),
            "icpc_icpc_outcome_cp_flag": pl.Series(made),
            "icpc_icpc_outcome_json": pl.select(pl.when(pl.Series(made)).then(pl.lit("CP")).otherwise(pl.lit("NFA"))).to_series(),
        }
    )
    yield "ssd_initial_cp_conference", conferences, "icpc_icpc_date", {"code": "icpc_icpc_outcome_cp_flag"}
    of = led[made]
    begun = held[of]
    plans = pl.DataFrame(
        {
            "cppl_cp_plan_id": ids(np.arange(len(of))),
            "cppl_person_id": ids(cases.child[case[of]]),
            "cppl_cp_plan_start_date": dates(begun),
            "cppl_cp_plan_end_date": dates(begun + 30 + long(random, len(of), 220, 0.6)),
            "cppl_cp_plan_ola": yes(random, len(of), 0.03),
            "cppl_cp_plan_initial_category": code(
                random, "category_of_abuse", len(of), {"NEG": 48, "EMO": 37, "PHY": 7, "SAB": 4, "MUL": 4}
            ),
        }
    )
    manner = {"end": "cppl_cp_plan_end_date", "code": "cppl_cp_plan_initial_category"}
    yield "ssd_cp_plans", plans, "cppl_cp_plan_start_date", manner


def _care(random: np.random.Generator, cases: Cases, case: Ints) -> Invented:
    start = cases.day[case] + long(random, len(case), 90)
    case, start = case[start <= LAST], start[start <= LAST]
    table = pl.DataFrame(
        {
            "clae_cla_episode_id": ids(np.arange(len(case))),
            "clae_person_id": ids(cases.child[case]),
            "clae_cla_episode_start_date": dates(start),
            "clae_cla_episode_start_reason": code(
                random, "cla_start_reason", len(case), {"S": 40, "L": 15, "P": 35, "T": 5, "U": 5}
            ),
            "clae_cla_episode_ceased_date": dates(start + long(random, len(case), 250, 1.0)),
        }
    )
    manner = {"end": "clae_cla_episode_ceased_date", "code": "clae_cla_episode_start_reason"}
    return "ssd_cla_episodes", table, "clae_cla_episode_start_date", manner


def _missing(random: np.random.Generator, people: People, total: float) -> Invented:
    child = often(random, people.frailty**2, total)
    start = random.integers(FIRST, LAST + 1, len(child))
    table = pl.DataFrame(
        {
            "miss_table_id": ids(np.arange(len(child))),
            "miss_person_id": ids(child),
            "miss_missing_episode_start_date": dates(start),
            "miss_missing_episode_type": code(random, "missing_type", len(child), {"M": 80, "A": 20}),
            "miss_missing_episode_end_date": dates(
                start + random.geometric(0.6, len(child)) - 1, random.random(len(child)) < 0.01
            ),
        }
    )
    manner = {"end": "miss_missing_episode_end_date", "code": "miss_missing_episode_type"}
    return "ssd_missing", table, "miss_missing_episode_start_date", manner


def _offers(random: np.random.Generator, cases: Cases, case: Ints) -> Invented:
    size = len(case)
    offered = np.minimum(cases.day[case] + random.integers(0, 60, size), LAST)
    answered = offered + random.integers(0, 30, size)
    silent = random.random(size) < 0.1
    accepted = random.random(size) < 0.6
    answer = pl.select(pl.when(pl.Series(accepted)).then(pl.lit("ACCEPTED")).otherwise(pl.lit("DECLINED"))).to_series()
    table = pl.DataFrame(
        {
            "offe_offer_id": ids(np.arange(size)),
            "offe_person_id": ids(cases.child[case]),
            "offe_kind": code(random, "offer_kind", size, {"EH": 60, "FGC": 35, "FGDM": 5}),
            "offe_offered_date": dates(offered),
            "offe_answer": answer.cast(pl.Enum(list(codes("offer_answer")))).set(pl.Series(silent), None),
            "offe_answered_date": dates(answered, silent),
            "offe_held_date": dates(answered + random.integers(7, 60, size), silent | ~accepted),
        }
    )
    manner = {"end": "offe_answered_date", "with_end": ("offe_answer",), "code": "offe_kind"}
    return "ext_offers", table, "offe_offered_date", manner


def _scalings(random: np.random.Generator, cases: Cases, case: Ints) -> Invented:
    case = np.repeat(case, random.integers(1, 4, len(case)))
    size = len(case)
    table = pl.DataFrame(
        {
            "asos_scale_id": ids(np.arange(size)),
            "asos_person_id": ids(cases.child[case]),
            "asos_scaled_date": dates(np.minimum(cases.day[case] + random.integers(0, 200, size), LAST)),
            "asos_rater": code(random, "sos_rater", size, {"FAMILY": 40, "WORKER": 50, "NETWORK": 10}),
            "asos_scale": pl.Series(random.integers(0, 11, size)),
            "asos_danger_statements": pl.Series(random.poisson(1.5, size)).set(pl.Series(random.random(size) < 0.1), None),
            "asos_safety_goals": pl.Series(random.poisson(2.0, size)).set(pl.Series(random.random(size) < 0.1), None),
            "asos_strengths": pl.Series(random.poisson(3.0, size)).set(pl.Series(random.random(size) < 0.1), None),
        }
    )
    return "ext_assessments_sos", table, "asos_scaled_date", {"code": "asos_rater"}
