"""The trials of a search in the catalog: told as they come, found again when the same search goes on."""

import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from trimtab import clock, metrics
from trimtab.loop.state import Wheel
from trimtab.nouns import Interval, Snapshot
from trimtab.nouns.identity import plain
from trimtab.train.trials import Trial

_LIBRARIES = ("trimtab", "numpy", "scikit-learn", "lightgbm", "optuna")


class CatalogLedger:
    """A ledger whose trials stand in the catalog, under the fingerprint of their rows, contract and settings."""

    def __init__(self, wheel: Wheel, search: str, snapshot: Snapshot) -> None:
        self._wheel = wheel
        self._search = search
        self._facts = {
            "contract": wheel.contract.id,
            "snapshot": plain(snapshot),
            "metric": wheel.project.train.metric or metrics.default(wheel.contract.target.task).name,
            "revision": find_revision(wheel.project.folder),
            "environment": describe_environment(),
        }
        self.finished = bool((wheel.catalog.get_state(self._state) or {}).get("finished"))

    @property
    def _state(self) -> str:
        return f"search/{self._search}"

    def known(self) -> Sequence[Trial]:
        """Return the trials of this search so far, oldest first."""
        return tuple(read_trial(one) for one in self._wheel.catalog.trials.list(self._search))

    def keep(self, trial: Trial) -> None:
        """Append one more trial, with what it was made from and by."""
        told = {**_finite(asdict(trial)), **self._facts, "at": clock.now()}
        self._wheel.catalog.trials.add(self._search, told)

    def finish(self) -> None:
        """Note that the search came to its end: the same rows and settings then repeat its choice."""
        self._wheel.catalog.put_state(self._state, {"finished": True})
        self.finished = True


def read_trial(told: Mapping[str, Any]) -> Trial:
    """Return the trial that stands in the catalog."""
    score = told["score"]
    return Trial(
        family=told["family"],
        params=told["params"],
        state=told["state"],
        seconds=told["seconds"],
        score=None if score is None else Interval(**{name: _number(value) for name, value in score.items()}),
        fitted=told["fitted"],
        reason=told["reason"],
    )


def compare_trials(wheel: Wheel, first: int, second: int) -> dict[str, Any]:
    """Return two trials and what differs: settings by name as pairs, scores, and whether the rows were the same."""
    a, b = wheel.catalog.trials.find(first), wheel.catalog.trials.find(second)
    mine, other = {**a["params"], **a["fitted"]}, {**b["params"], **b["fitted"]}
    names = sorted({*mine, *other})
    settings = {name: [mine.get(name), other.get(name)] for name in names if mine.get(name) != other.get(name)}
    scores = [one["score"] and one["score"]["value"] for one in (a, b)]
    return {
        "trials": [a, b],
        "settings": settings,
        "scores": scores,
        "difference": scores[1] - scores[0] if None not in scores else None,
        "same_rows": a["snapshot"]["fingerprint"] == b["snapshot"]["fingerprint"],
        "same_search": a["search"] == b["search"],
    }


def find_revision(folder: Path) -> str:
    """Return the commit of the project's folder, with `+` where files differ from it; "" where there is none."""
    if shutil.which("git") is None:
        return ""
    commit = _ask_git(folder, "rev-parse", "HEAD")
    changed = _ask_git(folder, "status", "--porcelain", "--untracked-files=no", ".") if commit else ""
    return f"{commit}+" if changed else commit


def describe_environment() -> dict[str, str]:
    """Return the versions of Python and of what a fit depends on, and the machine's kind."""
    libraries = {name: installed(name) for name in _LIBRARIES}
    return {**libraries, "python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}


def _ask_git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _finite(told: Any) -> Any:
    """Return nested values with null for what is no finite number: JSON has no word for it."""
    if isinstance(told, dict):
        return {name: _finite(value) for name, value in told.items()}
    return None if isinstance(told, float) and told - told != 0.0 else told


def _number(value: float | None) -> Any:
    return float("nan") if value is None else value
