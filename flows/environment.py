"""Environment of the libraries: telemetry off, private files, patience. Set before any of them is imported."""

import os

QUIET = {
    "DO_NOT_TRACK": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # a busy machine needs longer than the default
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
}


def quieten() -> None:
    """Turn off every library's telemetry, unless the operator set a value, and make new files private to their owner.

    The log is kept to what an operator must see: set PREFECT_LOGGING_LEVEL to see each step.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    os.umask(0o077)
