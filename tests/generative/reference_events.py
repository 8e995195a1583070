"""The events that features count, stream by stream."""

from collections.abc import Callable, Mapping

from features.measure import Whose
from tests.generative.reference_episodes import Episodes, source_group
from tests.generative.reference_rows import Row, next_working_day


def flag(joined: str | None, name: str) -> bool | None:
    return None if joined is None else name in joined.split("|")


def days(row: Row, start: str, end: str) -> int | None:
    return (row[end] - row[start]).days if row[end] is not None else None


# The streams that are the rows of a table: the table, the date of an event, and its values.
ROWS: Mapping[str, tuple[str, str, Callable[[Row], Row]]] = {
    "contacts": ("ssd_contacts", "cont_contact_date", lambda row: {
        "source": source_group(row["cont_contact_source_code"]), "ended_nfa": flag(row["cont_contact_outcome_json"], "NFA"),
    }),
    "early help": ("ssd_early_help_episodes", "earl_episode_start_date", lambda row: {"ended": row["earl_episode_end_date"]}),
    "early help ended": ("ssd_early_help_episodes", "earl_episode_end_date", lambda row: {
        "days": days(row, "earl_episode_start_date", "earl_episode_end_date"),
    }),
    "assessments": ("ssd_cin_assessments", "cina_assessment_start_date", lambda row: {
        "ended": row["cina_assessment_auth_date"],
    }),
    "assessments finished": ("ssd_cin_assessments", "cina_assessment_auth_date", lambda row: {
        "ended_nfa": row["cina_assessment_outcome_nfa"], "child_seen": row["cina_assessment_child_seen"],
        "days": days(row, "cina_assessment_start_date", "cina_assessment_auth_date"),
    }),
    "child in need plans": ("ssd_cin_plans", "cinp_cin_plan_start_date", lambda row: {"ended": row["cinp_cin_plan_end_date"]}),
    "child in need plans ended": ("ssd_cin_plans", "cinp_cin_plan_end_date", lambda row: {
        "days": days(row, "cinp_cin_plan_start_date", "cinp_cin_plan_end_date"),
    }),
    "section 47": ("ssd_s47_enquiry", "s47e_s47_start_date", lambda row: {}),
    "section 47 ended": ("ssd_s47_enquiry", "s47e_s47_end_date", lambda row: {
        "ended_nfa": row["s47e_s47_nfa"], "days": days(row, "s47e_s47_start_date", "s47e_s47_end_date"),
    }),
    "conferences": ("ssd_initial_cp_conference", "icpc_icpc_date", lambda row: {"plan_made": row["icpc_icpc_outcome_cp_flag"]}),
    "protection plans": ("ssd_cp_plans", "cppl_cp_plan_start_date", lambda row: {
        "ended": row["cppl_cp_plan_end_date"], "category": row["cppl_cp_plan_initial_category"],
    }),
    "protection plans ended": ("ssd_cp_plans", "cppl_cp_plan_end_date", lambda row: {
        "days": days(row, "cppl_cp_plan_start_date", "cppl_cp_plan_end_date"),
    }),
    "care": ("ssd_cla_episodes", "clae_cla_episode_start_date", lambda row: {
        "ended": row["clae_cla_episode_ceased_date"], "start": row["clae_cla_episode_start_reason"],
    }),
    "care ended": ("ssd_cla_episodes", "clae_cla_episode_ceased_date", lambda row: {
        "days": days(row, "clae_cla_episode_start_date", "clae_cla_episode_ceased_date"),
    }),
    "missing": ("ssd_missing", "miss_missing_episode_start_date", lambda row: {
        "kind": row["miss_missing_episode_type"], "ended": row["miss_missing_episode_end_date"],
    }),
    "missing ended": ("ssd_missing", "miss_missing_episode_end_date", lambda row: {
        "days": days(row, "miss_missing_episode_start_date", "miss_missing_episode_end_date"),
    }),
    "offers": ("ext_offers", "offe_offered_date", lambda row: {"kind": row["offe_kind"]}),
    "offers answered": ("ext_offers", "offe_answered_date", lambda row: {
        "kind": row["offe_kind"], "answer": row["offe_answer"],
    }),
    "offers held": ("ext_offers", "offe_held_date", lambda row: {"kind": row["offe_kind"]}),
    "scalings": ("ext_assessments_sos", "asos_scaled_date", lambda row: {
        "scale": row["asos_scale"], "rater": row["asos_rater"], "danger_statements": row["asos_danger_statements"],
        "safety_goals": row["asos_safety_goals"], "strengths": row["asos_strengths"],
    }),
}  # fmt: skip


class Events(Episodes):
    """The events of a row of the cohort."""

    def events(self, stream: str, whose: Whose, case: Row) -> list[Row]:
        """The events that a feature counts; those without a day, or of a day to come, are none."""
        as_of = case["as_of"]
        mine = self.records(case["person_id"], as_of)
        children = {case["person_id"]} if whose is Whose.CHILD else self.siblings(case["person_id"], as_of)
        earlier = [one for one in self.cases(self.episodes(mine, as_of)) if one["began_on"] < case["began_on"]]
        if stream == "case":
            events = [self._case_now(case)]
        elif stream == "earlier referrals":
            events = [{"happened": one["began_on"], "source": one["source"]} for one in earlier]
        elif stream == "decisions on earlier referrals":
            events = [{"happened": next_working_day(one["began_on"]), "ended_nfa": one["ended_nfa"]} for one in earlier]
        elif stream == "closings of earlier cases":
            events = [
                {"happened": one["closed_on"], "reason": one["reason"], "days_open": days(one, "began_on", "closed_on")}
                for one in earlier
            ]
        elif stream == "referrals":
            everyones = [self.cases(self.episodes(self.records(child, as_of), as_of)) for child in children]
            events = [{"happened": one["began_on"], "source": one["source"]} for cases in everyones for one in cases]
        elif stream == "brothers and sisters":
            events = [{"happened": as_of} for _ in children]
        elif stream == "factors":
            subjects = {record for child in children for record in self.records(child, as_of)}
            events = [
                {"happened": row["happened"], "factor": factor}
                for row in self.shown("ssd_assessment_factors", subjects, as_of)
                for factor in row["cinf_assessment_factors_json"].split("|") if factor != "-"
            ]  # fmt: skip
        else:
            table, happened, values = ROWS[stream]  # a stream that the reference does not know must be written down here too
            subjects = {record for child in children for record in self.records(child, as_of)}
            rows = [row for row in self.shown(table, subjects, as_of) if not row.get("cppl_cp_plan_ola")]
            events = [{"happened": row[happened], **values(row)} for row in rows]
        return [event for event in events if event["happened"] is not None and event["happened"] <= as_of]

    def _case_now(self, case: Row) -> Row:
        as_of, dob = case["as_of"], case["dob"]
        subjects = self.records(case["person_id"], as_of)
        rows = self.shown("ssd_cin_episodes", subjects, as_of)
        code = next(row["cine_referral_source_code"] for row in rows if row["cine_referral_id"] == case["referral_id"])
        source = source_group(code)
        groups = {"police": "Police", "school": "Schools", "health": "Health services", "individual": "Individual"}
        groups["la"] = "LA services"
        return {
            "happened": as_of, "days_open": (as_of - case["began_on"]).days, "without_birth_date": dob is None,
            "age_months": None if dob is None else (as_of.year - dob.year) * 12 + as_of.month - dob.month,
            **{f"source_{name}": None if source is None else source == group for name, group in groups.items()},
        }  # fmt: skip
