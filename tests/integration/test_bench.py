import os
import re
import subprocess

import numpy as np
import polars as pl
import pytest

from features.catalogue import BY_NAME, CATALOGUE
from flows.bench import fairness, naive, ours, reasons, training
from flows.bench.comparing import differences
from flows.bench.engines import measured
from flows.bench.frames import PUSHES, invent_frame
from flows.bench.history import invent
from flows.bench.measuring import Line
from models.candidate import QUICK
from validation.errors import SettingsError


def test_the_plain_way_gives_the_same_matrix_of_an_invented_history(tmp_path):
    data = tmp_path / "history"
    invent(data, 3_000)
    ours.gather(data)
    ours.build(data, "rows", CATALOGUE, tmp_path / "whole.parquet")
    ours.build(data, "rows", CATALOGUE, tmp_path / "parts", parts=3)
    naive.build(data, "rows", CATALOGUE, tmp_path / "naive.parquet")
    matrices = {"whole": tmp_path / "whole.parquet", "parts": tmp_path / "parts", "naive": tmp_path / "naive.parquet"}
    rows, found = differences(matrices)
    assert rows > 2_500
    assert found == {"parts": [], "naive": []}


def test_the_whole_fairness_report_is_made_of_invented_rows(tmp_path, capfd):
    fairness.invent(tmp_path, 6_000)
    fairness.report_ours(tmp_path)
    told = capfd.readouterr().err
    rows, groups = (int(number.replace(",", "")) for number in re.match(r"([\d,]+) rows, (\d+) groups", told).groups())
    assert rows == 6_000
    assert groups > 60


def test_a_difference_is_named(tmp_path):
    pl.DataFrame({"row": [0, 1], "a": [1.0, None], "b": [1, 2]}).write_parquet(tmp_path / "left.parquet")
    pl.DataFrame({"row": [1, 0], "a": [2.0, 1.0], "b": [2, 1]}).write_parquet(tmp_path / "right.parquet")
    assert differences({"left": tmp_path / "left.parquet", "right": tmp_path / "right.parquet"}) == (2, {"right": ["a"]})


def test_an_invented_history_has_what_is_hard(tmp_path):
    invent(tmp_path, 3_000)
    versions = pl.read_parquet(tmp_path / "ssd_cin_assessments.parquet")
    start = pl.col("cina_assessment_start_date")
    assert versions.select((pl.col("known_from") > start).mean()).item() > 0.1
    assert versions["cina_assessment_id"].is_duplicated().mean() > 0.3
    last = versions.unique("cina_assessment_id", keep="last")
    assert last["known_to"].null_count() < last.height


def test_a_child_s_referrals_never_overlap_in_an_invented_history(tmp_path):
    invent(tmp_path, 3_000)
    last = pl.read_parquet(tmp_path / "ssd_cin_episodes.parquet").unique("cine_referral_id", keep="last")
    ordered = last.sort("cine_person_id", "cine_referral_date").with_columns(
        closed=pl.coalesce("cine_close_date", pl.when("cine_referral_nfa").then("cine_referral_date"))
    )
    before = ordered.with_columns(
        closed_before=pl.col("closed").shift(1).over("cine_person_id"),
        again=pl.col("cine_person_id") == pl.col("cine_person_id").shift(1),
    ).filter("again")
    assert before.height > 500
    assert before["closed_before"].null_count() == 0
    assert before.select((pl.col("cine_referral_date") - pl.col("closed_before")).dt.total_days().min()).item() >= 60


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    return invent_frame(tmp_path_factory.mktemp("england"), 8_000)


@pytest.fixture(scope="module")
def few_features():
    return [BY_NAME[name] for name in (*PUSHES, "days_since_last_earlier_referral")]


def test_an_invented_training_frame_has_every_feature_and_outcomes_that_follow_from_them(invented):
    frame = pl.read_parquet(invented)
    assert 7_000 < frame.height < 9_000
    assert {feature.name for feature in CATALOGUE} <= set(frame.columns)
    assert frame["as_of"].n_unique() > 80
    sparse = frame.filter(pl.col("referrals_in_last_730_days") == 0)["outcome"].mean()
    assert 0.05 < sparse < frame.filter(pl.col("referrals_in_last_730_days") > 1)["outcome"].mean() - 0.05


def test_training_on_an_invented_england_is_timed_by_part(invented, few_features, monkeypatch):
    monkeypatch.setattr(training, "CATALOGUE", few_features)
    monkeypatch.setattr(training, "BAGS", 2)
    run = training.train_frame(invented)
    assert set(run.seconds) == {"evaluate", "appraise", "fit"}
    assert 0 < sum(run.seconds.values()) <= run.wall_s + 0.2
    assert run.peak_mb > 100


def test_what_a_training_took_adds_up_in_its_lines():
    run = training.Run(100.0, 90.0, 500.0, 18, {"build": 5.0, "train": 80.0, "evaluate": 60.0, "fit": 20.0})
    told = training.describe("retrain", run).splitlines()
    assert told[0] == "retrain: 100 s, 90 s of processor time, at most 500 MB; the model missed a criterion"
    assert [line.split()[-2] for line in told[1:]] == ["5.0", "80.0", "60.0", "20.0", "15.0"]
    assert told[-1].split()[:2] == ["the", "rest"]


def test_a_command_is_timed_with_its_exit_code(tmp_path):
    refused = ("synthesise", "--out", str(tmp_path), "--rule", "none")
    run = training.run_command(os.environ, *refused, allowed=(SettingsError.exit_code,))
    assert run.exit_code == SettingsError.exit_code
    assert run.cpu_s > 0.1
    with pytest.raises(subprocess.CalledProcessError):
        training.run_command(os.environ, *refused)


def test_reasons_are_timed_in_this_process_and_in_a_fresh_one(invented, few_features, monkeypatch):
    fresh = reasons.run_engine
    monkeypatch.setattr(reasons, "CATALOGUE", few_features)
    monkeypatch.setattr(reasons, "run_engine", lambda engine, folder: measured(reasons.prepare(engine, folder)))
    lines = reasons.time_reasons(invented, cases=1_000, trained_on=2_000, explained=50, effort=QUICK, rounds=1)
    assert [line.engine for line in lines][:4] == [reasons.CHANCES, reasons.EXACT, reasons.WORDS, reasons.RANGES]
    assert all(line.wall_s > 0 for line in lines)
    assert fresh(reasons.WORDS, invented.parent)["cpu_s"] > 0


def test_reasons_that_do_not_add_up_stop_the_bench():
    with pytest.raises(SystemExit, match="do not add up"):
        reasons.check("some engine", np.array([0.5, 1.0]), np.array([0.5, 1.01]))


def test_the_ratio_to_shap_is_for_a_row():
    cpu = {reasons.EXACT: 1.0, reasons.WORDS: 2.0, reasons.SHAP: 0.5}
    rows = {reasons.EXACT: 400_000, reasons.WORDS: 400_000, reasons.SHAP: 1_000}
    said = reasons.say_ratio([Line("", engine, 1, 1.0, seconds, 1.0) for engine, seconds in cpu.items()], rows)
    assert "500: 200 times" in said
    assert "5.0: 100 times" in said
