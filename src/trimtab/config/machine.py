"""What this process was given: environment variables and a share of the processors."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from trimtab.errors import ConfigError

SHORTEST_KEY: Final = 32


def environment(name: str, default: str = "") -> str:
    """Return an environment variable, or `default` where it is not set."""
    return os.environ.get(name, default)


def variables() -> Mapping[str, str]:
    """Return all environment variables."""
    return os.environ


def pii_key() -> str:
    """Return the secret under which personal values are hashed. Raises ConfigError where it is not set or too short."""
    key = environment("TRIMTAB_PII_KEY")
    if len(key) >= SHORTEST_KEY:
        return key
    what = f"is shorter than {SHORTEST_KEY} characters" if key else "is not set"
    hint = (
        'make one with `python3 -c "import secrets; print(secrets.token_hex(32))"`, set TRIMTAB_PII_KEY to it wherever '
        "trimtab runs, and keep it: under another key the same value gets another hash"
    )
    raise ConfigError(f"contract.toml has columns with pii = true, but TRIMTAB_PII_KEY {what}.", hint=hint)


def calm_threads() -> None:
    """Tell OpenMP's threads to wait without spinning, unless the environment says otherwise.

    It counts only before a library that brings OpenMP is loaded. Beside a busy server two spinning threads took up to
    twenty times as long for a fit as one.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def quiet_mlflow() -> None:
    """Tell MLflow's client to report to nobody else, and to give up soon, unless the environment says otherwise.

    It counts only before the client is imported.
    """
    for name, value in (
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "5"),
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1"),
    ):
        os.environ.setdefault(name, value)


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Return how many threads are worth starting: the processors allowed, or the container's quota where less.

    Libraries that count the machine's processors instead run many times slower in a small container.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        limit, period = quota.read_text().split()
        share = allowed if limit == "max" else max(1, int(limit) // int(period))
    except (OSError, ValueError):
        share = allowed
    return max(1, min(allowed, share))
