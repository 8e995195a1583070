"""What the records do not yet say of an open case: what kind it is, how far protection will go, whether care will begin.

An assessment that goes on has not told whether the child is in need; an enquiry, a conference, a plan and care are known
from their day on. What is not known is drawn anew from what is likely, given how long the case has been open and what
has not begun by then.
"""

import numpy as np

from validation.synthetic.process import (
    CONFERENCE,
    ENQUIRY,
    IN_NEED,
    LEAST,
    LEAST_CARE,
    LONG_TERM,
    LONG_TERM_RANK,
    NO_FURTHER_ACTION,
    NOT_IN_NEED,
    NOTHING,
    PLAN,
    Kinds,
    Process,
)
from validation.synthetic.state import State
from validation.synthetic.world import Days, Flags, Numbers, shared

ENQUIRY_DAYS, MEETING_DAYS = 28, (10, 24)  # after so many days an enquiry has begun; a conference is held between these
CARE_DAYS = 120  # after an assessment care begins within so many days, if it does


def veil(
    process: Process, state: State, disabled: Flags, tilt: Numbers, in_care: Flags, day: int, rng: np.random.Generator
) -> None:
    """Replace what is not known at the end of a day in ``state``.

    ``tilt`` is that of ``Process.tilt``; ``in_care`` says of whom care is on record.
    """
    who = np.flatnonzero(state.open_on(day))
    local = np.unique(state.occasion[who], return_inverse=True)[1]
    elapsed, assessing = (day - state.start[who]).astype(float), state.assessed[who] > day
    enquired = (state.stage[who] >= ENQUIRY) & (state.enquired[who] <= day)
    met = (state.stage[who] >= CONFERENCE) & (state.met[who] <= day)
    again, cared = state.planned_before[who], in_care[who]
    reached = np.where(assessing, 0.0, process.reached(state.start[who], day))
    begun = np.cbrt(np.minimum(elapsed + 1, ENQUIRY_DAYS) / ENQUIRY_DAYS)  # share of the enquiries
    entered = np.clip((day - state.assessed[who]) / CARE_DAYS, 0, 1)  # share of those who enter care

    # A case held open for a disability has neither enquiry nor care; most other cases of its length have.
    quiet = 1 - begun * _ahead(process, reached, again).sum(axis=0)
    quiet = quiet * (1 - entered * _care(process, np.zeros(who.size, dtype=np.int8), reached, again))
    held = np.where(disabled[who] & ~enquired & ~cared, LONG_TERM, 0.0) * np.minimum((1 - reached) / (1 - LONG_TERM_RANK), 1)
    other = np.where(disabled[who], 1 - LONG_TERM, 1.0) * (1 - reached) * quiet
    usual = _need(process, state.start[who], tilt[who])
    need = usual * (held + other) / (usual * (held + other) + 1 - usual)
    asked = assessing & ~enquired & (state.kind[who] != NO_FURTHER_ACTION)
    found = np.where(shared(rng, local, own=0.1) < need, IN_NEED, NOT_IN_NEED)
    kind = np.where(asked, found, state.kind[who]).astype(np.int8)
    plain = (kind == IN_NEED) & (rng.random(who.size) * (held + other) >= held)

    since = np.where(enquired, day - state.enquired[who], elapsed)
    drawn = _stage(process, shared(rng, local, own=0.1), enquired, since, begun, _ahead(process, reached, again))
    stage = np.where(met, state.stage[who], drawn)
    care = _care(process, stage, reached, again)
    yet = care * (1 - entered) / (1 - care * entered)
    state.kind[who], state.long_term[who] = kind, (kind == IN_NEED) & ~plain
    state.stage[who] = np.where(plain, stage, NOTHING)
    state.care[who] = plain & (cared | (rng.random(who.size) < yet))


def _need(process: Process, start: Days, tilt: Numbers) -> Numbers:
    """How often a child that is assessed is found in need, of cases that started on each day."""
    profile = process.profile
    need = 1 - profile.no_further_action - profile.not_in_need
    result: Numbers = need / np.where(process.idle(start), 1 - profile.no_further_action, 1.0) / tilt
    return result


def _ahead(process: Process, reached: Numbers, planned_before: Flags) -> Numbers:
    """The chances of an enquiry, a conference and a plan, three rows, in need episodes that last beyond a rank."""
    profile = process.profile
    plan = np.minimum(profile.plan * np.where(planned_before, profile.planned_before, 1.0), 0.9)
    enquiry = np.minimum(profile.enquiry, 1 - plan - profile.conference)
    shares = np.stack([enquiry, np.full(plan.size, profile.conference), plan])
    lasting = (1 - process.rank_of(LEAST[ENQUIRY:] + 1))[:, None] / (1 - reached)
    result: Numbers = shares * np.minimum(lasting, 1)
    return result


def _stage(process: Process, lot: Numbers, enquired: Flags, days: Numbers, begun: Numbers, ahead: Numbers) -> Kinds:
    """How far protection will go, given that no conference has been held: ``days`` since the enquiry or the referral."""
    enquiry, *further = ahead
    not_met = 1 - np.clip((days - MEETING_DAYS[0]) / (MEETING_DAYS[1] - MEETING_DAYS[0]), 0, 1)
    later = np.where(enquired, not_met, 1 - begun)
    nothing = np.where(enquired, 0.0, np.maximum(1 - ahead.sum(axis=0), 1e-9))
    weights = np.stack([nothing, enquiry * np.where(enquired, 1.0, 1 - begun), *(share * later for share in further)])
    reached = np.cumsum(weights / weights.sum(axis=0), axis=0)
    result: Kinds = np.minimum((lot >= reached).sum(axis=0), PLAN).astype(np.int8)
    return result


def _care(process: Process, stage: Kinds, reached: Numbers, planned_before: Flags) -> Numbers:
    """The chance that care belongs to a need episode that lasts beyond a rank and in which protection goes so far."""

    def lasting(rank: Numbers) -> Numbers:
        none = np.maximum(1 - _ahead(process, rank, planned_before).sum(axis=0), 1e-9)
        result: Numbers = (1 - rank) * np.where(stage == NOTHING, none, 1.0)
        return result

    low = np.maximum(reached, process.rank_of(LEAST + 1)[stage])
    result: Numbers = process.profile.care * lasting(np.maximum(low, process.rank_of(LEAST_CARE + 1))) / lasting(low)
    return result
