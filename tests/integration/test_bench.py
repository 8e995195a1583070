import polars as pl

from features.catalogue import CATALOGUE
from flows.bench import naive, ours
from flows.bench.comparing import differences
from flows.bench.history import invent


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
