"""An invented night, drawn family by family, for tests of what readers open."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from flows.publish.approval import Approval
from flows.publish.night_list import (
    CASES,
    EVENTS,
    FAMILIES,
    REASONS,
    SIDES,
    Counts,
    NightList,
    ShownKind,
)
from models.places import Standing

AS_OF = date(2026, 11, 24)
FGC, EARLY_HELP = "FGC", "EH"
KINDS = (ShownKind(FGC, "Family Group Conference", 2, 0), ShownKind(EARLY_HELP, "Restorative early help", 2, 1))
THIN = "the history on record reaches back less than two years"


def pseudonym(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def family(standing: str, *chances: float | None, kind: str | None = None, **different: Any) -> dict[str, Any]:
    """A family as drawn: its standing, the chance of each child (``None`` is abstained), and what differs from the ordinary."""
    return {"standing": Standing(standing), "chances": chances, "kind": kind, **different}


def example(
    families: Mapping[str, Mapping[str, Any]], *, reasons: Sequence[tuple[str, str]] | None = None, **different: Any
) -> NightList:
    """A night of the ``families`` by name, in the order drawn.

    Children are called like the family with a number ("ash0"); each scored child has the ``reasons`` (side and words; by
    default one on each side, in which "{child}" is its name). ``different`` replaces fields of the list.
    """
    told = reasons or [(side, f"{side} of {{child}}") for side in SIDES]
    drawn = [(name, f"{name}{n}", chance) for name, of in families.items() for n, chance in enumerate(of["chances"])]
    cases = pl.DataFrame([_case(name, child, chance) for name, child, chance in drawn], schema=CASES)
    rows = [
        (AS_OF, pseudonym(child), pseudonym("case " + child), f"f{n}", "contacts", 0.5 - n / 10, 3.0, side,
         words.format(child=child), sum(before == side for before, _ in told[: n + 1]))
        for _, child, chance in drawn if chance is not None for n, (side, words) in enumerate(told)
    ]  # fmt: skip
    events = pl.DataFrame(
        [row for name, of in families.items() for row in _events(name, len(of["chances"]))], schema=EVENTS, orient="row"
    )
    scored = cases["chance"].count()
    given: dict[str, Any] = {
        "as_of": AS_OF,
        "authority": "Borough of Example",
        "outcome": "a new referral within 12 months",
        "outcome_version": "new_referral_within_12_months, version 1",
        "model": "glass box",
        "model_version": "7",
        "approval": Approval("Head of service", date(2026, 10, 1), date(2027, 4, 1), "none"),
        "average": 0.15,
        "demonstration": False,
        "invented": False,
        "extract_date": AS_OF,
        "kinds": KINDS,
        "next_families": 20,
        "most_days_listed": 42,
        "shuffle_seed": 3,
        "families": pl.DataFrame([_family(n, name, of) for n, (name, of) in enumerate(families.items())], schema=FAMILIES),
        "cases": cases,
        "reasons": pl.DataFrame(rows, schema=REASONS, orient="row"),
        "events": events,
        "counts": Counts(cases.height, scored, {THIN: cases.height - scored} if cases.height > scored else {}, set_aside=4),
        "stale_after_days": 7,
    }
    return NightList(**(given | different))


def _family(place: int, name: str, of: Mapping[str, Any]) -> dict[str, Any]:
    best = max((chance for chance in of["chances"] if chance is not None), default=None)
    ordered = best is not None and of["standing"] is not Standing.STATUTORY
    listed = of["standing"] in (Standing.PLACE, Standing.RENEW)
    return {
        "family_id": pseudonym(name),
        "children": sorted(pseudonym(f"{name}{n}") for n in range(len(of["chances"]))),
        "order": place + 1 if ordered else None,
        "chance": best,
        "chance_low": None if best is None else best * 0.5,
        "chance_high": None if best is None else min(1.0, best * 1.2),
        "chance_after_quiet_year": None if best is None else best * 0.6,
        "share_of_models": None if best is None else 0.87,
        "models": None if best is None else 16,
        "cases_abstained": sum(chance is None for chance in of["chances"]),
        "standing": of["standing"],
        "kind": of["kind"],
        "kinds": of.get("kinds", [of["kind"]] if of["kind"] else []),
        "why_not": of.get("why_not", []),
        "listed_since": of.get("listed_since", AS_OF if listed else None),
        "tie_band": of.get("tie_band", False),
        "slot_chance": of.get("slot_chance", float(listed)),
        "shuffle_seed": 3,
    }


def _case(name: str, child: str, chance: float | None) -> dict[str, Any]:
    return {
        "as_of": AS_OF,
        "person_id": pseudonym(child),
        "referral_id": pseudonym("case " + child),
        "family_id": pseudonym(name),
        "chance": chance,
        "abstained": chance is None,
        "reason_for_abstaining": THIN if chance is None else None,
        "days_open": 41,
        "chance_low": None if chance is None else chance * 0.5,
        "chance_high": None if chance is None else min(1.0, chance * 1.2),
        "chance_after_quiet_year": None if chance is None else chance * 0.6,
        "age_band": "5 to 9",
        "stage": "child in need plan",
        "safety_scale": 4 if child.endswith("0") else None,
        "safety_scaled_on": AS_OF - timedelta(days=20) if child.endswith("0") else None,
        "safety_rater": "family" if child.endswith("0") else None,
    }


def _events(name: str, children: int) -> list[tuple[str, str, date, date | None]]:
    return [
        (pseudonym(f"{name}{n}"), what, AS_OF - timedelta(days=begins), None if ends is None else AS_OF - timedelta(days=ends))
        for n in range(children)
        for what, begins, ends in (
            ("contact", 400, 400),
            ("referral", 390, 250),
            ("assessment", 385, 340),
            ("contact", 60, 60),
            ("referral", 41, None),
            ("plan", 30, None),
            ("offer", 300, 300),
        )
    ]


NIGHT = example(
    {
        "ash": family("place", 0.62, 0.2, kind=FGC, kinds=[FGC, EARLY_HELP]),
        "birch": family("place", 0.41, None, kind=FGC, listed_since=AS_OF - timedelta(days=3)),
        "cedar": family("place", 0.38, kind=EARLY_HELP, tie_band=True, slot_chance=0.5),
        "elm": family("waiting", 0.38, kinds=[EARLY_HELP], tie_band=True, slot_chance=0.5),
        "fir": family("renew", 0.3, kind=EARLY_HELP, listed_since=AS_OF - timedelta(days=42)),
        "hazel": family("statutory", 0.7),
        "oak": family("not eligible", 0.5, why_not=["An offer is running."]),
        "yew": family("not scored", None),
    }
)
