"""One night in hand: its workspace held, its settings read, its record kept, its folder made beside the published ones."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy.engine import make_url

from flows.decisions import read_decisions
from flows.listing import Basis, read_before
from flows.record import RunRecord
from flows.settings import Settings, read_offers_of, read_settings
from flows.workspace import Workspace, hold, make_private_folder, publish_folder, write_json
from models.registry import Registry
from validation.errors import PrivacyError, ScreeningError, SettingsError
from validation.extract import Extract


@dataclass(frozen=True)
class Night:
    """A run for one ``as_of`` on one workspace. ``made`` is the folder that becomes the published night."""

    workspace: Workspace
    settings: Settings
    basis: Basis
    as_of: date
    extract: Extract
    demonstration: bool
    made: Path
    record: RunRecord = field(default_factory=RunRecord)

    @property
    def registry(self) -> Registry:
        """The register of models that the settings name."""
        return open_registry(self.workspace, self.settings)


def read_basis(workspace: Workspace, as_of: date) -> Basis:
    """What the list of a night is made by: what the council offers, what the team decided, and the last list before."""
    earlier = [path for path in workspace.nights.glob("????-??-??") if path.name < as_of.isoformat()]
    before, since = read_before(max(earlier, default=None))
    decided = read_decisions(workspace).filter(pl.col("decided_on") <= as_of)
    return Basis(read_offers_of(workspace.root), decided, before, since)


def open_registry(workspace: Workspace, settings: Settings) -> Registry:
    """The register of models: the one that the settings name, or the workspace's own.

    A server keeps its files itself, so that every machine that knows the server can load the model.
    """
    address = settings.registry or workspace.registry
    return Registry(address, None if address.startswith("http") else workspace.artifacts, settings.outcome)


def without_passwords(settings: Settings) -> dict[str, Any]:
    """The settings for a record: a password inside the register's address is left out."""
    told = settings.model_dump()
    if settings.registry:
        told["registry"] = make_url(settings.registry).set(query={}).render_as_string(hide_password=True)
    return told


def choose_as_of(extract: Extract, as_of: date | None) -> date:
    """The night's date: the extract's own. Raises :class:`SettingsError` when another was asked for."""
    day = extract.manifest.extract_date
    if as_of is not None and as_of != day:
        raise SettingsError(
            f"'--as-of' is {as_of} and the extract shows the end of {day}: a night is for the day of its extract. Leave "
            "'--as-of' out, or give the extract of that day."
        )
    return day


@contextmanager
def open_night(
    extract: Extract, root: Path, as_of: date | None, demonstration: bool, registry: str | None, record: RunRecord
) -> Iterator[Night]:
    """Hold the workspace for one night; keep the record of a night that stops, and nothing else of it.

    Raises what the night raises. A night that was refused for privacy leaves nothing behind.
    """
    day = choose_as_of(extract, as_of)
    workspace = Workspace(root)
    settings = read_settings(root, registry=registry)
    with hold(workspace):
        made = workspace.nights / f".{day}.new"
        shutil.rmtree(made, ignore_errors=True)
        make_private_folder(made)
        night = Night(workspace, settings, read_basis(workspace, day), day, extract, demonstration, made, record)
        record.note(as_of=day, demonstration=demonstration, extract=vars(extract.manifest), settings=without_passwords(settings))
        try:
            yield night
        except PrivacyError:
            raise
        except ScreeningError as error:
            _keep_stopped(night, error)
            raise
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _keep_stopped(night: Night, error: ScreeningError) -> None:
    """Write the stopped night's record, with the checks that it got to."""
    folder = night.workspace.stopped(night.as_of)
    shutil.rmtree(folder, ignore_errors=True)
    make_private_folder(folder)
    if (night.made / "checks").exists():
        shutil.move(night.made / "checks", folder / "checks")
    write_json(folder / "run.json", night.record.finish("stopped", error))


def publish(night: Night) -> Path:
    """Put the finished folder in its place; a stopped record and a notice of the same date are out of date then."""
    place = night.workspace.night(night.as_of)
    publish_folder(night.workspace, night.made, place)
    for out_of_date in (night.workspace.stopped(night.as_of), night.workspace.notice(night.as_of)):
        shutil.rmtree(out_of_date, ignore_errors=True)
    return place
