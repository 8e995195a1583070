"""From a matrix to what the morning list shows: chances, reasons, families in order, and what changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.catalogue import BY_NAME
from features.definition import Feature
from features.facts import gather_facts
from features.freshness import measure_freshness
from features.matrix import matrix_from
from features.outcomes import OUTCOMES, Outcome
from features.quiet_year import read_quiet_year
from flows.publish.night_list import Changes, Counts, NightList
from flows.settings import Settings
from models import offers
from models.ablation import Checked, check_reasons
from models.abstention import explain_abstentions, find_out_of_date, find_stale, measure_support
from models.model import ScreeningModel
from models.multiplicity import share_of_models
from models.reasons import add_up, explain
from validation.drift import has_recent_cases, measure_drift, word_drift
from validation.errors import ChecksError, ModelError
from validation.extract import Manifest, Origin
from validation.gate import Gated
from validation.history import Archive

CASE = ["person_id", "referral_id"]


@dataclass(frozen=True)
class Built:
    """What is known of tonight's open cases.

    ``matrix`` has a row per case; ``quiet_year`` the same cases with the features that fade, as they would be read after a year
    without anything new. ``freshness`` is the days since the newest event of each table, ``window_start`` the first day that
    the history covers.
    """

    matrix: pl.DataFrame
    quiet_year: pl.DataFrame
    freshness: Mapping[str, int]
    window_start: date
    mends: Mapping[str, int]


@dataclass(frozen=True)
class Offered:
    """A night's scores (one row per open case), reasons, and families in order.

    ``totals`` are the reasons added up by group of features, ``notes`` the counts of the checks for the run record.
    """

    scores: pl.DataFrame
    reasons: pl.DataFrame
    families: pl.DataFrame
    totals: pl.DataFrame
    notes: Mapping[str, Any]


def require_origin(model: ScreeningModel, manifest: Manifest, demonstration: bool) -> None:
    """Raise :class:`ModelError` (exit 14) when a model trained on invented data would score real children."""
    if model.origin is Origin.INVENTED and manifest.origin is Origin.REAL and not demonstration:
        raise ModelError(
            f"The approved model '{model.name}' version {model.version} was trained on invented data and this extract is real: "
            "train one on the authority's own history, or add '--demonstration', which stamps every page."
        )


def require_tables(model: ScreeningModel, gated: Gated) -> None:
    """Raise :class:`ChecksError` (exit 13) when tonight lacks a table or a column that the model was trained on.

    A table that was supplied without rows is no missing table: the gate has seen to it that it did not collapse.
    """
    for table, columns in sorted(model.tables.items()):
        if table not in gated.accepted:
            raise ChecksError(
                f"Table '{table}' is missing tonight and the approved model was trained with it: supply it, or "
                "retrain and approve a model without it."
            )
        lost = sorted(set(columns) - set(gated.columns[table]))
        if lost:
            raise ChecksError(
                f"Table '{table}' lacks the column '{lost[0]}' tonight ({len(lost)} are missing) and the approved model was "
                "trained with it: supply it, or retrain and approve a model without it."
            )


def features_of(model: ScreeningModel) -> list[Feature]:
    """The declarations of the model's features. Raises :class:`ModelError` when the catalogue lacks one."""
    lost = [name for name in model.features if name not in BY_NAME]
    if lost:
        raise ModelError(
            f"The approved model uses the feature '{lost[0]}' ({len(lost)} such features), which the catalogue no longer has: "
            "retrain and approve a new model."
        )
    return [BY_NAME[name] for name in model.features]


def build(model: ScreeningModel, history: Archive, as_of: date) -> Built:
    """The matrix of the cases that are open on ``as_of``, and what is known of the data behind it."""
    facts, features = gather_facts(history), features_of(model)
    return Built(
        matrix_from(facts, [as_of], features),
        read_quiet_year(facts, as_of, features),
        measure_freshness(history, [as_of]),
        history.window_start,
        vars(facts.mends(as_of)),
    )


def quiet_chances(model: ScreeningModel, built: Built) -> pl.Series:
    """The chance of each row of the matrix after a quiet year: the case as it is tonight, all else as it has faded by then."""
    as_now = built.matrix.select(*CASE, *(name for name in model.features if name not in built.quiet_year.columns))
    return model.chances(as_now.join(built.quiet_year, on=CASE, how="left", maintain_order="left"))


def score(model: ScreeningModel, built: Built) -> pl.DataFrame:
    """One row per open case, sorted by child and case.

    Columns: pseudonyms, ``days_open``, ``chance`` with its range ``chance_low`` to ``chance_high``, ``chance_after_quiet_year``
    (all four empty where abstained), ``abstained``, ``reason_for_abstaining``, and ``out_of_date`` and ``unlike_training``: how
    much of what the model goes by (0 to 1) lies in stale tables, or in values that training never had.
    """
    matrix, ranges = built.matrix, model.ranges(built.matrix)
    out_of_date = find_out_of_date(features_of(model), find_stale(built.freshness, model.freshness))
    support = measure_support(matrix, model.importances, model.seen, out_of_date)
    maturity = OUTCOMES[model.outcome].days_to_maturity
    why = explain_abstentions(matrix, support, ranges, window_start=built.window_start, days_to_maturity=maturity)
    chances = {
        "chance": model.chances(matrix),
        "chance_low": ranges["low"],
        "chance_high": ranges["high"],
        "chance_after_quiet_year": quiet_chances(model, built),
    }
    scored = pl.col("reason_for_abstaining").is_null()
    return (
        matrix.select(
            "as_of",
            *CASE,
            "family_id",
            days_open=(pl.col("as_of") - pl.col("began_on")).dt.total_days(),
            reason_for_abstaining=why,
            **chances,
        )
        .hstack(support)
        .with_columns(*(pl.when(scored).then(name).alias(name) for name in chances), abstained=~scored)
        .sort(CASE)
    )


def offer(model: ScreeningModel, built: Built, settings: Settings) -> Offered:
    """Score the cohort, explain every scored case, and put the families in order."""
    scores = score(model, built)
    matrix = built.matrix.join(scores.filter(~pl.col("abstained")), on=CASE, how="semi", maintain_order="left")
    features, contributions = features_of(model), model.contributions(matrix)
    checked = check_reasons(explain(contributions, matrix, features), model, matrix, features)
    families = describe_families(offers.families(scores, settings.capacity, settings.seed), scores)
    sorted_matrix = scores.select(CASE).join(built.matrix, on=CASE, how="left", maintain_order="left")
    shares = share_of_models(
        model.bag_chances(sorted_matrix), scores.select(offers.FAMILY).to_series(), scores["abstained"], settings.capacity
    )
    return Offered(
        scores,
        checked.reasons,
        families.join(shares, on="family_id", how="left", maintain_order="left"),
        add_up(contributions, matrix, features),
        _note(model, built, scores, checked),
    )


def describe_families(families: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Families with the range of their chance (of the child whose chance it is) and the highest chance after a quiet year."""
    leading = (
        scores.filter(~pl.col("abstained"))
        .with_columns(offers.FAMILY)
        .sort("chance", *CASE, descending=[True, False, False])
        .group_by("family_id")
        .agg(pl.col("chance_low", "chance_high").first(), pl.col("chance_after_quiet_year").max())
    )
    return families.join(leading, on="family_id", how="left", maintain_order="left")


def _note(model: ScreeningModel, built: Built, scores: pl.DataFrame, checked: Checked) -> dict[str, Any]:
    """Counts for the run record, of what was acted on and of what was only counted."""
    abstained = scores.filter("abstained")
    return {
        "scored": scores.height - abstained.height,
        "abstained": dict(abstained.group_by("reason_for_abstaining").len().sort("reason_for_abstaining").iter_rows()),
        "days_since_newest_event": dict(built.freshness),
        "stale_tables": list(find_stale(built.freshness, model.freshness)),
        "cases_with_values_unlike_training": scores.filter(pl.col("unlike_training") > 0).height,
        "reasons": {"shown": checked.shown, "agree": checked.agree},
        "drift": find_drift(model, built.matrix),
    }


def find_drift(model: ScreeningModel, matrix: pl.DataFrame) -> dict[str, Any]:
    """Which features of cases referred in the last year have moved since training; ``measured`` is false without such a case."""
    if not has_recent_cases(matrix):
        return {"measured": False, "words": "No case was referred in the last year, so nothing can be said."}
    drift = measure_drift(model.inputs, matrix)
    return {"measured": True, "moved": drift.filter("moved")["feature"].to_list(), "words": word_drift(drift)}


def compose(
    offered: Offered, model: ScreeningModel, gated: Gated, settings: Settings, as_of: date, before: Path | None
) -> NightList:
    """Everything that page and workbook show. ``before`` is the folder of the last earlier night, if there is one."""
    outcome: Outcome = OUTCOMES[model.outcome]
    manifest = gated.manifest
    not_scored = dict(
        offered.scores.filter("abstained").group_by("reason_for_abstaining").len().sort("reason_for_abstaining").iter_rows()
    )
    scored = offered.scores.filter(~pl.col("abstained")).height
    aside = sum(sum(count.set_aside.values()) for count in gated.counts.values())
    return NightList(
        as_of=as_of,
        authority=manifest.authority,
        outcome=outcome.words,
        outcome_version=f"{outcome.name}, version {outcome.version}",
        model=model.name,
        model_version=model.version,
        demonstration=model.origin is Origin.INVENTED and manifest.origin is Origin.REAL,
        invented=manifest.origin is Origin.INVENTED,
        extract_date=manifest.extract_date,
        capacity=settings.capacity,
        shuffle_seed=settings.seed,
        families=offered.families,
        cases=offered.scores,
        reasons=offered.reasons,
        counts=Counts(offered.scores.height, scored, not_scored, aside),
        stale_after_days=settings.stale_after_days,
        changes=_changes(offered, before),
    )


def _changes(offered: Offered, before: Path | None) -> Changes | None:
    """Which families are new on the list and which are gone since the last earlier night, and why."""
    if before is None:
        return None
    past = pl.read_parquet(before / "list.parquet").filter("listed").select("family_id", child="children").explode("child")
    now = offered.families.select("family_id", "rank", "listed", child="children").explode("child")
    listed = now.filter("listed")
    # A family is known by its pseudonym or by its children: a new brother or sister may change the pseudonym, and the child
    # whose case is open may change.
    stayed, remained = _same_families(past, listed), _same_families(listed, past)
    new = listed.filter(~pl.col("family_id").is_in(remained.implode()))
    gone = (
        past.filter(~pl.col("family_id").is_in(stayed.implode()))
        .join(now.select("child", "rank", known=pl.lit(value=True)), on="child", how="left")
        .group_by("family_id")
        .agg(pl.col("known").any(), pl.col("rank").min())
        .sort("family_id")
    )
    why = (
        pl.when(~pl.col("known").fill_null(value=False))
        .then(pl.lit("no case of the family is open now"))
        .when(pl.col("rank").is_null())
        .then(pl.lit("its open cases are not scored now"))
        .otherwise(pl.lit("other families have a higher chance now"))
    )
    return Changes(
        since=date.fromisoformat(before.name[:10]),
        new=tuple(new["family_id"].unique().sort()),
        gone=dict(gone.select("family_id", why).iter_rows()),
    )


def _same_families(families: pl.DataFrame, others: pl.DataFrame) -> pl.Series:
    """Pseudonyms of those ``families`` that are also among ``others``, by pseudonym or by a child."""
    same = pl.col("family_id").is_in(others["family_id"].implode()) | pl.col("child").is_in(others["child"].implode())
    return families.filter(same)["family_id"]


def as_list(offered: Offered, model: ScreeningModel, shown: NightList) -> pl.DataFrame:
    """``list.parquet``: one row per family in order, with rank, capacity, chance of a slot, tie band and the page's stamp."""
    return offered.families.select(
        pl.lit(shown.as_of).alias("as_of"),
        pl.lit(shown.authority).alias("authority"),
        pl.lit(". ".join(shown.stamps)).alias("stamp"),
        pl.all(),
        pl.lit(model.version).alias("model_version"),
        pl.lit(model.outcome).alias("outcome"),
        pl.lit(model.outcome_version).alias("outcome_version"),
    )


def as_shown(offered: Offered, model: ScreeningModel, manifest: Manifest) -> pl.DataFrame:
    """The ledger's entry: every case's chance with its family's place, the model and the outcome that it speaks of."""
    places = offered.families.select(
        "family_id", "rank", "listed", "capacity", "tie_band", "slot_chance", "shuffle_seed", "share_of_models"
    )
    return offered.scores.join(places, on="family_id", how="left").with_columns(
        model=pl.lit(model.name),
        model_version=pl.lit(model.version),
        outcome=pl.lit(model.outcome),
        outcome_version=pl.lit(model.outcome_version),
        extract_date=pl.lit(manifest.extract_date),
        origin=pl.lit(manifest.origin.value),
    )
