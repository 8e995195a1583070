"""The statutory measures against a slow reference in plain Python, on random records crowded around the edges of a year."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.unit.contract_rows import rows
from validation.returns.counting import count_measures

FIRST, LAST = date(2024, 4, 1), date(2025, 3, 31)
EDGES = [date(2023, 4, 1), FIRST, date(2024, 9, 30), date(2024, 12, 31), LAST]
COUNTED = ("referrals", "children_referred", "re_referrals", "children_re_referred", "referrals_no_further_action",
           "referrals_not_in_need", "episodes_of_need", "children_in_need", "episodes_of_need_started",
           "children_in_need_started", "episodes_of_need_ended", "children_in_need_ended", "children_in_need_31_march",
           "plans", "plans_started",
           "plans_second_or_later", "plans_ended", "plans_31_march")  # fmt: skip


def day_near_an_edge(rng: np.random.Generator) -> date:
    return EDGES[int(rng.integers(len(EDGES)))] + timedelta(days=int(rng.integers(-3, 4)))


def draw(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Episodes and plans of a few children, many of them on the first or last days of something."""
    rng = np.random.default_rng(seed)
    episodes, plans = [], []
    for number in range(40):
        begun, other = day_near_an_edge(rng), day_near_an_edge(rng)
        begun, end = min(begun, other), max(begun, other)
        child = f"c{rng.integers(12)}"
        is_open = rng.random() < 0.3
        episodes.append({
            "cine_referral_id": f"e{number}", "cine_person_id": child, "cine_referral_date": begun,
            "cine_referral_nfa": bool(rng.random() < 0.2), "cine_close_date": None if is_open else end,
            "cine_close_reason": None if is_open else str(rng.choice(["RC7", "RC8", "RC9", "RC5"])),
        })  # fmt: skip
        plans.append({
            "cppl_cp_plan_id": f"p{number:02}", "cppl_person_id": child, "cppl_cp_plan_start_date": begun,
            "cppl_cp_plan_end_date": None if is_open else end, "cppl_cp_plan_ola": [None, False, True][int(rng.integers(3))],
        })  # fmt: skip
    return episodes, plans


def reckon(episodes: list[dict[str, Any]], plans: list[dict[str, Any]]) -> Counter[str]:
    """The counts as one would make them with a pencil."""
    found: Counter[str] = Counter()
    children: dict[str, set[str]] = {}
    chosen: dict[tuple[str, date], dict[str, Any]] = {}
    for row in episodes:
        if row["cine_referral_date"] <= LAST:
            seen = row | {"end": row["cine_close_date"] if row["cine_close_date"] and row["cine_close_date"] <= LAST else None}
            seen["reason"] = row["cine_close_reason"] if seen["end"] else None
            key = (row["cine_person_id"], row["cine_referral_date"])
            chosen[key] = min(chosen[key], seen, key=_rank) if key in chosen else seen
    for (child, day), row in chosen.items():
        in_year = FIRST <= day <= LAST
        again = any(other == child and 0 < (day - before).days <= 365 for other, before in chosen)
        excluded = row["cine_referral_nfa"] or row["reason"] in {"RC8", "RC9"}
        need = not excluded and (row["end"] is None or row["end"] >= FIRST)
        true = {
            "referrals": in_year,
            "re_referrals": in_year and again,
            "referrals_no_further_action": in_year and row["cine_referral_nfa"],
            "referrals_not_in_need": in_year and not row["cine_referral_nfa"] and row["reason"] in {"RC8", "RC9"},
            "episodes_of_need": need,
            "episodes_of_need_started": need and in_year,
            "episodes_of_need_ended": need and row["end"] is not None,
            "children_in_need_31_march": need and row["end"] is None,
        }
        for name, is_so in true.items():
            found[name] += is_so
            if is_so:
                children.setdefault(name, set()).add(child)
    of = {"children_referred": "referrals", "children_re_referred": "re_referrals", "children_in_need": "episodes_of_need",
          "children_in_need_started": "episodes_of_need_started", "children_in_need_ended": "episodes_of_need_ended"}  # fmt: skip
    for name, counted in of.items():
        found[name] = len(children.get(counted, ()))
    return found + _reckon_plans(plans)


def _rank(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["cine_referral_nfa"], row["end"] is not None, row["end"] or LAST, row["reason"] or "")


def _reckon_plans(plans: list[dict[str, Any]]) -> Counter[str]:
    found: Counter[str] = Counter()
    before: Counter[str] = Counter()
    own = [row for row in plans if not row["cppl_cp_plan_ola"] and row["cppl_cp_plan_start_date"] <= LAST]
    for row in sorted(own, key=lambda row: (row["cppl_person_id"], row["cppl_cp_plan_start_date"], row["cppl_cp_plan_id"])):
        begun, end = row["cppl_cp_plan_start_date"], row["cppl_cp_plan_end_date"]
        is_open = end is None or end > LAST
        later = before[row["cppl_person_id"]] > 0
        before[row["cppl_person_id"]] += 1
        if not is_open and end < FIRST:
            continue
        found["plans"] += 1
        found["plans_started"] += begun >= FIRST
        found["plans_second_or_later"] += begun >= FIRST and later
        found["plans_31_march" if is_open else "plans_ended"] += 1
    return found


@pytest.mark.parametrize("seed", range(40))
def test_every_count_is_the_one_reckoned_by_hand(seed: int) -> None:
    episodes, plans = draw(seed)
    people = [{"pers_person_id": f"c{number}", "pers_dob": date(2015, 1, 1)} for number in range(12)]
    tables = {"ssd_person": rows("ssd_person", people), "ssd_cin_episodes": rows("ssd_cin_episodes", episodes),
              "ssd_cp_plans": rows("ssd_cp_plans", plans)}  # fmt: skip
    lines = count_measures(tables, 2025).filter(breakdown="all")
    ours = dict(lines.filter(pl.col("measure").is_in(COUNTED)).select("measure", "count").iter_rows())
    expected = reckon(episodes, plans)
    assert ours == {name: expected[name] for name in COUNTED}


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_the_rows_does_not_matter(seed: int) -> None:
    episodes, plans = draw(seed)
    tables = {"ssd_cin_episodes": rows("ssd_cin_episodes", episodes), "ssd_cp_plans": rows("ssd_cp_plans", plans)}
    turned = {name: table.reverse() for name, table in tables.items()}
    assert count_measures(tables, 2025).equals(count_measures(turned, 2025))
