"""Tests run on two cores: a file's tests stay together, and so do all that share the Prefect server and the trained model."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = "tests/integration/"


class ByFile(LoadScopeScheduling):
    """Deals whole files to the processes, and all integration tests as if they were one."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER if nodeid.startswith(TOGETHER) else nodeid.split("::", maxsplit=1)[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """How pytest-xdist deals tests."""
    return ByFile(config, log)
