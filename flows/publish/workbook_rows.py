"""The rows of the workbook: families, children and reasons in the words that readers see, as frames of text and numbers."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import polars as pl

from features.circumstances import AGE_BANDS, AGES
from flows.publish.chance_words import after_a_quiet_year, by_other_models, in_a_range, in_ten, in_words, number
from flows.publish.night_list import NONE_RECORDED, SHOWN_REASONS, STRENGTH, UNKNOWN, WORRY, NightList, furthest_stages
from models.places import Standing

CASE_NUMBERS = "Case numbers"
ANSWERS = {"Decision": 18, "Offer": 25, "Reason": 30, "Role": 25, "Decided on": 14}
KEYS = ("Family id", "Night", "Authority", "List")
"""Hidden columns by which a workbook that comes back is known: "List" changes with every word that the list shows."""

TOLD = {
    "What to offer": 17,
    "Family reference": 11,
    "Children": 18,
    "Chance in words": 13,
    "How sure, and what would change it": 24,
    "What we are worried about": 32,
    "What is working well": 28,
    "Not known": 18,
    "Note": 18,
}
COLUMNS = (*TOLD, *ANSWERS, *KEYS)
"""The columns of the sheet "Families" in order; the identified copy has ``CASE_NUMBERS`` after "Family reference"."""

BY_LAW = "Offer by law, not in order"
CONTROL = r"[\x00-\x09\x0b-\x1f\x7f]+"
LONGEST = 32_000
"""Characters; a cell holds little more."""

MUCH, SOME = 1.5, 1.2
"""Factors of the odds from which a reason counts much, or some."""

_CASE = ["person_id", "referral_id"]


def families(night: NightList) -> pl.DataFrame:
    """The families that the workbook shows: with a place, waiting, to be renewed, and at the end those with an offer by law."""
    return pl.concat([night.shown, night.apart(Standing.RENEW), night.apart(Standing.STATUTORY)])


def family_rows(night: NightList, case_numbers: Mapping[str, str] | None = None) -> pl.DataFrame:
    """One row of text for each family, columns as in ``COLUMNS``; answers are empty.

    ``case_numbers`` (by person id, of every child of these families) adds the column ``CASE_NUMBERS``.
    """
    words, shown = _FamilyWords(night), families(night)
    told = pl.DataFrame(
        [words.tell(row) for row in shown.iter_rows(named=True)], schema=dict.fromkeys(TOLD, pl.String()), orient="row"
    ).select(_clean(name) for name in TOLD)
    fingerprint = sha256(told.with_columns(shown["family_id"]).write_csv().encode()).hexdigest()[:16]
    keys = (shown["family_id"], night.as_of.isoformat(), clean(night.authority), fingerprint)
    rows = told.with_columns(
        *(pl.lit(None, pl.String).alias(name) for name in ANSWERS),
        *(pl.lit(value).alias(name) for name, value in zip(KEYS, keys, strict=True)),
    )
    if case_numbers is None:
        return rows
    by_chance = _cases(night).group_by("family_id").agg(pl.col("person_id").unique(maintain_order=True))
    children = shown.select("family_id").join(by_chance, on="family_id", how="left", maintain_order="left")["person_id"]
    numbers = ["\n".join(case_numbers[child] for child in each) for each in children]
    place = list(TOLD).index("Family reference") + 1
    return rows.insert_column(place, pl.Series(CASE_NUMBERS, numbers, dtype=pl.String)).with_columns(_clean(CASE_NUMBERS))


def child_rows(night: NightList, case_numbers: Mapping[str, str] | None = None) -> pl.DataFrame:
    """One row for each open case of those families. Chances are left out where an offer by law is due: no order is meant."""
    cases = _cases(night).join(_sides(night), on=_CASE, how="left", maintain_order="left")
    rows = cases.select(
        pl.col("family_id").replace_strict(night.references).alias("Family reference"),
        pl.col("person_id").replace_strict(night.references).alias("Child reference"),
        pl.col("age_band").alias("Age"),
        pl.col("chance").round(2).alias("Chance (0 to 1)"),
        _each(
            "Chance in words",
            (_capital(in_ten(c["chance"])) if c["chance"] is not None else None for c in cases.iter_rows(named=True)),
        ),
        _each("How sure, and what would change it", (_doubts(c) for c in cases.iter_rows(named=True))),
        pl.col("days_open").alias("Days open"),
        pl.col("stage").alias("Stage"),
        pl.col("safety_scale").alias("Signs of Safety scale (0 to 10)"),
        _each("Scaled by and on", (_scaled(c) for c in cases.iter_rows(named=True))),
        pl.col(WORRY).alias("What we are worried about"),
        pl.col(STRENGTH).alias("What is working well"),
        pl.col(UNKNOWN).alias("Not known"),
        _each("Note", (_why_no_chance(c) for c in cases.iter_rows(named=True))),
    )
    if case_numbers is not None:
        rows.insert_column(2, pl.Series(CASE_NUMBERS, [case_numbers[child] for child in cases["person_id"]], dtype=pl.String))
    return rows.with_columns(_clean(name) for name, dtype in rows.schema.items() if dtype == pl.String)


def reason_rows(night: NightList) -> pl.DataFrame:
    """Every reason of the cases that have a chance in the workbook, by case, the weightiest first."""
    rows = (
        _cases(night)
        .filter(pl.col("chance").is_not_null())
        .select(*_CASE, "family_id")
        .join(night.reasons.sort("rank", "feature"), on=_CASE, maintain_order="left_right")
        .select(
            pl.col("family_id").replace_strict(night.references).alias("Family reference"),
            pl.col("person_id").replace_strict(night.references).alias("Child reference"),
            pl.col("side").alias("Side"),
            pl.col("words").alias("Reason"),
            pl.when(pl.col("contribution") > 0)
            .then(pl.lit("more likely"))
            .otherwise(pl.lit("less likely"))
            .alias("Makes a return"),
            _how_much().alias("How much"),
            pl.col("group").alias("About"),
        )
    )
    return rows.with_columns(_clean(name) for name, dtype in rows.schema.items() if dtype == pl.String)


class _FamilyWords:
    """What the night says of a family, in words."""

    def __init__(self, night: NightList):
        self.night, self.references = night, night.references
        self.new = set(night.changes.new) if night.changes else set[str]()
        self.moved = night.changes.moved if night.changes else {}
        self.stages = furthest_stages(night.cases)
        self.cases: dict[str, list[dict[str, Any]]] = {}
        for case in _cases(night).join(_sides(night), on=_CASE, how="left", maintain_order="left").iter_rows(named=True):
            self.cases.setdefault(case["family_id"], []).append(case)

    def tell(self, family: Mapping[str, Any]) -> list[str | None]:
        """The family's cells, in the order of ``TOLD``."""
        cases = self.cases[family["family_id"]]
        apart = family["standing"] == Standing.STATUTORY
        leading, others = cases[0], cases[1:]
        return [
            self._offer(family),
            self.references[family["family_id"]],
            self._children(family, cases),
            None if apart else self._chance(family, others),
            None if apart else _lines([_doubts(family), self._other_models(family)]),
            *(leading[side] for side in (WORRY, STRENGTH)),
            _lines([leading[UNKNOWN], *(_why_no_chance(case, self.references[case["person_id"]]) for case in others)]),
            self._note(family),
        ]

    def _other_models(self, family: Mapping[str, Any]) -> str:
        placed = family["standing"] == Standing.PLACE
        return by_other_models(family["share_of_models"], family["models"]) if placed else ""

    def _offer(self, family: Mapping[str, Any]) -> str:
        standing, words = family["standing"], self.night.kind_words
        if standing == Standing.STATUTORY:
            return BY_LAW
        if standing == Standing.WAITING:
            return f"When there is room: {_listed([words(code) for code in family['kinds']], 'or')}"
        if standing == Standing.RENEW:
            return f"To be renewed by a person: {words(family['kind'])}"
        also = [words(code) for code in family["kinds"] if code != family["kind"]]
        return words(family["kind"]) + (f"\n(or {_listed(also, 'or')})" if also else "")

    def _children(self, family: Mapping[str, Any], cases: list[dict[str, Any]]) -> str | None:
        bands = {case["person_id"]: case["age_band"] for case in sorted(cases, key=lambda case: _first_age(case["age_band"]))}
        ages = Counter(_age(band) for band in bands.values())
        told = number(len(bands), "child", "children")
        told += f" {next(iter(ages))}" if len(ages) == 1 else f": {', '.join(f'{count} {age}' for age, count in ages.items())}"
        told += f"\nFurthest stage: {stage}" if (stage := self.stages[family["family_id"]]) else ""
        if len(bands) == 1 or family["standing"] == Standing.STATUTORY:
            return told
        leading = self.references[cases[0]["person_id"]]
        return f'{told}\nThe chance and the words are those of child {leading}: see the sheet "Children" for each.'

    def _chance(self, family: Mapping[str, Any], others: list[dict[str, Any]]) -> str | None:
        if family["chance"] is None:
            return None
        told = [in_ten(case["chance"]) if case["chance"] is not None else "no chance is given" for case in others]
        return _lines([_capital(in_ten(family["chance"])), f"Others: {', '.join(told)}" if told else None])

    def _note(self, family: Mapping[str, Any]) -> str | None:
        standing, since, moved = family["standing"], family["listed_since"], self.moved.get(family["family_id"])
        placed = standing == Standing.PLACE
        told = [
            "New" if family["family_id"] in self.new else None,
            f"Since the last list: {moved}" if moved else None,
            ("Drawn by lot" if placed else "Not drawn by lot") if family["tie_band"] and standing != Standing.RENEW else None,
            f"On the list since {in_words(since)}"
            if since and since < self.night.as_of and standing != Standing.STATUTORY
            else None,
            "Nobody has decided. Somebody must, or choose to keep it on the list." if standing == Standing.RENEW else None,
        ]
        return _lines(told)


def _cases(night: NightList) -> pl.DataFrame:
    """The cases of the families of the workbook: by family as there, then highest chance first."""
    shown = families(night).select("family_id", "standing").with_row_index("place")
    chances = [name for name in night.cases.columns if name.startswith("chance")]
    return (
        night.cases.join(shown, on="family_id")
        .with_columns(pl.when(pl.col("standing") != Standing.STATUTORY).then(name).alias(name) for name in chances)
        .sort("place", "chance", *_CASE, descending=[False, True, False, False], nulls_last=True)
    )


def _sides(night: NightList) -> pl.DataFrame:
    """Per case with a chance the first few words on each side, one on a line; worries and strengths say when there are none."""
    scored = _cases(night).filter(pl.col("chance").is_not_null()).select(_CASE)
    words = (
        night.reasons.sort("rank", "feature")
        .group_by(_CASE, maintain_order=True)
        .agg(
            pl.col("words").filter(pl.col("side") == side).head(SHOWN_REASONS).str.join("\n").alias(side)
            for side in (WORRY, STRENGTH, UNKNOWN)
        )
    )
    return (
        scored.join(words, on=_CASE, how="left")
        .with_columns(pl.when(pl.col(side) != "").then(side).alias(side) for side in (WORRY, STRENGTH, UNKNOWN))
        .with_columns(pl.col(side).fill_null(NONE_RECORDED) for side in (WORRY, STRENGTH))
    )


def _how_much() -> pl.Expr:
    """How strongly a reason counts: by what factor it moves the odds, either way."""
    size = pl.col("contribution").abs().exp()
    return pl.when(size >= MUCH).then(pl.lit("much")).when(size >= SOME).then(pl.lit("some")).otherwise(pl.lit("a little"))


def _doubts(of: Mapping[str, Any]) -> str | None:
    """How sure the chance of a family or a case is, and what a quiet year would change; empty where nothing can be said."""
    span = in_a_range(of["chance_low"], of["chance_high"])
    return _lines(
        [f"The true number may lie {span}." if span else None, after_a_quiet_year(of["chance"], of["chance_after_quiet_year"])]
    )


def _why_no_chance(case: Mapping[str, Any], reference: str = "") -> str | None:
    if not case["abstained"]:
        return None
    of = f" for child {reference}" if reference else ""
    return f"No chance is given{of}: {case['reason_for_abstaining'] or 'too little is known'}"


def _scaled(case: Mapping[str, Any]) -> str | None:
    on = case["safety_scaled_on"]
    return ", ".join(each for each in (case["safety_rater"], in_words(on) if on else None) if each) or None


def _lines(told: Iterable[str | None]) -> str | None:
    return "\n".join(each for each in told if each) or None


def _listed(words: list[str], last: str = "and") -> str:
    return f" {last} ".join(part for part in (", ".join(words[:-1]), words[-1] if words else "") if part)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _age(band: str | None) -> str:
    return f"aged {band}" if band in AGES else "of unknown age" if band in (None, "not known") else str(band)


def _first_age(band: str | None) -> int:
    return AGE_BANDS.index(band) if band in AGE_BANDS else len(AGE_BANDS)


def _each(name: str, values: Iterable[str | None]) -> pl.Series:
    return pl.Series(name, list(values), dtype=pl.String)


def _clean(name: str) -> pl.Expr:
    return pl.col(name).str.replace_all(CONTROL, " ").str.strip_chars().str.slice(0, LONGEST)


def clean(text: str) -> str:
    """Text without tabs, returns and other control characters, which programs of readers may act on or lose."""
    return re.sub(CONTROL, " ", text).strip()[:LONGEST]
