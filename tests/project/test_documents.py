from pathlib import Path

import pytest

from flows import documents

ROOT = Path(__file__).parents[2]


def test_generated_documents_are_current() -> None:
    assert documents.stale() == []


def test_a_changed_document_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in documents.documents().items():
        (tmp_path / name).write_text(text + "x", encoding="utf-8")
    monkeypatch.setattr(documents, "FOLDER", tmp_path)
    assert documents.stale() == list(documents.documents())


def test_the_lock_pins_with_hashes_and_names_no_host() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pinned = [line for line in lines if line and line[0].isalpha()]
    assert len(pinned) > 100
    assert all("==" in line and line.endswith("\\") for line in pinned)
    assert not [line for line in lines if "://" in line or "index" in line]


def test_package_markers_import_nothing() -> None:
    for marker in ROOT.glob("*/**/__init__.py"):
        if ".venv" not in marker.parts:
            assert marker.read_text() == "", marker
