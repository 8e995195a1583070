"""The features once more, in dictionaries and loops: slow, written from the definitions, and compared with the real ones.

Nothing here is shared with ``features/`` or with the history and the cut of ``validation/`` but the declarations: the
contract's tables, the code lists and the feature definitions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from features.definition import Feature
from features.measure import Aggregate, Composition, Measure, Operation, Whose
from validation.codes import codes
from validation.contract import Table
from validation.extract import ExtractRule
from validation.tables.catalogue import TABLES

Row = dict[str, Any]
DAY = timedelta(days=1)
NEVER, ALWAYS = date(9999, 1, 1), date(1, 1, 1)


@dataclass(frozen=True)
class Night:
    """What one extract held: rows as dictionaries of the kept columns."""

    day: date
    window_start: date
    tables: dict[str, list[Row]]
    rule: ExtractRule = ExtractRule.OVERLAPPING


@dataclass(frozen=True)
class Version:
    """A row as it was known from one day until the day before another."""

    row: Row
    since: date
    until: date

    def known(self, day: date) -> bool:
        return self.since <= day < self.until


def next_working_day(day: date) -> date:
    day += DAY
    while day.weekday() > 4:
        day += DAY
    return day


def add_years(day: date, years: int) -> date:
    """The birthday; children's birth dates are the first of a month, so the day is always there."""
    return day.replace(year=day.year + years)


def source_group(code: str | None) -> str | None:
    return codes("referral_source")[code].group if code else None


def flag(joined: str | None, name: str) -> bool | None:
    return None if joined is None else name in joined.split("|")


class Reference:
    """What was known of the children on any date, from the nights alone."""

    def __init__(self, nights: Sequence[Night], migration_stock: int = 100) -> None:
        self.migration_stock = migration_stock
        self.nights = nights
        self.versions: dict[str, list[Version]] = {}
        self.aged: dict[tuple[str, date], set[str]] = {}
        for name, table in TABLES.items():
            self.versions[name] = self._versions(table)
        self._memory: dict[Any, Any] = {}
        self.town = [self]

    @classmethod
    def of_town(cls, town: Sequence[Sequence[Night]], migration_stock: int) -> list["Reference"]:
        """One for each world of a town: a migration is told from everybody's episodes."""
        worlds = [cls(nights, migration_stock) for nights in town]
        for world in worlds:
            world.town = worlds
        return worlds

    # What was known.

    def _versions(self, table: Table) -> list[Version]:
        found: list[Version] = []
        standing: dict[str, tuple[Row, date]] = {}
        aged: set[str] = set()
        first = True
        for night in self.nights:
            rows = {row[table.key]: row for row in night.tables.get(table.name, [])}
            if not rows:
                continue
            for key, row in rows.items():
                if key in standing and standing[key][0] == row and key not in aged:
                    continue
                aged.discard(key)
                if key in standing:
                    found.append(Version(*standing[key], until=night.day))
                since = min(self._assumed(table, row, night.day), night.day) if first else night.day
                standing[key] = row, since
            for key in [key for key in standing if key not in rows and key not in aged]:
                row, since = standing[key]
                if not self._has_aged_out(table, row, night):
                    found.append(Version(*standing.pop(key), until=night.day))
                    continue
                aged.add(key)
                if table.ends and row[table.ends] is None:  # it ended some time before tonight, unseen
                    found.append(Version(row, since, until=night.day))
                    standing[key] = row | {table.ends: night.day}, night.day
            self.aged[table.name, night.day] = set(aged)
            first = False
        return found + [Version(row, since, NEVER) for row, since in standing.values()]

    def _assumed(self, table: Table, row: Row, night: date) -> date:
        """When a row of the first load is taken to have been known: on the day that it happened."""
        if table.happened is None:
            return ALWAYS
        if "." not in table.happened:
            return row[table.happened] or night
        parent, column = table.happened.split(".")
        reference = next(one.column for one in table.references if one.table == parent)
        key = TABLES[parent].key
        parents = [version for version in self.versions[parent] if version.row[key] == row[reference]]
        return min(parents, key=lambda version: version.since).row[column] or night if parents else night

    def _has_aged_out(self, table: Table, row: Row, night: Night) -> bool:
        """Has a row that is gone tonight left because the extract's rule no longer asks for it?"""
        dated = table.happened is not None and "." not in table.happened
        if table.happened is None and not table.references:
            return True
        for one in table.references:
            counts = table.happened is None or one.table != "ssd_person"
            if counts and row[one.column] in self.aged.get((one.table, night.day), ()):
                return True
        if not dated:
            return False
        if night.rule is ExtractRule.STARTED_OR_OPEN:
            return (row[table.happened] or NEVER) < night.window_start
        return (row[table.ends or table.happened] or NEVER) < night.window_start

    def shown(self, name: str, subjects: Iterable[str], as_of: date) -> list[Row]:
        """The rows of the children, with the values that they had and showed at the end of ``as_of``."""
        table = TABLES[name]
        if ("shown", name, as_of) not in self._memory:
            self._memory["shown", name, as_of] = self._shown(table, as_of)
        return [row for row in self._memory["shown", name, as_of] if row["subject"] in set(subjects)]

    def _shown(self, table: Table, as_of: date) -> list[Row]:
        result = []
        for version in self.versions[table.name]:
            if not version.known(as_of):
                continue
            row = dict(version.row)
            for column in table.kept:
                if column.revealed_by is not None:
                    day = version.row[column.revealed_by]
                    for _ in range(column.revealed_after_working_days):
                        day = day and next_working_day(day)
                    if day is None or day > as_of:
                        row[column.name] = None
            for parent in self._parents(table, row, as_of):
                if table.person is None:
                    happened = parent[table.happened.split(".")[1]]
                else:
                    happened = row[table.happened] if table.happened else ALWAYS
                if happened is not None and happened <= as_of:
                    result.append({**row, "happened": happened, "subject": parent["subject"]})
        return result

    def _parents(self, table: Table, row: Row, as_of: date) -> list[Row]:
        if table.person is not None:
            return [{"subject": row[table.person]}]
        parent = table.happened.split(".")[0]
        reference = next(one.column for one in table.references if one.table == parent)
        return [one for one in self._shown(TABLES[parent], as_of) if one[TABLES[parent].key] == row[reference]]

    # Who is who.

    def current(self, person: str, as_of: date) -> str:
        """The pseudonym that stands for a child, merges followed."""
        for _ in range(10):
            links = [
                (max(version.since, version.row["link_date"] or version.since), version.row["link_new_person_id"])
                for version in self.versions["ext_person_links"]
                if version.known(as_of) and version.row["link_old_person_id"] == person
                and (version.row["link_date"] or as_of) <= as_of and version.row["link_new_person_id"] != person
            ]  # fmt: skip
            if not links:
                return person
            person = max(links)[1]
        return person

    def records(self, person: str, as_of: date) -> set[str]:
        """The child's own pseudonym and those that were merged into it."""
        old = {version.row["link_old_person_id"] for version in self.versions["ext_person_links"]}
        return {person} | {one for one in old if self.current(one, as_of) == person}

    def was_seen(self, person: str, as_of: date) -> bool:
        """Had any dated row about the child been known by then?"""
        for name, table in TABLES.items():
            if table.person is None or table.happened is None or table.audit_only:
                continue
            for version in self.versions[name]:
                day = max(version.since, version.row[table.happened])
                if version.row[table.person] == person and day <= as_of and day < version.until:
                    return True
        return False

    def links(self, as_of: date) -> list[tuple[str, str]]:
        """Family and child of every family link known, of children who had been seen."""
        return [
            (version.row["fami_family_id"], version.row["fami_person_id"])
            for version in self.versions["ssd_family"]
            if version.known(as_of) and self.was_seen(version.row["fami_person_id"], as_of)
        ]

    def siblings(self, person: str, as_of: date) -> set[str]:
        """Brothers and sisters, each by the pseudonym that stands for it."""
        mine = self.records(person, as_of)
        known = [version.row for version in self.versions["ssd_family"] if version.known(as_of)]
        families = {row["fami_family_id"] for row in known if row["fami_person_id"] in mine}
        others = {self.current(row["fami_person_id"], as_of) for row in known if row["fami_family_id"] in families}
        seen = {one for one in others if any(self.was_seen(record, as_of) for record in self.records(one, as_of))}
        return {one for one in seen if not self.records(one, as_of) & mine}

    def family(self, person: str, as_of: date) -> str:
        """The name of the child's family: the smallest of all children and families that hang together."""
        edges = [(f"family {family}", child) for family, child in self.links(as_of)]
        edges += [
            (version.row["link_old_person_id"], version.row["link_new_person_id"])
            for version in self.versions["ext_person_links"]
            if version.known(as_of) and (version.row["link_date"] or as_of) <= as_of
        ]
        found = {person}
        while True:
            more = {node for edge in edges if found & set(edge) for node in edge} - found
            if not more:
                return min(found)
            found |= more

    # The mended episodes.

    def migration_days(self, as_of: date) -> set[date]:
        memory = self.town[0]._memory
        if ("migrations", as_of) not in memory:
            rows = [row for world in self.town for row in world._shown(TABLES["ssd_cin_episodes"], as_of)]
            seen = [(row["cine_referral_date"], self._closed_on(row)) for row in rows]
            found = set()
            for day in {start for start, _ in seen} | {end for _, end in seen if end}:
                stock = sum(start < day and (end is None or end >= day) for start, end in seen)
                most = max(sum(start == day for start, _ in seen), sum(end == day for _, end in seen))
                if stock >= self.migration_stock and most > 0.2 * stock:
                    found.add(day)
            memory["migrations", as_of] = found
        return memory["migrations", as_of]

    @staticmethod
    def _closed_on(row: Row) -> date | None:
        if row["cine_close_date"] is None and row["cine_referral_nfa"]:
            return next_working_day(row["cine_referral_date"])
        return row["cine_close_date"]

    def episodes(self, subjects: Iterable[str], as_of: date) -> list[Row]:
        """One child's episodes in order, each with the number of the case that it belongs to and that case's first day."""
        rows = self.shown("ssd_cin_episodes", subjects, as_of)
        for row in rows:
            row["closed_on"] = self._closed_on(row)
        # Of one day's referrals, what closed on the day itself comes first.
        rows.sort(
            key=lambda row: (row["cine_referral_date"], row["closed_on"] != row["cine_referral_date"], row["cine_referral_id"])
        )
        migrated = self.migration_days(as_of)
        case, last_closing = 0, None
        for row in rows:
            gap = None if last_closing is None else (row["cine_referral_date"] - last_closing).days
            moved = row["cine_referral_date"] in migrated
            row["continues"] = gap is not None and (gap in {0, 1} or moved)
            row["overlaps"] = gap is not None and gap < 0 and not moved
            case += not row["continues"]
            row["case"] = case
            last_closing = max(last_closing or ALWAYS, row["closed_on"] or NEVER)
        for row in rows:
            row["began_on"] = min(one["cine_referral_date"] for one in rows if one["case"] == row["case"])
        return rows

    @staticmethod
    def cases(episodes: list[Row]) -> list[Row]:
        """The mended cases: first day, day and reason of closing (empty while any part is open)."""
        result = []
        for number in sorted({row["case"] for row in episodes}):
            parts = [row for row in episodes if row["case"] == number]
            ends = [row["closed_on"] for row in parts]
            result.append({
                "case": number, "began_on": parts[0]["began_on"], "closed_on": None if None in ends else max(ends),
                "reason": parts[-1]["cine_close_reason"], "source": source_group(parts[0]["cine_referral_source_code"]),
                "ended_nfa": parts[0]["cine_referral_nfa"], "episodes": {row["cine_referral_id"] for row in parts},
            })  # fmt: skip
        return result

    # Cohort, features, outcomes.

    def cohort(self, as_of: date) -> list[Row]:
        """One row for each child with an open case, under 18 or unborn."""
        everyone = {version.row["cine_person_id"] for version in self.versions["ssd_cin_episodes"]}
        result = []
        for person in sorted({self.current(one, as_of) for one in everyone}):
            records = self.records(person, as_of)
            episodes = self.episodes(records, as_of)
            still_open = [row for row in episodes if row["closed_on"] is None]
            people = self.shown("ssd_person", records, as_of)
            births = [row["pers_dob"] for row in people if row["pers_dob"]]
            dob = max(births, default=None)
            grown = dob is not None and add_years(dob, 18) <= as_of
            dead = any(row["pers_death_date"] is not None for row in people)
            if still_open and not grown and not dead:
                case = still_open[-1]
                result.append({
                    "as_of": as_of, "person_id": person, "referral_id": case["cine_referral_id"],
                    "family_id": self.family(person, as_of), "referral_date": case["cine_referral_date"],
                    "began_on": case["began_on"], "overlaps": any(row["overlaps"] for row in episodes), "dob": dob,
                })  # fmt: skip
        return result

    def feature(self, feature: Feature, case: Row) -> float | None:
        """The value of one feature for a row of the cohort."""
        formula = feature.formula
        if not isinstance(formula, Composition):
            return self.measure(formula, case)
        left, right = self.measure(formula.left, case), self.measure(formula.right, case)
        if left is None or right is None:
            return None
        if formula.operation is Operation.DIFFERENCE:
            return left - right
        return left / right if right else None

    def measure(self, measure: Measure, case: Row) -> float | None:
        """The value of one aggregate of events."""
        key = "events", measure.stream.name, measure.whose, case["person_id"], case["as_of"]
        if key not in self._memory:
            self._memory[key] = self.events(measure.stream.name, measure.whose, case)
        first, last = case["as_of"] - timedelta(days=measure.within), case["as_of"] - timedelta(days=measure.until)
        counted = [
            event
            for event in self._memory[key]
            if first < event["happened"] <= last and all(event[column] in allowed for column, allowed in measure.where)
        ]
        return value_of(measure, counted, case["as_of"])

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

    def outcome(self, case: Row, window: int, closing_within: int | None) -> Row:
        """The outcome of a row of the cohort, from all that is known by the last night."""
        last = max(world.nights[-1].day for world in self.town)
        cases = self.cases(self.episodes(self.records(self.current(case["person_id"], last), last), last))
        own = next((one for one in cases if case["referral_id"] in one["episodes"]), None)
        closed_on = own and own["closed_on"]
        start = case["as_of"] if closing_within is None else closed_on
        end = start and start + timedelta(days=window)
        returned = end is not None and any(start < one["began_on"] <= end for one in cases if one is not own)
        adult_by = case["as_of"] + timedelta(days=window + (closing_within or 0))
        outside = None
        if case["dob"] is not None and add_years(case["dob"], 18) <= adult_by:
            outside = "turns 18 in the window"
        elif closing_within is not None and (closed_on is None or closed_on > case["as_of"] + timedelta(days=closing_within)):
            outside = "did not close in time"
        closed = closed_on is not None and end is not None and closed_on <= end
        exits = {"RC1": "adopted", "RC2": "died", "RC5": "moved to another authority"}
        left = exits.get(own["reason"]) if closed and not returned and outside is None else None
        return {"outcome": None if outside else returned, "outside": outside, "exit": left, "closed_in_window": closed}


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


def value_of(measure: Measure, counted: list[Row], as_of: date) -> float | None:
    """The aggregate of the events that a measure counts."""
    ages = [(as_of - event["happened"]).days for event in counted]
    known = [(event["happened"], event[measure.value]) for event in counted if measure.value and event[measure.value] is not None]
    values = [value for _, value in known]
    found = {
        Aggregate.COUNT: lambda: len(counted),
        Aggregate.ANY: lambda: bool(counted),
        Aggregate.OPEN_NOW: lambda: any(event["ended"] is None for event in counted),
        Aggregate.DISTINCT: lambda: len(set(values)),
        Aggregate.SUM: lambda: sum(values),
        Aggregate.DAYS_SINCE_LAST: lambda: min(ages, default=None),
        Aggregate.DAYS_SINCE_FIRST: lambda: max(ages, default=None),
        Aggregate.MAX: lambda: max(values, default=None),
        Aggregate.MEAN: lambda: sum(values) / len(values) if values else None,
        Aggregate.SHARE: lambda: sum(values) / len(values) if values else None,
        Aggregate.LATEST: lambda: max(known)[1] if known else None,
        Aggregate.TREND: lambda: slope([((day - as_of).days / 365, value) for day, value in known]),
    }
    return found[measure.aggregate]()


def slope(points: list[tuple[float, float]]) -> float | None:
    """Of the line that lies closest to the points; none where their days say less of it than two days 28 days apart."""
    if not points:
        return None
    middle, level = (sum(each) / len(points) for each in zip(*points, strict=True))
    rise = sum((day - middle) * (value - level) for day, value in points)
    spread = sum((day - middle) ** 2 for day, _ in points)
    return rise / spread if spread * 365**2 > 392 - 1e-6 else None
