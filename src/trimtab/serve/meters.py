"""What Prometheus can ask: names begin with `trimtab_`, base units, no ids in labels.

Workers share a socket, so whichever is asked tells the figures of all, each under its name in the label `worker`: every
supervised worker leaves its page beside its lock once a second, and reads those of the others when it is asked.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric

from trimtab import clock

FRESH_SECONDS = 5.0
"""A page that is older was left by a worker that is gone."""
SECONDS: Final = (
    1e-5,
    2.5e-5,
    5e-5,
    1e-4,
    2.5e-4,
    5e-4,
    1e-3,
    2.5e-3,
    5e-3,
    1e-2,
    2.5e-2,
    5e-2,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
)
_NANOSECONDS: Final = tuple(round(bound * 1e9) for bound in SECONDS)
_BOUNDS: Final = (*map(str, SECONDS), "+Inf")


class Counts:
    """A counter by labels, for the event loop's thread: a dictionary costs a tenth of a bound child and its lock."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self._head = (name, text, labels)
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, *values: str) -> None:
        """Count one under these values of the labels."""
        self._counts[values] = self._counts.get(values, 0) + 1

    def collect(self) -> Iterable[Metric]:
        """Give Prometheus what was counted."""
        name, text, labels = self._head
        family = CounterMetricFamily(name, text, labels=labels)
        for values, count in self._counts.items():
            family.add_metric(values, count)
        yield family


class Times:
    """A histogram of durations by one label, likewise."""

    def __init__(self, name: str, text: str, label: str) -> None:
        self._head = (name, text, label)
        self._places: dict[str, list[int]] = {}
        self._sums: dict[str, int] = {}

    def add(self, value: str, nanoseconds: int) -> None:
        """Add one duration under a value of the label."""
        places = self._places.get(value)
        if places is None:
            places, self._sums[value] = self._places.setdefault(value, [0] * (len(SECONDS) + 1)), 0
        places[bisect_left(_NANOSECONDS, nanoseconds)] += 1
        self._sums[value] += nanoseconds

    def collect(self) -> Iterable[Metric]:
        """Give Prometheus the durations so far; a bucket counts all that are as long as its bound or shorter."""
        name, text, label = self._head
        family = HistogramMetricFamily(name, text, labels=[label])
        for value, places in self._places.items():
            buckets = list(zip(_BOUNDS, map(float, accumulate(places)), strict=True))
            family.add_metric([value], buckets, self._sums[value] / 1e9)
        yield family


class Meters:
    """The counters, gauges and histograms of one worker in a registry of their own, so that two never mix."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the moment a counter was made helps nobody
        registry = CollectorRegistry()
        ProcessCollector(namespace="trimtab", registry=registry)
        self.registry = registry
        self.requests = Counts("trimtab_requests", "Requests answered.", "route", "code")
        self.problems = Counts("trimtab_problems", "Answers of the ladder.", "route", "problem")
        self.latency = Times("trimtab_request_seconds", "Whole request.", "route")
        self.predictions = Counts("trimtab_predictions", "Rows asked about.", "result")
        self.outcomes = Counts("trimtab_outcomes", "Outcomes sent.", "state")
        self.warnings = Counts("trimtab_warnings", "Warnings in answers.", "kind")
        self.rejected = Counts("trimtab_rejected_fields", "Fields that broke the contract.", "field", "reason")
        self.stages = Times("trimtab_latency_seconds", "Time of one request by stage.", "stage")
        for own in vars(self).copy().values():
            if isinstance(own, (Counts, Times)):
                registry.register(own)
        self.unlogged = Counter("trimtab_unlogged", "Answers given without being kept.", registry=registry)
        self.load_failures = Counter("trimtab_load_failures", "Versions that did not load.", registry=registry)
        self.epoch = Gauge("trimtab_epoch", "Epoch of the Trim that answers; 0 before the first.", registry=registry)
        self.version = Gauge("trimtab_version_info", "The champion.", ("model", "version"), registry=registry)
        self.spool_records = Gauge("trimtab_spool_records", "Records not yet in the lake.", registry=registry)
        self.spool_oldest = Gauge("trimtab_spool_oldest_seconds", "Age of the oldest of them.", registry=registry)

    def count_request(self, route: str, status: int, problem: str, nanoseconds: int) -> None:
        """Count one request; `problem` is the code of the ladder that answered it, or empty."""
        self.requests.add(route, str(status))
        self.latency.add(route, nanoseconds)
        if problem:
            self.problems.add(route, problem)

    def count_warnings(self, warnings: Iterable[str]) -> None:
        """Count warnings by kind: the part before the colon, which the contract or the server chose."""
        for warning in warnings:
            self.warnings.add(warning.partition(":")[0])

    def time_stages(self, nanoseconds: Mapping[str, int]) -> None:
        """Add one request's time to each stage."""
        for stage, spent in nanoseconds.items():
            self.stages.add(stage, spent)

    def show_version(self, model: str, version: str, epoch: int) -> None:
        """Say which Version and which epoch answer now."""
        self.version.clear()
        self.version.labels(model, version).set(1)
        self.epoch.set(epoch)

    def page(self) -> str:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry).decode()


class Pages:
    """The pages of all workers of a folder: this one's is made when it is asked for, the others' are read."""

    def __init__(self, folder: Path, worker: str) -> None:
        self._folder, self._worker = folder, worker

    def leave(self, page: str) -> None:
        """Leave this worker's page for the others. What the disk does not take is missing there, and nowhere else."""
        draft = self._folder / f".metrics-{self._worker}"
        with suppress(OSError):
            draft.write_text(page, encoding="utf-8")
            draft.rename(self._folder / f"metrics-{self._worker}")

    def gather(self, page: str) -> bytes:
        """Return this worker's page and those of the living others as one."""
        return merge({self._worker: page, **dict(self._others())}).encode()

    def _others(self) -> Iterable[tuple[str, str]]:
        oldest = clock.now().timestamp() - FRESH_SECONDS
        for path in self._folder.glob("metrics-*"):
            worker = path.name.removeprefix("metrics-")
            with suppress(OSError):
                if worker != self._worker and path.stat().st_mtime >= oldest:
                    yield worker, path.read_text(encoding="utf-8")


def merge(pages: Mapping[str, str]) -> str:
    r"""Return one page of several workers' pages: every sample gets its worker, every figure its head once.

    >>> one, two = "# TYPE a gauge\na 1.0\n", '# TYPE a gauge\na{x="y"} 2.0\n'
    >>> print(merge({"w0": one, "w1": two}), end="")
    # TYPE a gauge
    a{worker="w0"} 1.0
    a{x="y",worker="w1"} 2.0
    """
    heads: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = {}
    for worker, page in sorted(pages.items()):
        name = ""
        for line in page.splitlines():
            if line.startswith("#"):
                name = line.split(" ", 3)[2]
                head = heads.setdefault(name, [])
                if line not in head:
                    head.append(line)
            else:
                samples.setdefault(name, []).append(_mark(line, worker))
    return "".join(f"{line}\n" for name, head in heads.items() for line in (*head, *samples.get(name, ())))


def _mark(sample: str, worker: str) -> str:
    """Return a sample with its worker as the last label; the value stands behind the last space."""
    series, _, value = sample.rpartition(" ")
    labels = f'{series[:-1]},worker="{worker}"}}' if series.endswith("}") else f'{series}{{worker="{worker}"}}'
    return f"{labels} {value}"
