"""Settings: all faults together, nothing unknown, the environment before the file."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.settings import FILE_NAME, Settings, read_offers_of, read_settings
from models.offer_kinds import shipped_offers
from validation.errors import SettingsError
from validation.gate import Limits


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CAPACITY", "SEED", "OUTCOME", "STALE_AFTER_DAYS", "REGISTRY", "LIMITS", "KEY", "TRACEBACK"):
        monkeypatch.delenv(f"REREFERRAL_{name}", raising=False)


def refused(folder: Path, **given: object) -> str:
    with pytest.raises(SettingsError) as refusal:
        read_settings(folder, **given)
    assert refusal.value.exit_code == 10
    return str(refusal.value)


def test_defaults(tmp_path: Path) -> None:
    settings = read_settings(tmp_path)
    assert settings.limits.to_limits() == Limits()
    assert settings.outcome == "new_referral_within_12_months"
    assert settings.registry is None


def test_argument_before_environment_before_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE_NAME).write_text(
        'bags = 5\nseed = 5\nregistry = "sqlite:///file"\n\n[limits]\nset_aside = 0.5\ncollapse = 0.25\n'
    )
    monkeypatch.setenv("REREFERRAL_SEED", "6")
    monkeypatch.setenv("REREFERRAL_REGISTRY", "sqlite:///environment")
    monkeypatch.setenv("REREFERRAL_LIMITS__SET_ASIDE", "0.6")
    settings = read_settings(tmp_path, registry="sqlite:///argument")
    assert (settings.bags, settings.seed, settings.registry) == (5, 6, "sqlite:///argument")
    assert settings.limits.to_limits() == Limits(set_aside=0.6, withdrawn=0.05, collapse=0.25)
    assert read_settings(tmp_path, registry=None).registry == "sqlite:///environment"


def test_workspaces_do_not_share_settings(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / FILE_NAME).write_text("bags = 5\n")
    assert read_settings(tmp_path / "a").bags == 5
    assert read_settings(tmp_path / "b").bags == Settings.model_fields["bags"].default


def test_all_faults_are_shown_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE_NAME).write_text('bags = 0\nbag = 3\noutcome = "soon"\n\n[limits]\nset_aside = 1.5\nset_asides = 0.1\n')
    monkeypatch.setenv("REREFERRAL_SEED", "many")
    monkeypatch.setenv("REREFERRAL_LIMITS__WITHDRAWN", "nan")
    monkeypatch.setenv("REREFERRAL_STALE_AFTER", "3")
    message = refused(tmp_path)
    for fault in (
        "'bags': input should be greater",
        "'bag': extra",
        "'outcome'",
        "'limits.set_aside'",
        "'limits.set_asides': extra",
        "'seed'",
        "'limits.withdrawn'",
        "'REREFERRAL_STALE_AFTER': unknown",
    ):
        assert fault in message
    allowed = "approver_roles, bags, limits, outcome, registry, retention_years, returns, seed, stale_after_days"
    assert f"Allowed settings: {allowed}." in message


def test_a_variable_of_an_unknown_name_is_refused_and_others_are_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REREFERRAL_KEY", "0123456789abcdef")
    monkeypatch.setenv("REREFERRAL_TRACEBACK", "1")
    monkeypatch.setenv("OTHER_BAGS", "9")
    assert read_settings(tmp_path).bags == 16
    monkeypatch.setenv("REREFERRAL_BGAS", "30")
    message = refused(tmp_path)
    assert "'REREFERRAL_BGAS': unknown" in message
    assert "0123456789abcdef" not in message


@pytest.mark.parametrize("name", ["REREFERRAL_LIMITS__SETASIDE", "REREFERRAL_LIMITS__SET_ASIDE__MORE"])
def test_a_nested_variable_of_an_unknown_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "0.1")
    assert "limits" in refused(tmp_path)


def test_an_unknown_argument_is_refused(tmp_path: Path) -> None:
    assert "'colour'" in refused(tmp_path, colour="red")


@pytest.mark.parametrize("text", ["bags = ", "bags = 5\nbags = 6\n", "[limits\n"])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    assert f"'{FILE_NAME}' or a variable cannot be read" in refused(tmp_path)


def test_a_file_of_another_encoding_and_a_broken_variable_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE_NAME).write_bytes(b'registry = "\xff"\n')
    assert "cannot be read" in refused(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    monkeypatch.setenv("REREFERRAL_LIMITS", "{half")
    assert "cannot be read" in refused(tmp_path)


def test_settings_do_not_change(tmp_path: Path) -> None:
    settings = read_settings(tmp_path)
    with pytest.raises(ValidationError, match="frozen"):
        settings.bags = 7  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        settings.limits.collapse = 0.1  # type: ignore[misc]


def test_a_workspace_offers_what_is_shipped_or_what_its_own_file_says(tmp_path: Path) -> None:
    assert read_offers_of(tmp_path).capacity == 20
    (tmp_path / "offers.toml").write_text(shipped_offers().replace("weekly_slots = 5", "weekly_slots = 1"), encoding="utf-8")
    assert read_offers_of(tmp_path).capacity == 16
