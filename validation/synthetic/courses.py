"""What happens inside an episode: assessments and their factors, enquiries, conferences, plans, care."""

import numpy as np
import polars as pl

from validation.synthetic.process import CONFERENCE, ENQUIRY, IN_NEED, NO_FURTHER_ACTION, NOT_IN_NEED, PLAN, Process
from validation.synthetic.state import Episodes
from validation.synthetic.world import (
    NEVER,
    YEAR,
    Days,
    Families,
    Flags,
    Numbers,
    Places,
    census_year,
    choose,
    draw,
    frame,
    pseudonyms,
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
    "5A": (0.1, 0, 0, 0, 1.2), "5B": (0.2, 0.3, 0, 0, 0.2), "5C": (0.1, 0, 0, 0, 0.3),
    "6A": (0, 0, 0, 0, 1.2), "6B": (0.2, 0.1, 0, 0, 0), "6C": (0.1, 0, 0, 0, 0),
    "7A": (0.2, 0.1, 0.1, 0.1, 0), "8F": (0, 0, 0, 0, 0), "9A": (0, 0, 0, 0.2, 0),
    "10A": (0.1, 0.1, 0, 0.7, 0), "11A": (0.1, 0.1, 0, 0.7, 0), "12A": (0, 0, 0, 0.6, 0),
    "13A": (0.1, 0, 0.1, 0.75, 0), "14A": (0.1, 0.1, 0, 0.7, 0.1), "15A": (0.2, 0, 0, 0.5, 0.1),
    "16A": (0.3, 0.7, 0.1, 0, 0), "17A": (0.5, 0.3, 0.1, 0, 0), "18B": (0.2, 0, 0, 0.3, 0),
    "18C": (0.4, 0.1, 0.1, 0, 0), "19B": (0.1, 0.1, 0, 0.4, 0.1), "19C": (0.2, 0.2, 0, 0.2, 0),
    "20": (0, 0, 0, 0, 0), "22A": (0, 0, 0, 0, 0), "23A": (0.1, 0, 0, 0, 0), "24A": (0.1, 0, 0.2, 0.75, 0),
}  # fmt: skip
NOT_IN_NEED_FINDS, YOUNGER_FIND = 0.5, 3.0  # lower liability where the child is not in need, or under ten
LONG_CASES = 0.978  # a long case is assessed again and counts again, so a little less is found at first
TEENAGE = frozenset({"1A", "2A", "9A", "10A", "11A", "12A", "13A", "14A", "15A", "24A"})
UNDIVIDED = {"18B": "18A", "18C": "18A", "19B": "19A", "19C": "19A"}  # codes before the census of 2021
DIVIDED_FROM, CRIMINAL_EXPLOITATION_FROM = 2021, 2022
EARLY_HELP_CODES_FROM = 2023  # referral source 5D and closure reason RC9


def source_of_its_year(source: pl.Series, day: Days) -> pl.Series:
    """Sources of referrals or contacts of each day, by the codes of its year."""
    return choose((census_year(day) >= EARLY_HELP_CODES_FROM, source), (source == "5D", "5B"), otherwise=source)


class Courses:
    """The tables of everything that happens inside the episodes. Each method gives the frames it is named after.

    ``person`` holds the pseudonym of each child of the world, ``referral`` that of each episode. What hangs on an
    episode is told only if it closed on ``since`` or later; the same chances are drawn whatever ``since`` is.
    """

    def __init__(
        self, process: Process, families: Families, lives: Episodes, person: pl.Series, seed: int, since: int = -NEVER
    ) -> None:
        profile = self.profile = process.profile
        self.told = lives.close >= since
        self.seen = np.zeros(families.count, dtype=bool)  # children with a row in a table
        self.seen[lives.child] = True
        self.unrecorded = process.unrecorded(families)  # the share of what is found that is not written down, by child
        self.families = families
        self.lives = lives
        self.seed = seed
        self.person = person
        self.referral = pseudonyms(seed, "referral", lives.count)
        self.length = lives.close - lives.start
        self.plan, self.conference = lives.stage == PLAN, lives.stage >= CONFERENCE
        self.enquiry = lives.stage >= ENQUIRY
        source = draw(stream(seed, "sources"), profile.sources, int(lives.occasion.max()) + 1)[lives.occasion]
        self.source = source_of_its_year(source, lives.start)
        lasts = np.exp(stream(seed, "protection").normal(np.log(250), 0.7, size=lives.count)).astype(np.int64)
        self.plan_end = np.minimum(lives.met + np.maximum(lasts, 30), lives.close)
        self.plan_end = np.where(lives.close - self.plan_end < 40, lives.close, self.plan_end)

    def episodes(self) -> pl.DataFrame:
        """``ssd_cin_episodes``."""
        lives, rng = self.lives, stream(self.seed, "episodes")
        occasions = int(lives.occasion.max()) + 1
        need = draw(rng, self.profile.needs, occasions)[lives.occasion]
        disabled = self.families.disabled[lives.child] & (rng.random(lives.count) < self.profile.disability_is_need)
        idle = lives.kind == NO_FURTHER_ACTION
        old = (lives.reason == "RC9") & (census_year(lives.close) < EARLY_HELP_CODES_FROM)
        return frame(
            case_tables.EPISODES,
            cine_referral_id=self.referral,
            cine_person_id=self.person[lives.child],
            cine_referral_date=lives.start,
            cine_cin_primary_need_code=choose((idle, ""), (disabled, "N2"), otherwise=need),
            cine_referral_source_code=self.source,
            cine_referral_outcome_json=choose(
                (idle, "NFA"), (self.enquiry, "SINGLE_ASSESSMENT|STRATEGY_DISCUSSION"), otherwise="SINGLE_ASSESSMENT"
            ),
            cine_referral_nfa=idle,
            cine_close_reason=choose((old, "RC8"), otherwise=pl.Series(lives.reason.tolist(), dtype=pl.String)),
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
        end = np.minimum(np.concatenate([lives.assessed[first], working_days_after(begin, days)]), lives.close[episode])
        start = np.minimum(start, end)
        not_in_need = lives.kind[episode] == NOT_IN_NEED
        outcome = choose(
            (not_in_need & (lives.reason[episode] == "RC9"), "REFERRAL_TO_OTHER_AGENCY"),
            (not_in_need, "NFA"),
            (lives.care[episode] & ~later, "CLA_REQUEST|PROV_OF_SERVICES"),
            otherwise="PROV_OF_SERVICES",
        )
        key = pseudonyms(self.seed, "assessment", episode.size)
        told = self.told[episode]
        table = frame(
            case_tables.ASSESSMENTS,
            told,
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
            cinf_table_id=pseudonyms(self.seed, "factors", episode.size).filter(told),
            cinf_assessment_id=key.filter(told),
            cinf_assessment_factors_json=self._factors(rng, first, np.searchsorted(first, episode), end, told),
        )

    def _reassessed(self, rng: np.random.Generator) -> tuple[Places, Days]:
        """Long cases are assessed again, at most once a year; the chance is set by the published number."""
        lives = self.lives
        year = np.arange(5)
        begin = (lives.assessed[:, None] + 150 + 365 * year + rng.integers(0, 120, size=(lives.count, 5))).ravel()
        episode = np.repeat(np.arange(lives.count), 5)
        room = (lives.kind[episode] == IN_NEED) & (begin + 75 < lives.close[episode])
        taken = room & (rng.random(room.size) < self.profile.reassessed)
        return episode[taken], working_days_after(begin[taken], 0)

    def _factors(self, rng: np.random.Generator, first: Places, row: Places, day: Days, told: Flags) -> pl.Series:
        """The factors found at each assessment that is told, as sorted codes; shares are as published, whatever the mixture.

        ``first`` names the assessed episodes and ``row`` the place of each assessment's episode among them; all
        assessments of an episode find the same.
        """
        people, lives = self.families, self.lives
        child, family = lives.child[first], lives.family[first]
        teenage = (lives.assessed[first] - people.birth[child]) / YEAR >= 10
        drivers = np.stack(
            [people.adversity[family], people.neglect[family], people.substances[family], people.exploitation[child],
             people.disabled[child].astype(float)]
        )  # fmt: skip
        less, younger = NOT_IN_NEED_FINDS * (lives.kind[first] == NOT_IN_NEED), np.where(teenage, 0, YOUNGER_FIND)
        liability: dict[str, Numbers] = {}
        for code, loading in LOADINGS.items():
            spread = np.sqrt(max(1 - sum(weight**2 for weight in loading[:4]), 0.1))
            liability[code] = np.array(loading) @ drivers + spread * rng.standard_normal(child.size) - less
            if code in TEENAGE:
                liability[code] -= younger
        self.thresholds = self._thresholds(liability)
        self.found_first: dict[str, Flags] = {}  # by first assessment, before codes were merged as they were in their year
        found: dict[str, Flags] = {}
        old, recent = census_year(day[told]) < DIVIDED_FROM, census_year(day[told]) >= CRIMINAL_EXPLOITATION_FROM
        unrecorded = self.unrecorded[child][row]
        for code, values in liability.items():
            hit = (values > self.thresholds[code])[row]
            if unrecorded.any():
                hit &= rng.random(row.size) >= unrecorded
            self.found_first[code], hit = hit[: first.size], hit[told]
            if code in UNDIVIDED:
                found[UNDIVIDED[code]] = found.get(UNDIVIDED[code], np.zeros(hit.size, dtype=bool)) | (hit & old)
                hit = hit & ~old
            found[code] = hit & recent if code == "24A" else hit
        flags = pl.DataFrame(found)
        found_any = pl.any_horizontal(*flags.columns)
        codes = pl.concat_str(
            [pl.when(pl.col(code)).then(pl.lit(code)) for code in sorted(found)], separator="|", ignore_nulls=True
        )
        return flags.select(pl.when(found_any).then(codes).otherwise(pl.lit("21"))).to_series()

    def _thresholds(self, liability: dict[str, Numbers]) -> dict[str, float]:
        """Where each factor begins to be found, so that the shares of the episodes with any factor are as published."""
        any_found, thresholds = 0.85, dict.fromkeys(liability, 0.0)
        shares = {code: LONG_CASES * self.profile.factors[code] / 100 for code in liability}
        least = {code: int((1 - shares[code]) * (values.size - 1)) for code, values in liability.items() if values.size}
        highest = {code: np.sort(np.partition(liability[code], place)[place:]) for code, place in least.items()}
        for _ in range(4 if highest else 0):
            for code, values in highest.items():
                place = int((1 - any_found * shares[code]) * (liability[code].size - 1))
                thresholds[code] = float(values[place - least[code]])
            found = np.logical_or.reduce([values > thresholds[code] for code, values in liability.items()])
            any_found = float(found.mean())
        return thresholds

    def enquiries(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """``ssd_s47_enquiry``, ``ssd_initial_cp_conference`` and ``ssd_cp_plans``."""
        lives, rng = self.lives, stream(self.seed, "enquiries")
        which = np.flatnonzero(self.enquiry)
        called = self.conference[which]
        key = pseudonyms(self.seed, "s47", which.size)
        start = lives.enquired[which]
        ended = np.minimum(working_days_after(start, rng.integers(3, 15, size=which.size)), lives.close[which])
        goes_on = rng.random(which.size) < 0.6
        ended = np.where(called, np.minimum(ended, lives.met[which]), ended)
        told = (self.told | self.plan)[which]  # that a plan is not the child's first is told of earlier plans
        enquiries = frame(
            protection.S47,
            told,
            s47e_s47_enquiry_id=key,
            s47e_referral_id=self.referral[which],
            s47e_person_id=self.person[lives.child[which]],
            s47e_s47_start_date=start,
            s47e_s47_end_date=ended,
            s47e_s47_nfa=~called,
            s47e_s47_outcome_json=choose(
                (called, "CP_CONFERENCE"), (goes_on, "NFA_CONTINUE_SINGLE"), otherwise="PROV_OF_SERVICES"
            ),
        )
        held = which[called]
        made = self.plan[held]
        meeting = pseudonyms(self.seed, "conference", held.size)
        plan = pseudonyms(self.seed, "cp plan", held.size)
        conferences = frame(
            protection.CONFERENCES,
            told[called],
            icpc_icpc_id=meeting,
            icpc_s47_enquiry_id=key.filter(called),
            icpc_person_id=self.person[lives.child[held]],
            icpc_cp_plan_id=choose((made, plan), otherwise=""),
            icpc_referral_id=self.referral[held],
            icpc_icpc_transfer_in=np.zeros(held.size, dtype=bool),
            icpc_icpc_target_date=working_days_after(lives.enquired[held], 15),
            icpc_icpc_date=lives.met[held],
            icpc_icpc_outcome_cp_flag=made,
            icpc_icpc_outcome_json=choose((made, "CP"), otherwise="PROV_OF_SERVICES"),
        )
        planned = held[made]
        plans = frame(
            protection.CP_PLANS,
            cppl_cp_plan_id=plan.filter(made),
            cppl_referral_id=self.referral[planned],
            cppl_icpc_id=meeting.filter(made),
            cppl_person_id=self.person[lives.child[planned]],
            cppl_cp_plan_start_date=lives.met[planned],
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
        start = np.where(self.plan, self.plan_end + 1, lives.assessed + 1)
        which = np.flatnonzero((lives.kind == IN_NEED) & (lives.close - start > 7) & (self.plan | (self.length > 45)))
        return frame(
            case_tables.CIN_PLANS,
            self.told[which],
            cinp_cin_plan_id=pseudonyms(self.seed, "cin plan", which.size),
            cinp_referral_id=self.referral[which],
            cinp_person_id=self.person[lives.child[which]],
            cinp_cin_plan_start_date=start[which],
            cinp_cin_plan_end_date=lives.close[which],
        )

    def looked_after(self) -> pl.DataFrame:
        """``ssd_cla_episodes``: the start of care, and changes of placement and carer while it lasts."""
        lives, rng = self.lives, stream(self.seed, "care")
        which = np.flatnonzero(lives.care)
        start = np.minimum(lives.assessed[which] + rng.integers(0, 120, size=which.size), lives.close[which] - 30)
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
            self.told[which[row]],
            clae_cla_episode_id=pseudonyms(self.seed, "care episode", row.size),
            clae_person_id=self.person[lives.child[which[row]]],
            clae_cla_id=pseudonyms(self.seed, "care", which.size)[row],
            clae_referral_id=self.referral[which[row]],
            clae_cla_episode_start_date=begin,
            clae_cla_episode_start_reason=choose((number == 0, "S"), otherwise="P"),
            clae_cla_episode_ceased_date=np.where(last, end[row], begin + part),
            clae_entered_care_date=start[row],
        )
