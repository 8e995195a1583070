"""What tests of erasure look with: every file of a workspace, opened as far as it can be."""

import io
import zipfile
from pathlib import Path

import polars as pl


def find_in_files(root: Path, text: str) -> list[str]:
    """Files below ``root`` that hold a text, as bytes or in what they pack: tables, workbooks, archives."""
    return sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file() and _holds(file.read_bytes(), text))


def _holds(content: bytes, text: str) -> bool:
    if text.encode() in content:
        return True
    if content[:4] == b"PAR1":
        return text in pl.read_parquet(io.BytesIO(content)).to_struct("row").to_list().__repr__()
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return any(_holds(packed.read(name), text) for name in packed.namelist())
    return False
