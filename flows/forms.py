"""The forms in which an invented authority can be written. Light to import, so that ``--help`` answers at once."""

from enum import StrEnum


class Form(StrEnum):
    """What is written for an invented authority."""

    SSD = "ssd"
    CENSUS = "census"
    ANNEX_A = "annex-a"
    SYSTEMC = "systemc"
    MOSAIC = "mosaic"
    ECLIPSE = "eclipse"


class File(StrEnum):
    """How the tables of the form ``ssd`` are written."""

    PARQUET = "parquet"
    CSV = "csv"
