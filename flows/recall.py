"""Recall: which nights, cases, places and decisions a bad model or a bad data cut touched. Entries and frames in, frames out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from features.people import components
from flows.chain import Entry
from models.involvement import HOLDS, OFFERS
from models.team_decisions import DECISIONS
from validation.errors import SettingsError
from validation.tables.catalogue import TABLES

NOT_DECIDED = "nobody has decided yet"
CASES = {
    "entry": pl.Int64(),
    "night": pl.Date(),
    "person_id": pl.String(),
    "referral_id": pl.String(),
    "family_id": pl.String(),
    "chance": pl.Float64(),
    "abstained": pl.Boolean(),
    "order": pl.Int64(),
    "standing": pl.String(),
    "kind": pl.String(),
    "listed_since": pl.Date(),
}
"""Columns of the ledger's rows that a recall goes by, with the number of the entry and its night."""
ANSWER = ("decision", "decided_on", "decided_kind")


@dataclass(frozen=True)
class Asked:
    """What is called back: a model by its version, or the extracts of ``first`` to ``last`` for what they held of a table."""

    model_version: str | None = None
    table: str | None = None
    first: date | None = None
    last: date | None = None

    @property
    def name(self) -> str:
        """A name for files."""
        return f"model-version-{self.model_version}" if self.table is None else f"{self.table}.{self.first}.{self.last}"

    def is_of(self, day: date) -> bool:
        """Is an extract of this day called back?"""
        return self.first is not None and self.last is not None and self.first <= day <= self.last


@dataclass(frozen=True)
class Training:
    """A registered model: its outcome, its version, and the vintages that it was trained on, as ``table/date``."""

    outcome: str
    version: str
    vintages: frozenset[str]


@dataclass(frozen=True)
class Recalled:
    """What was touched. Counts are true: nothing is hidden here.

    ``nights``: one row per entry with ``entry``, ``night``, ``model_version``, ``extract_date`` and ``scored`` cases. ``cases``:
    every touched row of the ledger with the columns of ``CASES`` and the latest decision that came of it (``ANSWER``).
    ``children``: children with a chance.

    ``families``: of those with a place, how many by their latest decision, or none; ``off_list``: families without a place that
    were offered something all the same. ``held_on``: families that kept such a place on a later night that was not touched.
    ``later``: nights that rest on the cut as well; ``trained``: models that do, with how many entries of the ledger they made.
    """

    asked: Asked
    nights: pl.DataFrame
    cases: pl.DataFrame
    children: int
    families: Mapping[str, int]
    off_list: int
    held_on: int
    later: Sequence[date]
    trained: Mapping[str, int]


def ask(model_version: str | None, table: str | None, first: date | None, last: date | None) -> Asked:
    """What is called back. Raises :class:`SettingsError` (exit 10) unless it is one model, or one table and its days."""
    days = (first, last)
    if (model_version is None) == (table is None) or (table is None) != (days == (None, None)) or (days.count(None) == 1):
        raise SettingsError(
            "A recall is of one thing: give '--model-version', or else '--table' with the first and the last day of the extracts "
            "('--from' and '--to')."
        )
    if table is not None and table not in TABLES:
        raise SettingsError(f"'--table' is '{table}', which the contract does not know: allowed are {', '.join(TABLES)}.")
    if first is not None and last is not None and first > last:
        raise SettingsError(f"The days from '{first}' to '{last}' end before they begin: put the earlier day first.")
    return Asked(model_version, table, first, last)


def find_touched(nights: Sequence[Entry], asked: Asked) -> list[Entry]:
    """The entries that the model made, or whose data cut is called back."""
    if asked.table is None:
        return [entry for entry in nights if entry.model_version == asked.model_version]
    return [entry for entry in nights if asked.is_of(entry.extract_date) and asked.table in entry.tables]


def find_later(nights: Sequence[Entry], asked: Asked, cut_days: Collection[date]) -> list[date]:
    """Nights of later extracts, and of those between that lack the table: their history holds what the bad extracts brought."""
    if asked.table is None or not cut_days:
        return []
    touched = {entry.number for entry in find_touched(nights, asked)}
    return sorted({entry.day for entry in nights if entry.extract_date > min(cut_days) and entry.number not in touched})


def find_trained(
    trainings: Sequence[Training], nights: Sequence[Entry], asked: Asked, cut_days: Collection[date]
) -> dict[str, int]:
    """Versions of models that were trained on the cut, with how many entries of the ledger they made."""
    vintages = {f"{asked.table}/{day}" for day in cut_days}
    return {
        f"{training.outcome}, version {training.version}": sum(
            (entry.facts["outcome"]["name"], entry.model_version) == (training.outcome, training.version) for entry in nights
        )
        for training in trainings
        if training.vintages & vintages
    }


def trace(
    asked: Asked,
    touched: Sequence[Entry],
    cases: pl.DataFrame,
    decided: pl.DataFrame,
    later: Sequence[date] = (),
    trained: Mapping[str, int] | None = None,
) -> Recalled:
    """Follow what was touched to what came of it.

    ``cases``: the ledger's rows from the first touched night on, touched or not, with the columns of ``CASES``; ``decided``: the
    log of decisions. A decision came of it when it was made about the list of a touched night, or about a place that a family
    had been given on one. A family is the same when its id is, or any of its children.
    """
    known = cases.join(_find_families(cases, decided), left_on="family_id", right_on="node", how="left")
    made = decided.join(_find_families(cases, decided), left_on="family_id", right_on="node", how="left")
    days = [entry.day for entry in touched]
    ours = known.filter(pl.col("entry").is_in([entry.number for entry in touched]))
    placed = ours.filter(pl.col("standing").is_in(HOLDS))["family"].unique().implode()
    of_our_places = known.filter(
        pl.col("standing").is_in(HOLDS), pl.col("listed_since").is_in(days), pl.col("family").is_in(placed)
    )
    kept = of_our_places.select("night", "family").unique().with_columns(ours=pl.lit(value=True))
    came_of_it = (
        made.join(kept, on=["night", "family"], how="left")
        .filter(pl.col("night").is_in(days) | pl.col("ours").fill_null(value=False))
        .sort("decided_on", "imported_on", "night", "decision")
    )
    latest = came_of_it.unique("family", keep="last", maintain_order=True)
    answers = latest.select("family", "decision", "decided_on", decided_kind=pl.coalesce("kind", "listed_kind"))
    told = ours.join(answers, on="family", how="left", maintain_order="left")
    offered = latest.filter(pl.col("decision").is_in(OFFERS), ~pl.col("family").is_in(placed))
    return Recalled(
        asked=asked,
        nights=_tell_nights(touched, told),
        cases=told.select(*CASES, *ANSWER).sort("entry", "order", "person_id", "referral_id", nulls_last=True),
        children=ours.filter(~pl.col("abstained"))["person_id"].n_unique(),
        families=_count_answers(told),
        off_list=offered.filter(pl.col("family").is_in(ours["family"].implode())).height,
        held_on=of_our_places.filter(~pl.col("night").is_in(days))["family"].n_unique(),
        later=later,
        trained=trained or {},
    )


def _find_families(cases: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """``node`` (the id of a family) and ``family``: the same for all ids under which one family was known."""
    of_cases = cases.select(left="family_id", right="person_id")
    of_log = decided.select(left="family_id", right="children").explode("right", empty_as_null=True)
    links = pl.concat([of_cases, of_log]).drop_nulls().unique()
    families = pl.concat([of_cases["left"], of_log["left"]]).unique()
    return components(links).rename({"component": "family"}).filter(pl.col("node").is_in(families.implode()))


def _tell_nights(touched: Sequence[Entry], told: pl.DataFrame) -> pl.DataFrame:
    entries = pl.DataFrame(
        [(entry.number, entry.day, entry.model_version, entry.extract_date) for entry in touched],
        schema={"entry": pl.Int64(), "night": pl.Date(), "model_version": pl.String(), "extract_date": pl.Date()},
        orient="row",
    )
    scored = told.group_by("entry").agg(scored=(~pl.col("abstained")).sum().cast(pl.Int64))
    return entries.join(scored, on="entry", how="left").with_columns(pl.col("scored").fill_null(0)).sort("entry")


def _count_answers(told: pl.DataFrame) -> dict[str, int]:
    """Families that had a place, by their latest decision in the order of the workbook, and those without one."""
    placed = told.filter(pl.col("standing").is_in(HOLDS)).unique("family")
    answers = placed["decision"].fill_null(NOT_DECIDED)
    found = dict(answers.value_counts().iter_rows())
    return {name: found[name] for name in (*DECISIONS, NOT_DECIDED) if name in found}
