"""Tests run on two cores: a file's tests stay together, and so do all that share the Prefect server and the trained model."""

from pathlib import Path

import pytest

TOGETHER = "integration"


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the group of each test; whole groups are dealt to the processes (pytest-xdist's ``loadgroup``)."""
    for item in items:
        folder = Path(item.path).parent.name
        item.add_marker(pytest.mark.xdist_group(TOGETHER if folder == TOGETHER else str(item.path)))
