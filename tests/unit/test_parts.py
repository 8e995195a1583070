"""An authority written in parts by worker processes: the same bytes whoever writes them, and nothing but its parts."""

import os
import signal
import stat
import threading
import time
from dataclasses import replace
from datetime import date
from multiprocessing import active_children
from pathlib import Path

import polars as pl
import pytest

from flows import parts
from flows.parts import write_parts
from flows.request import Request
from flows.sources.folder import read_folder
from validation.errors import SettingsError
from validation.extract import Extract, ExtractRule
from validation.synthetic.authority import tables_of
from validation.synthetic.lived import live, parts_of
from validation.synthetic.profiles import ENGLAND
from validation.synthetic.recording import extract, record
from validation.tables.catalogue import TABLES

PART = 600
REQUEST = Request(end=date(2026, 3, 31), profile="england", residents=1_200, years=2, rule=ExtractRule.OVERLAPPING, seed=4)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts") / "authority"
    write_parts(REQUEST, folder, workers=1, part=PART)
    return folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_bytes_whatever_the_number_of_workers_and_threads(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "ONE_THREAD", dict.fromkeys(parts.ONE_THREAD, "2"))
    before = dict(os.environ)
    write_parts(REQUEST, tmp_path / "authority", workers=2, part=PART)
    assert bytes_of(tmp_path / "authority") == bytes_of(written)
    assert dict(os.environ) == before


def test_it_is_a_private_folder_of_each_table_with_one_manifest(written: Path) -> None:
    expected = {f"{name}/part-{number:03}.parquet" for name in TABLES for number in range(2)} | {"manifest.json"}
    assert set(bytes_of(written)) == expected
    assert list(written.parent.iterdir()) == [written]
    assert {stat.S_IMODE(path.stat().st_mode) for path in [written, *written.rglob("*")]} == {0o700, 0o600}


def test_what_is_read_back_is_the_union_of_the_parts(written: Path) -> None:
    back = read_folder(written)
    assert back.manifest.window_start == REQUEST.start
    each = [extract_of(residents, seed) for residents, seed in parts_of(REQUEST.residents, REQUEST.seed, PART)]
    assert len(each) == 2
    assert back.manifest == each[0].manifest
    for name, table in TABLES.items():
        frames = [part.tables[name] for part in each[: 1 if name == "ext_workforce" else 2]]
        assert back.tables[name].equals(pl.concat(frames)), name
        assert back.tables[name].height > 0, name
        assert back.tables["ssd_person"]["pers_person_id"].is_unique().all(), table.key


def extract_of(residents: int, seed: int) -> Extract:
    records = record(tables_of(live(ENGLAND, residents, REQUEST.start, REQUEST.last, seed)), REQUEST.habits, seed)
    of = {"profile": "england", "seed": seed, "rule": REQUEST.rule}
    return extract(records, **of, extract_date=REQUEST.last, window_start=REQUEST.start)


def test_a_part_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="atlantis"):
        write_parts(replace(REQUEST, profile="atlantis"), tmp_path / "authority", workers=1, part=PART)
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_is_ended_from_outside_is_named_and_leaves_nothing_behind(tmp_path: Path) -> None:
    def end_the_first_worker() -> None:
        while not active_children():
            time.sleep(0.01)
        os.kill(active_children()[0].pid, signal.SIGKILL)

    ender = threading.Thread(target=end_the_first_worker)
    ender.start()
    with pytest.raises(SettingsError, match="a gigabyte for each processor"):
        write_parts(REQUEST, tmp_path / "authority", workers=1, part=PART)
    ender.join()
    assert list(tmp_path.iterdir()) == []
