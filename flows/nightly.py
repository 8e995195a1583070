"""The nightly flow: pull, gate, archive, build, score, allocate, publish."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE

from flows import ledger, listing, scoring
from flows.environment import quieten
from flows.listing import Listed
from flows.night import Night, open_night, publish
from flows.opt_out import read_opt_outs
from flows.publish.page import render_page
from flows.publish.published import write_night
from flows.publish.workbook import build_workbook
from flows.reconciliation import check_against_return, stop_if_different
from flows.record import RunRecord, file_hashes, table_counts
from flows.retries import READ_OR_WRITE
from flows.scoring import Built, Scored
from flows.sources.reading import read_source
from flows.tombstones import read_erased
from flows.vintages import last_counts, last_extract, read_archive, write_vintages
from flows.withdrawing import stop_if_out_of_use
from flows.workspace import write_json, write_private
from models.model import ScreeningModel
from validation.extract import Extract
from validation.gate import Gated, check_extract, re_referrals, stop_if_implausible
from validation.privacy import refuse_identifiers

STEPS = 10


@flow(name="nightly", flow_run_name="nightly of {workspace}", validate_parameters=True)
def nightly(
    source: str,
    workspace: Path,
    as_of: date | None = None,
    demonstration: bool = False,
    registry: str | None = None,
) -> str:
    """One night: from a source to the published morning list, whose path is returned."""
    quieten()
    record = RunRecord(on_step=show_progress())
    extract = pull(source, record)
    refuse(extract, record)
    with open_night(extract, workspace, as_of, demonstration, registry, record) as night:
        gated = check(night)
        archive(night, gated)
        model = choose_model(night, gated)
        built = build(night, model)
        scored = score(night, model, built)
        listed = allocate(night, model, built, scored)
        write(night, gated, model, built, scored, listed)
        place = finish(night, model, gated, scored, listed)
    tell(record, place)
    return str(place / "list.html")


def show_progress() -> Callable[[int], None]:
    """A progress artifact of this run, and the function that moves it on when a step has ended."""
    shown = cast("UUID", create_progress_artifact(progress=0.0, description="Steps of the night"))

    def move_on(done: int) -> None:
        with suppress(Exception):  # a picture of progress that cannot be drawn may not hide what the step itself says
            update_progress_artifact(shown, progress=100.0 * done / STEPS)

    return move_on


@task(cache_policy=NO_CACHE, **READ_OR_WRITE)
def pull(source: str, record: RunRecord) -> Extract:
    """Read the source into memory."""
    with record.step("pull"):
        return read_source(source)


@task(cache_policy=NO_CACHE)
def refuse(extract: Extract, record: RunRecord) -> None:
    """Refuse whatever could identify a person, before anything is written."""
    with record.step("refuse"):
        refuse_identifiers(extract)


@task(cache_policy=NO_CACHE)
def check(night: Night) -> Gated:
    """Conform and check the extract, beside the published return if there is one; accept, set aside or stop."""
    with night.record.step("check"):
        gated = check_extract(night.extract, night.made / "checks", read_erased(night.workspace))
        measure = re_referrals(gated)
        night.record.note(
            tables=table_counts(gated),
            not_read=list(gated.not_read),
            re_referrals={"referrals": measure.referrals, "re_referrals": measure.re_referrals, "rate": measure.rate},
        )
        newest = last_extract(night.workspace)
        before = last_counts(night.workspace, before=night.as_of)
        stop_if_implausible(gated, night.settings.limits.to_limits(), before, newest[0] if newest else None)
        beside = check_against_return(gated, night.settings.returns, night.workspace.root)
        night.record.note(reconciliation=beside)
        stop_if_different(beside, night.settings.returns)
        return gated


@task(cache_policy=NO_CACHE, **READ_OR_WRITE)
def archive(night: Night, gated: Gated) -> None:
    """Write tonight's vintages."""
    with night.record.step("archive"):
        changes = write_vintages(night.workspace, gated, night.settings.limits.to_limits())
        night.record.note(vintages=changes)


@task(cache_policy=NO_CACHE)
def choose_model(night: Night, gated: Gated) -> ScreeningModel:
    """The approved model, if it is in date and not failing, may score this extract, and tonight has every table that it needs."""
    with night.record.step("model"):
        stop_if_out_of_use(night)
        model = night.registry.champion()
        night.record.note(
            model={
                "name": model.name,
                "version": model.version,
                "origin": model.origin,
                "trained_from": model.trained_from,
                "trained_to": model.trained_to,
                "features": len(model.features),
            },
            outcome={"name": model.outcome, "version": model.outcome_version},
        )
        scoring.require_origin(model, gated.manifest, night.demonstration)
        scoring.require_tables(model, gated)
        return model


@task(cache_policy=NO_CACHE)
def build(night: Night, model: ScreeningModel) -> Built:
    """The matrix of tonight's open cases, from the history up to tonight, and what it would be after a quiet year."""
    with night.record.step("build"):
        history = read_archive(night.workspace, up_to=night.as_of)
        built = scoring.build(model, history, night.as_of, read_opt_outs(night.workspace))
        night.record.note(cohort=built.matrix.height, mends=built.mends)
        return built


@task(cache_policy=NO_CACHE)
def score(night: Night, model: ScreeningModel, built: Built) -> Scored:
    """Chances and exact reasons."""
    with night.record.step("score"):
        scored = scoring.explain_scores(model, built)
        night.record.note(**scored.notes)
        return scored


@task(cache_policy=NO_CACHE)
def allocate(night: Night, model: ScreeningModel, built: Built, scored: Scored) -> Listed:
    """Families in order, judged by the council's rules, and the places of the week."""
    with night.record.step("allocate"):
        listed = listing.list_families(model, built, scored, night.basis, night.settings.seed, night.as_of)
        night.record.note(offers_sha256=night.basis.offers.sha256, decisions=night.basis.decided.height, **listed.note())
        return listed


@task(cache_policy=NO_CACHE, **READ_OR_WRITE)
def write(night: Night, gated: Gated, model: ScreeningModel, built: Built, scored: Scored, listed: Listed) -> None:
    """Write everything that readers open into the night's folder, which nobody sees yet."""
    with night.record.step("write"):
        approval = night.registry.approval()
        shown = listing.compose(listed, scored, built, night.basis, model, approval, gated, night.settings, night.as_of)
        write_night(shown, night.made)
        write_private(night.made / "list.html", lambda path: path.write_bytes(render_page(shown)))
        write_private(night.made / "list.xlsx", lambda path: path.write_bytes(build_workbook(shown)))
        write_private(night.made / "reason_totals.parquet", scored.totals.write_parquet)
        for name, rows in gated.set_aside.items():
            if rows.height:
                write_private(night.made / "set_aside" / f"{name}.parquet", rows.write_parquet)


@task(cache_policy=NO_CACHE)
def finish(night: Night, model: ScreeningModel, gated: Gated, scored: Scored, listed: Listed) -> Path:
    """Enter the scores into the ledger, close the record, and publish the night in one rename."""
    with night.record.step("publish"):
        shown = listing.as_shown(listed, scored, model, gated.manifest)
        facts = ledger.describe(night.workspace, model, gated.manifest, night.made)
        entered = ledger.append(night.workspace, night.as_of, shown, facts)
        night.record.note(ledger=entered.entry, ledger_head=entered.head, files=file_hashes(night.made))
    write_json(night.made / "run.json", night.record.finish("completed"))
    return publish(night)


@task(cache_policy=NO_CACHE)
def tell(record: RunRecord, place: Path) -> None:
    """Say what the night did, in the log and as an artifact: counts only."""
    facts = record.content
    text = (
        f"# Night of {facts['as_of']}\n\n{facts['cohort']} cases open, {facts['scored']} scored, {facts['listed']} families "
        f"listed of {facts['families']}. Model version {facts['model']['version']}, outcome {facts['outcome']['name']}.\n\n"
        "| step | seconds |\n|---|---|\n" + "\n".join(f"| {step['name']} | {step['seconds']} |" for step in record.steps)
    )
    get_run_logger().info("%s open cases, %s families listed", facts["cohort"], facts["listed"])
    create_markdown_artifact(key="night", markdown=text, description=f"What the night of {facts['as_of']} did")
