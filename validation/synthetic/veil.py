"""What the records do not yet say of an open case: what kind it is, how far protection will go, whether care will begin.

An assessment that goes on has not told whether the child is in need; an enquiry, a conference, a plan and care are known
from their day on. What is not known is drawn anew from what is likely, given how long the case has been open.
"""

import numpy as np

from validation.synthetic.process import (
    CONFERENCE,
    ENQUIRY,
    IN_NEED,
    LEAST,
    LEAST_CARE,
    LONG_TERM_RANK,
    NOT_IN_NEED,
    NOTHING,
    PLAN,
    Kinds,
    Process,
)
from validation.synthetic.state import State
from validation.synthetic.world import Flags, Numbers, Places, shared

ENQUIRY_DAYS, MEETING_DAYS = 28, (10, 24)  # after so many days an enquiry has begun; a conference is held between these
CARE_DAYS = 120  # after an assessment care begins within so many days, if it does


def veil(process: Process, state: State, disabled: Flags, in_care: Flags, day: int, rng: np.random.Generator) -> None:
    """Replace what is not known at the end of a day in ``state``; ``in_care`` says of whom care is on record."""
    who = np.flatnonzero(state.open_on(day))
    local = np.unique(state.occasion[who], return_inverse=True)[1]
    elapsed, assessing = (day - state.start[who]).astype(float), state.assessed[who] > day
    enquired = (state.stage[who] >= ENQUIRY) & (state.enquired[who] <= day)
    met = (state.stage[who] >= CONFERENCE) & (state.met[who] <= day)
    kind = np.where(assessing & ~enquired & (state.kind[who] != 0), _kind(process, local, rng), state.kind[who]).astype(np.int8)
    need = kind == IN_NEED
    survived = np.where(assessing, 1.0, 1 - process.rank_of(elapsed + 1))
    usual = 0.3 * np.minimum(survived / (1 - LONG_TERM_RANK), 1)
    long_term = need & disabled[who] & ~enquired & (rng.random(who.size) < usual / (usual + 0.7 * survived))
    since = np.where(enquired, day - state.enquired[who], elapsed)
    stage = np.where(
        met, state.stage[who], _stage(process, shared(rng, local, own=0.1), enquired, since, state.planned_before[who])
    )
    late = _late(process, elapsed, (day - state.assessed[who]).astype(float), assessing)
    care = in_care[who] | (rng.random(who.size) < late)
    state.kind[who], state.long_term[who] = kind, long_term
    state.stage[who] = np.where(need & ~long_term, stage, NOTHING)
    state.care[who] = need & ~long_term & care


def _kind(process: Process, local: Places, rng: np.random.Generator) -> Kinds:
    """Whether a child that is being assessed will be found in need: as often as ever, since assessments take as long."""
    profile = process.profile
    assessed = 1 - (profile.no_further_action if process.plants.nfa_abolished is None else 0.0)
    return np.where(shared(rng, local, own=0.1) < profile.not_in_need / assessed, NOT_IN_NEED, IN_NEED).astype(np.int8)


def _stage(process: Process, lot: Numbers, enquired: Flags, days: Numbers, planned_before: Flags) -> Kinds:
    """How far protection will go, given that no conference has been held: ``days`` since the enquiry or the referral."""
    profile = process.profile
    lasts = 1 - process.rank_of(LEAST.astype(float))
    plan = np.minimum(profile.plan * np.where(planned_before, profile.planned_before, 1.0), 0.9) * lasts[PLAN]
    conference, enquiry = profile.conference * lasts[CONFERENCE], profile.enquiry * lasts[ENQUIRY]
    nothing = np.maximum(1 - plan - conference - enquiry, 0.05)
    not_met = 1 - np.clip((days - MEETING_DAYS[0]) / (MEETING_DAYS[1] - MEETING_DAYS[0]), 0, 1)
    not_begun = 1 - np.cbrt(np.minimum(days, ENQUIRY_DAYS) / ENQUIRY_DAYS)
    later = np.where(enquired, not_met, not_begun)
    weights = np.stack(
        [np.where(enquired, 0.0, nothing), enquiry * np.where(enquired, 1.0, not_begun), conference * later, plan * later]
    )
    reached = np.cumsum(weights / weights.sum(axis=0), axis=0)
    result: Kinds = np.minimum((lot >= reached).sum(axis=0), PLAN).astype(np.int8)
    return result


def _late(process: Process, elapsed: Numbers, assessed: Numbers, assessing: Flags) -> Numbers:
    """The chance that care will yet begin, given that it has not and how long the case has lasted."""
    lasting = 1 - np.where(assessing, 0.0, process.rank_of(elapsed + 1))
    prior = process.profile.care * np.minimum((1 - process.rank_of(LEAST_CARE)) / lasting, 1)
    not_yet = 1 - np.clip(assessed / CARE_DAYS, 0, 1)
    result: Numbers = prior * not_yet / (prior * not_yet + 1 - prior)
    return result
