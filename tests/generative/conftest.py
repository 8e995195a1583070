"""Profiles: a few examples by default, many with ``--hypothesis-profile=proofs``."""

import pytest
from hypothesis import HealthCheck, Phase, settings

import features.episodes

_UNHURRIED = {"deadline": None, "phases": [Phase.explicit, Phase.reuse, Phase.generate], "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}
settings.register_profile("few", max_examples=25, derandomize=True, database=None, **_UNHURRIED)
settings.register_profile("proofs", max_examples=2000, print_blob=True, **_UNHURRIED)
settings.load_profile("few")

SMALL_STOCK = 2  # a stock on which a migration can happen in a world of a few children


@pytest.fixture(autouse=True)
def small_stock(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let two open cases be enough of a stock for a migration day."""
    monkeypatch.setattr(features.episodes, "MIGRATION_STOCK", SMALL_STOCK)
    return SMALL_STOCK
