"""Everything that can stop a command, each with an exit code of its own.

A message names the thing in quotes, says what is wrong, what is allowed and what to do. It carries counts and
codes, never an identifier or a value of a child.
"""

from typing import ClassVar


class ScreeningError(Exception):
    """A refusal or a stop that an operator can act on.

    ``exit_code`` is what the command line returns, so that the cause is known from the code alone.
    """

    exit_code: ClassVar[int] = 1


class SettingsError(ScreeningError):
    """A setting or an argument is missing, unknown or out of range."""

    exit_code = 10


class ContractError(ScreeningError):
    """The input is not in the shape that the contract asks for."""

    exit_code = 11


class PrivacyError(ScreeningError):
    """The input could identify a person and was refused before anything was written."""

    exit_code = 12


class ChecksError(ScreeningError):
    """The data failed a check that stops the night, or a table that the model needs is missing."""

    exit_code = 13


class ModelError(ScreeningError):
    """There is no approved model that may score this input."""

    exit_code = 14


class SourceError(ScreeningError):
    """The source of the data cannot be reached or read."""

    exit_code = 15


class BusyError(ScreeningError):
    """Another run holds the workspace."""

    exit_code = 16


class LedgerError(ScreeningError):
    """The ledger of scores is broken or disagrees with itself."""

    exit_code = 17


class CriterionError(ScreeningError):
    """A criterion that was set beforehand was missed, or there is too little to train on.

    Criteria are those of a model, and the published figures that an invented authority must meet.
    """

    exit_code = 18
