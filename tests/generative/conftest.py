"""Profiles: a few towns by default, many with ``pytest tests/generative --hypothesis-profile=proofs``."""

import pytest
from hypothesis import HealthCheck, Phase, settings

import features.migrations

# A world hangs on its seed alone, so there is nothing to shrink.
_COMMON = {
    "deadline": None,
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
settings.register_profile("few", max_examples=4, derandomize=True, database=None, **_COMMON)
settings.register_profile("proofs", max_examples=200, print_blob=True, **_COMMON)
settings.load_profile("few")

SMALL_STOCK = 3  # a stock on which a migration can happen in a world of a few children


@pytest.fixture(autouse=True)
def small_stock(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let a few open cases be enough of a stock for a migration day."""
    monkeypatch.setattr(features.migrations, "MIGRATION_STOCK", SMALL_STOCK)
    return SMALL_STOCK
