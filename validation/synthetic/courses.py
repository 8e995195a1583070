"""What happens inside an episode: assessments and their factors, enquiries, conferences, plans, care."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from validation.synthetic.lives import IN_NEED, NO_FURTHER_ACTION, NOT_IN_NEED, Episodes
from validation.synthetic.world import (
    YEAR,
    Days,
    Families,
    Flags,
    Numbers,
    Places,
    Profile,
    census_year,
    draw,
    frame,
    pseudonyms,
    shared,
    stream,
    working_days_after,
)
from validation.tables import episodes as case_tables
from validation.tables import protection

# How strongly each factor follows what is true of the family or child: (adversity, neglect, substances,
# exploitation, disability of the child), the rest is chance. Factors found together share what they follow.
LOADINGS: dict[str, tuple[float, float, float, float, float]] = {
    "1A": (0.1, 0, 0.2, 0.5, 0), "1B": (0.3, 0.1, 0.6, 0, 0), "1C": (0.2, 0, 0.5, 0, 0),
    "2A": (0.1, 0, 0.3, 0.6, 0), "2B": (0.3, 0.2, 0.65, 0, 0), "2C": (0.2, 0, 0.5, 0.1, 0),
    "3A": (0.5, 0.1, 0.1, 0, 0), "3B": (0.55, 0.1, 0.2, 0, 0), "3C": (0.3, 0, 0.1, 0, 0),
    "4A": (0.2, 0, 0, 0.4, 0.3), "4B": (0.5, 0.2, 0.2, 0, 0), "4C": (0.3, 0, 0, 0, 0),
    "5A": (0.1, 0, 0, 0, 1.6), "5B": (0.2, 0.3, 0, 0, 0.2), "5C": (0.1, 0, 0, 0, 0.3),
    "6A": (0, 0, 0, 0, 1.6), "6B": (0.2, 0.1, 0, 0, 0), "6C": (0.1, 0, 0, 0, 0),
    "7A": (0.2, 0.1, 0.1, 0.1, 0), "8F": (0, 0, 0, 0, 0), "9A": (0, 0, 0, 0.2, 0),
    "10A": (0.1, 0.1, 0, 0.7, 0), "11A": (0.1, 0.1, 0, 0.7, 0), "12A": (0, 0, 0, 0.6, 0),
    "13A": (0.1, 0, 0.1, 0.75, 0), "14A": (0.1, 0.1, 0, 0.7, 0.1), "15A": (0.2, 0, 0, 0.5, 0.1),
    "16A": (0.3, 0.7, 0.1, 0, 0), "17A": (0.5, 0.3, 0.1, 0, 0), "18B": (0.2, 0, 0, 0.3, 0),
    "18C": (0.4, 0.1, 0.1, 0, 0), "19B": (0.1, 0.1, 0, 0.4, 0.1), "19C": (0.2, 0.2, 0, 0.2, 0),
    "20": (0, 0, 0, 0, 0), "22A": (0, 0, 0, 0, 0), "23A": (0.1, 0, 0, 0, 0), "24A": (0.1, 0, 0.2, 0.75, 0),
}  # fmt: skip
TEENAGE = frozenset({"1A", "2A", "9A", "10A", "11A", "12A", "13A", "14A", "15A", "24A"})
UNDIVIDED = {"18B": "18A", "18C": "18A", "19B": "19A", "19C": "19A"}  # codes before the census of 2021
DIVIDED_FROM, CRIMINAL_EXPLOITATION_FROM = 2021, 2022
EARLY_HELP_CODES_FROM = 2023  # referral source 5D and closure reason RC9


class Courses:
    """The tables of everything that happens inside the episodes. Each method gives the frames it is named after.

    ``person`` holds the pseudonym of each child of the world, ``referral`` that of each episode.
    """

    def __init__(self, profile: Profile, families: Families, lives: Episodes, person: NDArray[np.str_], seed: int) -> None:
        self.profile = profile
        self.families = families
        self.lives = lives
        self.seed = seed
        self.person = person
        self.referral = pseudonyms(seed, "referral", lives.count)
        self.length = lives.close - lives.start
        self._protect(stream(seed, "protection"))

    def _protect(self, rng: np.random.Generator) -> None:
        """Decide which episodes have an enquiry, a conference, a plan and care, so that the shares are as published."""
        lives, profile = self.lives, self.profile
        need = lives.kind == IN_NEED
        long_term = self.families.disabled[lives.child] & (self.length > 365)
        self.plan = _share(need & (self.length > 120) & ~long_term, profile.plans, shared(rng, lives.occasion, own=0.1))
        held = _share(need & (self.length > 60) & ~self.plan, profile.conferences - profile.plans, shared(rng, lives.occasion))
        self.conference = self.plan | held
        left = profile.enquiries - float(self.conference.mean() if need.size else 0)
        other = _share(need & ~self.conference & (self.length > 20), left, shared(rng, lives.occasion, own=0.1))
        self.enquiry = self.conference | other
        self.care = _share(need & (self.length > 300) & ~long_term, 0.053, shared(rng, lives.occasion, own=0.2))
        begun = lives.start + rng.exponential(6, size=lives.count).astype(np.int64)
        self.enquiry_start = np.minimum(working_days_after(begun, 0), lives.close)
        self.conference_day = working_days_after(self.enquiry_start, rng.integers(8, 17, size=lives.count))
        self.assessed = np.minimum(working_days_after(lives.start, lives.assessment_days + 1), lives.close)
        lasts = np.exp(rng.normal(np.log(250), 0.7, size=lives.count)).astype(np.int64)
        self.plan_end = np.minimum(self.conference_day + np.maximum(lasts, 30), lives.close)
        self.plan_end = np.where(lives.close - self.plan_end < 40, lives.close, self.plan_end)

    def episodes(self) -> pl.DataFrame:
        """``ssd_cin_episodes``."""
        lives, rng = self.lives, stream(self.seed, "episodes")
        occasions = int(lives.occasion.max()) + 1
        source = draw(rng, self.profile.sources, occasions)[lives.occasion]
        source = np.where((source == "5D") & (census_year(lives.start) < EARLY_HELP_CODES_FROM), "5B", source)
        need = draw(rng, self.profile.needs, occasions)[lives.occasion]
        disabled = self.families.disabled[lives.child] & (rng.random(lives.count) < 0.6)
        need = np.where(disabled, "N2", need)
        need = np.where(lives.kind == NO_FURTHER_ACTION, "", need)
        old = (lives.reason == "RC9") & (census_year(lives.close) < EARLY_HELP_CODES_FROM)
        outcome = np.where(self.enquiry, "SINGLE_ASSESSMENT|STRATEGY_DISCUSSION", "SINGLE_ASSESSMENT")
        return frame(
            case_tables.EPISODES,
            cine_referral_id=self.referral,
            cine_person_id=self.person[lives.child],
            cine_referral_date=lives.start,
            cine_cin_primary_need_code=need,
            cine_referral_source_code=source,
            cine_referral_outcome_json=np.where(lives.kind == NO_FURTHER_ACTION, "NFA", outcome),
            cine_referral_nfa=lives.kind == NO_FURTHER_ACTION,
            cine_close_reason=np.where(old, "RC8", lives.reason),
            cine_close_date=lives.close,
        )

    def assessments(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """``ssd_cin_assessments`` and ``ssd_assessment_factors``."""
        lives, rng = self.lives, stream(self.seed, "assessments")
        first = np.flatnonzero(lives.kind != NO_FURTHER_ACTION)
        again, begin = self._reassessed(rng)
        episode = np.concatenate([first, again])
        later = np.arange(episode.size) >= first.size
        start = np.concatenate([working_days_after(lives.start[first], rng.integers(0, 2, size=first.size)), begin])
        lower, middle, upper = self.profile.assessment_days
        days = np.interp(rng.random(again.size), (0, 0.25, 0.5, 0.75, 1), (2, lower, middle, upper, 60)).astype(np.int64)
        end = np.concatenate([self.assessed[first], working_days_after(begin, days)])
        start = np.minimum(start, end)
        not_in_need = lives.kind[episode] == NOT_IN_NEED
        outcome = np.select(
            [not_in_need & (lives.reason[episode] == "RC9"), not_in_need, self.care[episode] & ~later],
            ["REFERRAL_TO_OTHER_AGENCY", "NFA", "CLA_REQUEST|PROV_OF_SERVICES"],
            "PROV_OF_SERVICES",
        )
        key = pseudonyms(self.seed, "assessment", episode.size)
        table = frame(
            case_tables.ASSESSMENTS,
            cina_assessment_id=key,
            cina_person_id=self.person[lives.child[episode]],
            cina_referral_id=self.referral[episode],
            cina_assessment_start_date=start,
            cina_assessment_child_seen=rng.random(episode.size) < 0.97,
            cina_assessment_auth_date=end,
            cina_assessment_outcome_json=outcome,
            cina_assessment_outcome_nfa=not_in_need,
        )
        return table, frame(
            case_tables.FACTORS,
            cinf_table_id=pseudonyms(self.seed, "factors", episode.size),
            cinf_assessment_id=key,
            cinf_assessment_factors_json=self._factors(rng, lives.child[episode], end),
        )

    def _reassessed(self, rng: np.random.Generator) -> tuple[Places, Days]:
        """Long cases are assessed again, at most once a year; the chance is set by the published number."""
        lives = self.lives
        year = np.arange(5)
        begin = (self.assessed[:, None] + 150 + 365 * year + rng.integers(0, 120, size=(lives.count, 5))).ravel()
        episode = np.repeat(np.arange(lives.count), 5)
        room = (lives.kind[episode] == IN_NEED) & (begin + 75 < lives.close[episode])
        wanted = self.profile.assessments * lives.count - float((lives.kind != NO_FURTHER_ACTION).sum())
        taken = room & (rng.random(room.size) < wanted / max(int(room.sum()), 1))
        return episode[taken], working_days_after(begin[taken], 0)

    def _factors(self, rng: np.random.Generator, child: Places, day: Days) -> list[str]:
        """The factors found at each assessment, as sorted codes; shares are as published, whatever the mixture."""
        people = self.families
        year = census_year(day)
        teenage = (day - people.birth[child]) / YEAR >= 10
        drivers = np.stack(
            [people.adversity, people.neglect, people.substances, people.exploitation, people.disabled.astype(float)]
        )[:, child]
        found: dict[str, Flags] = {}
        for code, loading in LOADINGS.items():
            spread = np.sqrt(max(1 - sum(weight**2 for weight in loading[:4]), 0.1))
            liability = np.array(loading) @ drivers + spread * rng.standard_normal(child.size)
            if code in TEENAGE:
                liability = np.where(teenage, liability, liability - 3)
            threshold = np.quantile(liability, 1 - self.profile.factors[code] / 100) if child.size else 0.0
            hit = liability > threshold
            if code in UNDIVIDED:
                old = year < DIVIDED_FROM
                found[UNDIVIDED[code]] = found.get(UNDIVIDED[code], np.zeros(child.size, dtype=bool)) | (hit & old)
                hit = hit & ~old
            found[code] = hit & (year >= CRIMINAL_EXPLOITATION_FROM) if code == "24A" else hit
        flags = pl.DataFrame(found)
        found_any = pl.any_horizontal(*flags.columns)
        codes = pl.concat_str(
            [pl.when(pl.col(code)).then(pl.lit(code)) for code in sorted(found)], separator="|", ignore_nulls=True
        )
        return flags.select(pl.when(found_any).then(codes).otherwise(pl.lit("21")))["literal"].to_list()

    def enquiries(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """``ssd_s47_enquiry``, ``ssd_initial_cp_conference`` and ``ssd_cp_plans``."""
        lives, rng = self.lives, stream(self.seed, "enquiries")
        which = np.flatnonzero(self.enquiry)
        called = self.conference[which]
        key = pseudonyms(self.seed, "s47", which.size)
        start = self.enquiry_start[which]
        ended = np.minimum(working_days_after(start, rng.integers(3, 15, size=which.size)), lives.close[which])
        carried_on = np.where(rng.random(which.size) < 0.6, "NFA_CONTINUE_SINGLE", "PROV_OF_SERVICES")
        ended = np.where(called, np.minimum(ended, self.conference_day[which]), ended)
        enquiries = frame(
            protection.S47,
            s47e_s47_enquiry_id=key,
            s47e_referral_id=self.referral[which],
            s47e_person_id=self.person[lives.child[which]],
            s47e_s47_start_date=start,
            s47e_s47_end_date=ended,
            s47e_s47_nfa=~called,
            s47e_s47_outcome_json=np.where(called, "CP_CONFERENCE", carried_on),
        )
        held = which[called]
        made = self.plan[held]
        meeting = pseudonyms(self.seed, "conference", held.size)
        plan = pseudonyms(self.seed, "cp plan", held.size)
        conferences = frame(
            protection.CONFERENCES,
            icpc_icpc_id=meeting,
            icpc_s47_enquiry_id=key[called],
            icpc_person_id=self.person[lives.child[held]],
            icpc_cp_plan_id=np.where(made, plan, ""),
            icpc_referral_id=self.referral[held],
            icpc_icpc_transfer_in=np.zeros(held.size, dtype=bool),
            icpc_icpc_target_date=working_days_after(self.enquiry_start[held], 15),
            icpc_icpc_date=self.conference_day[held],
            icpc_icpc_outcome_cp_flag=made,
            icpc_icpc_outcome_json=np.where(made, "CP", "PROV_OF_SERVICES"),
        )
        planned = held[made]
        plans = frame(
            protection.CP_PLANS,
            cppl_cp_plan_id=plan[made],
            cppl_referral_id=self.referral[planned],
            cppl_icpc_id=meeting[made],
            cppl_person_id=self.person[lives.child[planned]],
            cppl_cp_plan_start_date=self.conference_day[planned],
            cppl_cp_plan_end_date=self.plan_end[planned],
            cppl_cp_plan_ola=np.zeros(planned.size, dtype=bool),
            cppl_cp_plan_initial_category=draw(rng, self.profile.categories, int(lives.occasion.max()) + 1)[
                lives.occasion[planned]
            ],
        )
        return enquiries, conferences, plans

    def plans(self) -> pl.DataFrame:
        """``ssd_cin_plans``: from the end of the assessment, or from the end of the protection plan, to the closing."""
        lives = self.lives
        start = np.where(self.plan, self.plan_end + 1, self.assessed + 1)
        which = np.flatnonzero((lives.kind == IN_NEED) & (lives.close - start > 7) & (self.plan | (self.length > 45)))
        return frame(
            case_tables.CIN_PLANS,
            cinp_cin_plan_id=pseudonyms(self.seed, "cin plan", which.size),
            cinp_referral_id=self.referral[which],
            cinp_person_id=self.person[lives.child[which]],
            cinp_cin_plan_start_date=start[which],
            cinp_cin_plan_end_date=lives.close[which],
        )

    def looked_after(self) -> pl.DataFrame:
        """``ssd_cla_episodes``: the start of care, and changes of placement and carer while it lasts."""
        lives, rng = self.lives, stream(self.seed, "care")
        which = np.flatnonzero(self.care)
        start = np.minimum(self.assessed[which] + rng.integers(0, 120, size=which.size), lives.close[which] - 30)
        stays = rng.random(which.size) < 0.7
        end = np.where(stays, lives.close[which], np.maximum(start + 7, (start + lives.close[which]) // 2))
        moves = np.minimum(rng.poisson((end - start) / (1.5 * YEAR)), 4)
        row = np.repeat(np.arange(which.size), moves + 1)
        number = np.arange(row.size) - (np.cumsum(moves + 1) - (moves + 1))[row]
        part = (end - start)[row] // (moves[row] + 1)
        begin = start[row] + part * number
        last = number == moves[row]
        return frame(
            protection.CLA_EPISODES,
            clae_cla_episode_id=pseudonyms(self.seed, "care episode", row.size),
            clae_person_id=self.person[lives.child[which[row]]],
            clae_cla_id=pseudonyms(self.seed, "care", which.size)[row],
            clae_referral_id=self.referral[which[row]],
            clae_cla_episode_start_date=begin,
            clae_cla_episode_start_reason=np.where(number == 0, "S", "P"),
            clae_cla_episode_ceased_date=np.where(last, end[row], begin + part),
            clae_entered_care_date=start[row],
        )


def _share(eligible: Flags, share: float, uniform: Numbers) -> Flags:
    """Flag so many of the eligible entries that they are ``share`` of all."""
    if not eligible.any():
        return eligible
    return eligible & (uniform < share * eligible.size / int(eligible.sum()))
