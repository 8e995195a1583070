"""Episodes of need as they are mended: closings, days of a migration, and the cases that episodes make up."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Self

from tests.generative.reference_people import People
from tests.generative.reference_rows import ALWAYS, NEVER, Night, Row, next_working_day
from validation.codes import codes
from validation.tables.catalogue import TABLES


def source_group(code: str | None) -> str | None:
    return codes("referral_source")[code].group if code else None


class Episodes(People):
    """The children's episodes and cases; a migration is told from everybody's in the town."""

    def __init__(self, nights: Sequence[Night], migration_stock: int = 100) -> None:
        super().__init__(nights)
        self.migration_stock = migration_stock
        self.town = [self]

    @classmethod
    def of_town(cls, town: Sequence[Sequence[Night]], migration_stock: int) -> list[Self]:
        """One for each world of a town: a migration is told from everybody's episodes."""
        worlds = [cls(nights, migration_stock) for nights in town]
        for world in worlds:
            world.town = worlds
        return worlds

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
