"""Settings: one frozen object, from ``rereferral.toml`` in the workspace and ``REREFERRAL_*`` variables, checked whole."""

import os
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from models.criteria import Criteria, read_criteria, shipped_criteria
from models.offer_kinds import Offers, read_offers, shipped_offers
from validation.errors import SettingsError
from validation.gate import Limits

FILE_NAME = "rereferral.toml"
CRITERIA_NAME = "criteria.toml"
OFFERS_NAME = "offers.toml"
PREFIX = "REREFERRAL_"

APPROVER_ROLES = (
    "Director of Children's Services",
    "Assistant Director of Children's Services",
    "Head of Service",
    "Principal Social Worker",
)
"""Who may put a model into use, unless a council says otherwise: those who answer for practice, none who builds the model."""

Role = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]

# Variables that are no settings: the council's key, a fault shown in full, and what ``prefect.yaml`` reads.
OTHER_VARIABLES = frozenset({"REREFERRAL_KEY", "REREFERRAL_TRACEBACK", "REREFERRAL_SOURCE", "REREFERRAL_WORKSPACE"})


class LimitSettings(BaseModel):
    """When the gate stops a night; shares between 0 and 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    set_aside: float = Field(0.05, ge=0, le=1)
    withdrawn: float = Field(0.05, ge=0, le=1)
    collapse: float = Field(0.5, ge=0, le=1)

    def to_limits(self) -> Limits:
        """The limits as the gate takes them."""
        return Limits(self.set_aside, self.withdrawn, self.collapse)


class ReturnSettings(BaseModel):
    """The published return that each night is held against: a path from the workspace, and whether a mismatch stops the night."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path | None = None
    stop: bool = False


class Settings(BaseSettings):
    """Everything that a council may set, but for criteria and offers, which have files of their own.

    ``seed`` drives the shuffle of equal chances and every random choice in training. ``registry`` is an MLflow tracking
    address; without one, the workspace's own ``mlflow.db``. ``bags`` is the number of models of families drawn again that the
    glass box is made of, behind its ranges. ``approver_roles`` may put a model into use. ``retention_years``
    is how long a child is kept after the last that is on record of it; without one nobody is past it, since how long a council
    keeps what is for its own retention schedule to say.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid")

    seed: int = Field(20, ge=0, le=2**32 - 1)
    outcome: Literal["new_referral_within_12_months", "returns_within_12_months_of_closing"] = "new_referral_within_12_months"
    stale_after_days: int = Field(3, ge=1)
    bags: int = Field(16, ge=2, le=100)
    retention_years: int | None = Field(None, ge=1, le=100)
    registry: str | None = Field(None, pattern=r"^[a-z0-9+]+://")
    approver_roles: tuple[Role, ...] = Field(APPROVER_ROLES, min_length=1)
    limits: LimitSettings = LimitSettings()
    returns: ReturnSettings = ReturnSettings()

    toml_file: ClassVar[Path | None] = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the workspace's file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, cls.toml_file)


def read_settings(workspace: Path, **given: Any) -> Settings:
    """The settings of a workspace. Raises :class:`SettingsError` that lists every fault."""
    file = workspace / FILE_NAME

    class WorkspaceSettings(Settings):
        toml_file: ClassVar[Path | None] = file if file.exists() else None

    faults = [f"'{name}': unknown" for name in _unknown_variables()]
    try:
        settings = WorkspaceSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults += [f"'{'.'.join(str(part) for part in fault['loc'])}': {fault['msg'].lower()}" for fault in error.errors()]
    except ValueError as error:
        raise SettingsError(f"'{FILE_NAME}' or a variable cannot be read: {error}. Correct it and run again.") from None
    if faults:
        raise SettingsError(
            f"Settings from '{FILE_NAME}' and {PREFIX}* variables: {'; '.join(faults)}. Allowed settings: "
            f"{', '.join(sorted(Settings.model_fields))}."
        )
    return settings


def _unknown_variables() -> list[str]:
    """Variables with the project's prefix that name no setting: most likely a slip of the pen."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | OTHER_VARIABLES
    ours = [name for name in os.environ if name.upper().startswith(PREFIX)]
    return sorted(name for name in ours if name.upper().split("__")[0] not in known)


def read_criteria_of(workspace: Path) -> Criteria:
    """The criteria in force: the workspace's own ``criteria.toml``, or those that are shipped."""
    own = workspace / CRITERIA_NAME
    return read_criteria(own.read_text(encoding="utf-8") if own.exists() else shipped_criteria())


def read_offers_of(workspace: Path) -> Offers:
    """What the council offers, and to whom: the workspace's own ``offers.toml``, or what is shipped."""
    own = workspace / OFFERS_NAME
    return read_offers(own.read_text(encoding="utf-8") if own.exists() else shipped_offers())
