"""From a matrix to what the morning list shows: chances, reasons, families in order, and what changed."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from features.catalogue import BY_NAME
from features.cohort import ADULT
from features.definition import Feature
from features.outcomes import OUTCOMES, Outcome
from flows.publish.night_list import Changes, Counts, NightList
from flows.settings import Settings
from models.model import ScreeningModel
from models.offers import families
from models.reasons import explain
from validation.errors import ChecksError, ModelError
from validation.extract import Manifest, Origin
from validation.gate import Gated

TURNS_ADULT = "turns 18 before the outcome could be seen"


@dataclass(frozen=True)
class Offered:
    """A night's scores (one row per open case), reasons, and families in order."""

    scores: pl.DataFrame
    reasons: pl.DataFrame
    families: pl.DataFrame


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


def score(model: ScreeningModel, matrix: pl.DataFrame) -> pl.DataFrame:
    """One row per open case: pseudonyms, ``days_open``, ``chance`` (empty where abstained) and why it is not scored."""
    outcome = OUTCOMES[model.outcome]
    adult = pl.col("dob").dt.offset_by(f"{ADULT}y") <= pl.col("as_of") + timedelta(days=outcome.days_to_maturity)
    return (
        matrix.select(
            "as_of",
            "person_id",
            "referral_id",
            "family_id",
            days_open=(pl.col("as_of") - pl.col("began_on")).dt.total_days(),
            chance=model.chances(matrix),
            abstained=adult.fill_null(value=False),
        )
        .with_columns(
            chance=pl.when(~pl.col("abstained")).then(pl.col("chance")),
            reason_for_abstaining=pl.when(pl.col("abstained")).then(pl.lit(TURNS_ADULT)),
        )
        .sort("person_id", "referral_id")
    )


def offer(model: ScreeningModel, matrix: pl.DataFrame, settings: Settings) -> Offered:
    """Score the cohort, explain every scored case, and put the families in order."""
    scores = score(model, matrix)
    scored = matrix.join(scores.filter(~pl.col("abstained")), on=["person_id", "referral_id"], how="semi")
    reasons = explain(model.contributions(scored), scored, features_of(model))
    return Offered(scores, reasons, families(scores, settings.capacity, settings.seed))


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
    places = offered.families.select("family_id", "rank", "listed", "capacity", "tie_band", "slot_chance", "shuffle_seed")
    return offered.scores.join(places, on="family_id", how="left").with_columns(
        model=pl.lit(model.name),
        model_version=pl.lit(model.version),
        outcome=pl.lit(model.outcome),
        outcome_version=pl.lit(model.outcome_version),
        extract_date=pl.lit(manifest.extract_date),
        origin=pl.lit(manifest.origin.value),
    )
