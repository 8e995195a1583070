"""The features once more, in dictionaries and loops: slow, written from the definitions, and compared with the real ones.

It stands on the files beside it: ``reference_rows`` (what was known), ``reference_people``, ``reference_episodes``,
``reference_events`` and ``reference_values``. Nothing in them is shared with ``features/`` or with the history and the cut of
``validation/`` but the declarations: the contract's tables, the code lists and the feature definitions.
"""

from datetime import date, timedelta

from features.definition import Feature
from features.measure import Composition, Measure, Operation
from tests.generative.reference_events import Events
from tests.generative.reference_rows import Row
from tests.generative.reference_values import value_of


def add_years(day: date, years: int) -> date:
    """The birthday; children's birth dates are the first of a month, so the day is always there."""
    return day.replace(year=day.year + years)


class Reference(Events):
    """The cohort, its features and its outcomes."""

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
