"""A one-way mirror of trials and Versions in an MLflow server, for people who look there. trimtab never reads it back.

A run is named for good by the tag `trimtab.key`: what the server has under that name is not sent twice, and what it
has by half is finished.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import Any, Literal

import httpx

from trimtab import config
from trimtab.errors import HostError

KEY = "trimtab.key"
PATIENCE = 3.0
"""Seconds in which a server has to say that it is there."""
_LONGEST = 5000
"""Characters of a tag or parameter; MLflow refuses longer ones."""
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of MLflow shows: one fit of a search, or one Version."""

    key: str
    name: str
    status: Literal["FINISHED", "FAILED", "KILLED"]
    started: datetime
    ended: datetime
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


def reach(address: str) -> None:
    """Raise HostError where no server answers there within a few seconds, or MLflow's client is not installed."""
    try:
        httpx.get(f"{address.rstrip('/')}/health", timeout=PATIENCE)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        hint = "start it, or correct [tracking] mlflow in trimtab.toml"
        raise HostError(f"The server of [tracking] mlflow does not answer: {error}.", hint=hint) from error
    if find_spec("mlflow") is None:
        raise HostError("MLflow's client is not installed.", hint="pip install 'trimtab[mlflow]'")


class Mirror:
    """One experiment of an MLflow server. Every verb raises HostError where the server does not do its part."""

    def __init__(self, address: str, experiment: str) -> None:
        self._address = address
        self._name = experiment
        self._client: Any = None
        self._experiment = ""
        self._known: dict[str, tuple[str, bool]] = {}

    def open(self) -> "Mirror":
        """Return the mirror with what the server has already."""
        reach(self._address)
        config.quiet_mlflow()
        from mlflow import MlflowClient  # takes seconds, and only a project with a mirror needs it

        try:
            self._client = MlflowClient(tracking_uri=self._address)
            found = self._client.get_experiment_by_name(self._name)
            self._experiment = found.experiment_id if found else self._client.create_experiment(self._name)
            self._known = dict(self._read_known())
        except Exception as error:  # a server and its client are somebody else's: whatever they raise is the reason
            raise _tell(error) from error
        return self

    def put(self, run: Run) -> None:
        """Write one run, unless the server has it."""
        found, whole = self._known.get(run.key, ("", False))
        if whole:
            return
        try:
            found = found or self._create(run)
            self._fill(found, run)
        except Exception as error:  # as above
            raise _tell(error) from error
        self._known[run.key] = (found, True)

    def _read_known(self) -> Any:
        """Yield the key of every run with its id and whether it was written to its end."""
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment], filter_string=f"tags.`{KEY}` LIKE '%'", max_results=_PAGE, page_token=token
            )
            yield from ((one.data.tags[KEY], (one.info.run_id, one.info.status != "RUNNING")) for one in page)
            token = page.token
            if not token:
                return

    def _create(self, run: Run) -> str:
        started = _milliseconds(run.started)
        made = self._client.create_run(self._experiment, started, tags={KEY: run.key}, run_name=run.name)
        return str(made.info.run_id)

    def _fill(self, id_: str, run: Run) -> None:
        from mlflow.entities import Metric, Param, RunTag

        # The moment of a metric is the run's own, so that a second writing of the same is the same.
        ended = _milliseconds(run.ended)
        self._client.log_batch(
            id_,
            metrics=[Metric(name, value, ended, 0) for name, value in run.metrics.items()],
            params=[Param(name, value[:_LONGEST]) for name, value in run.params.items()],
            tags=[RunTag(name, value[:_LONGEST]) for name, value in run.tags.items()],
        )
        self._client.set_terminated(id_, run.status, ended)


def _tell(error: Exception) -> HostError:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return HostError(f"The server refuses: {lines[0][:200]}")


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
