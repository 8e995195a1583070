"""From the history to tonight's scores: the matrix of the open cases, their chances, and the reasons for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from features.catalogue import BY_NAME
from features.circumstances import read_circumstances, read_offers_made
from features.definition import Feature
from features.facts import gather_facts
from features.freshness import measure_freshness
from features.matrix import matrix_from
from features.outcomes import OUTCOMES
from features.quiet_year import read_quiet_year
from features.timeline import read_timeline
from flows.opt_out import NOT_SCORED, find_opted_out, is_opted_out, leave_out, tell_apart
from models.ablation import Checked, check_reasons
from models.abstention import explain_abstentions, find_out_of_date, find_stale, measure_support
from models.model import ScreeningModel
from models.reasons import add_up, explain
from validation.drift import has_recent_cases, measure_drift, word_drift
from validation.erased import NOBODY, Children
from validation.errors import ChecksError, ModelError
from validation.extract import Manifest, Origin
from validation.gate import Gated
from validation.history import Archive

CASE = ["person_id", "referral_id"]


@dataclass(frozen=True)
class Built:
    """What is known of tonight's open cases.

    ``matrix`` has a row per case; ``quiet_year`` the same cases with the features that fade, as they would be read after a year
    without anything new; ``circumstances`` the same cases with what the rules of offers go by. ``offers_made`` are the offers
    on record, ``events`` what happened to the children (see ``features/circumstances.py`` and ``features/timeline.py``).
    ``freshness`` is the days since the newest event of each table, ``window_start`` the first day that the history covers.
    ``opted_out`` are the pseudonyms of children who are not scored: their rows have no feature, and nobody's is read from them.
    """

    matrix: pl.DataFrame
    quiet_year: pl.DataFrame
    circumstances: pl.DataFrame
    offers_made: pl.DataFrame
    events: pl.DataFrame
    freshness: Mapping[str, int]
    window_start: date
    mends: Mapping[str, int]
    opted_out: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Scored:
    """A night's scores (``cases``: one row per open case) and their reasons.

    ``totals`` are the reasons added up by group of features, ``notes`` the counts of the checks for the run record.
    """

    cases: pl.DataFrame
    reasons: pl.DataFrame
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


def build(model: ScreeningModel, history: Archive, as_of: date, asked: Children = NOBODY) -> Built:
    """The matrix of the cases that are open on ``as_of``, and what is known of the data behind it.

    ``asked`` are the children of whom it was asked that they are not scored.
    """
    facts, features = gather_facts(history), features_of(model)
    opted_out = find_opted_out(history, asked)
    matrix, told = matrix_from(facts, [as_of], features), facts
    if opted_out:
        told = gather_facts(leave_out(history, opted_out))
        matrix = tell_apart(matrix, matrix_from(told, [as_of], features))
    return Built(
        matrix,
        read_quiet_year(told, as_of, features),
        read_circumstances(history, as_of, matrix),
        read_offers_made(history, as_of, matrix),
        read_timeline(history, as_of, matrix.filter(~is_opted_out(opted_out)).select("person_id")),
        measure_freshness(history, [as_of]),
        history.window_start,
        vars(facts.mends(as_of)),
        opted_out,
    )


def quiet_chances(model: ScreeningModel, built: Built) -> pl.Series:
    """The chance of each row of the matrix after a quiet year: the case as it is tonight, all else as it has faded by then."""
    as_now = built.matrix.select(*CASE, *(name for name in model.features if name not in built.quiet_year.columns))
    return model.chances(as_now.join(built.quiet_year, on=CASE, how="left", maintain_order="left"))


def score(model: ScreeningModel, built: Built) -> pl.DataFrame:
    """One row per open case, sorted by child and case.

    Columns: pseudonyms, ``days_open``, ``chance`` with its range ``chance_low`` to ``chance_high``, ``chance_after_quiet_year``
    (all four empty where abstained), ``abstained``, ``reason_for_abstaining``, and ``out_of_date`` and ``unlike_training``: how
    much of what the model goes by (0 to 1) lies in stale tables, or in values that training never had (empty for a child of whom
    it was asked that it is not scored).
    """
    matrix, ranges = built.matrix, model.ranges(built.matrix)
    why = find_reasons(model, matrix, ranges, built.freshness, built.window_start, built.opted_out)
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
            reason_for_abstaining=why["reason_for_abstaining"],
            **chances,
        )
        .hstack(why.drop("reason_for_abstaining"))
        .with_columns(*(pl.when(scored).then(name).alias(name) for name in chances), abstained=~scored)
        .sort(CASE)
    )


def find_reasons(
    model: ScreeningModel,
    matrix: pl.DataFrame,
    ranges: pl.DataFrame,
    freshness: Mapping[str, int],
    window_start: date,
    opted_out: frozenset[str],
) -> pl.DataFrame:
    """``reason_for_abstaining``, ``out_of_date`` and ``unlike_training`` of each row of ``matrix``, as of :func:`score`."""
    out_of_date = find_out_of_date(features_of(model), find_stale(freshness, model.freshness))
    support = measure_support(matrix, model.importances, model.seen, out_of_date)
    maturity = OUTCOMES[model.outcome].days_to_maturity
    why = explain_abstentions(
        matrix, support, ranges, window_start=window_start, days_to_maturity=maturity, average=model.base_chance
    )
    asked = is_opted_out(opted_out)
    return (
        matrix.select("person_id", reason_for_abstaining=why)
        .hstack(support)
        .select(
            pl.when(asked).then(pl.lit(NOT_SCORED)).otherwise("reason_for_abstaining").alias("reason_for_abstaining"),
            *(pl.when(~asked).then(name).alias(name) for name in support.columns),
        )
    )


def explain_scores(model: ScreeningModel, built: Built) -> Scored:
    """Score the cohort, and explain every scored case."""
    cases = score(model, built)
    matrix = built.matrix.join(cases.filter(~pl.col("abstained")), on=CASE, how="semi", maintain_order="left")
    features, contributions = features_of(model), model.contributions(matrix)
    checked = check_reasons(explain(contributions, matrix, features), model, matrix, features)
    return Scored(cases, checked.reasons, add_up(contributions, matrix, features), _note(model, built, cases, checked))


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
        "asked_not_to_be_scored": abstained.filter(reason_for_abstaining=NOT_SCORED)["person_id"].n_unique(),
        "drift": find_drift(model, built.matrix.filter(~is_opted_out(built.opted_out))),
    }


def find_drift(model: ScreeningModel, matrix: pl.DataFrame) -> dict[str, Any]:
    """Which features of cases referred in the last year have moved since training; ``measured`` is false without such a case."""
    if not has_recent_cases(matrix):
        return {"measured": False, "words": "No case was referred in the last year, so nothing can be said."}
    drift = measure_drift(model.inputs, matrix)
    return {"measured": True, "moved": drift.filter("moved")["feature"].to_list(), "words": word_drift(drift)}
