"""Every training leaves the transparency record and both annexes, in its folder and in MLflow, filled from what it measured."""

import csv
import json
from typing import Any

from lxml import html

from flows.night import open_registry
from flows.publish.record_fields import RUN, fields_of
from flows.settings import read_settings
from flows.trainings import find_before, read_told
from flows.workspace import Workspace

RECORDS = {"model_card.html", "atrs.html", "atrs.csv", "dpia_annex.html", "equality_annex.html"}


def test_a_training_leaves_its_records_whose_figures_are_its_own(trained: Any) -> None:
    folder = trained.workspace / "training" / "1"
    assert {folder / name for name in RECORDS} <= set(folder.iterdir())
    assert {(folder / name).stat().st_mode & 0o777 for name in RECORDS} == {0o600}
    assert all("INVENTED" in (folder / name).read_text(encoding="utf-8") for name in RECORDS)

    with (folder / "atrs.csv").open(encoding="utf-8", newline="") as lines:
        told = {row["key"]: row for row in csv.DictReader(lines)}
    assert [field.key for field in fields_of("atrs") if field.answered_by == RUN and not told[field.key]["answer"]] == []
    evaluation = json.loads((folder / "evaluation.json").read_text())
    box = next(result for result in evaluation["results"] if result["candidate"] == "glass_box")
    assert f"AUC {box['auc']:.3f}" in told["model.performance"]["answer"]
    assert f"{len(evaluation['features'])} features" in told["model.input"]["answer"]
    held = {table["table"] for table in evaluation["holdings"]["tables"]}
    assert {"ssd_person", "ssd_cin_episodes"} <= held
    assert "This is the first" in (folder / "atrs.html").read_text(encoding="utf-8")

    place = Workspace(trained.workspace)
    before = find_before(place.training, "1")
    assert before == folder
    assert read_told(folder).lineage["extract_date"] == "2026-11-22"

    registry = open_registry(place, read_settings(trained.workspace))
    with registry.open() as (_mlflow, client):
        run = client.get_model_version(registry.outcome, "1").run_id
        kept = {file.path for file in client.list_artifacts(run)}
    assert kept >= RECORDS
    assert "fairness.parquet" not in kept


def test_a_training_answers_every_point_of_a_board_and_leads_to_what_it_wrote(trained: Any) -> None:
    folder = trained.workspace / "training" / "1"
    page = html.fromstring((folder / "fairness.html").read_bytes())
    (points,) = page.xpath("//section[@aria-labelledby='points']")
    assert len(points.xpath(".//tbody/tr")) == 22
    links = set(points.xpath(".//a/@href"))
    monitored = next(link for link in links if "monitoring" in link)
    assert (folder / monitored).resolve() == trained.workspace.resolve() / "monitoring" / "new_referral_within_12_months.html"
    for link in links - {monitored}:
        name, _, anchor = link.partition("#")
        leads_to = html.fromstring((folder / (name or "fairness.html")).read_bytes())
        assert not anchor or leads_to.find(f".//*[@id='{anchor}']") is not None, link
    record = json.loads((folder / "run.json").read_text())
    (identity,) = page.xpath("//section[@aria-labelledby='identity']")
    assert record["versions"]["code_sha256"] in identity.text_content()
    assert record["lineage"]["extract_date"] == "2026-11-22"
    assert "the extract of 22 November 2026" in identity.text_content()
