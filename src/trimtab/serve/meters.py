"""What Prometheus can ask: names begin with `trimtab_`, base units, no ids in labels.

Workers share a socket, so whichever is asked tells the figures of all, each under its name in the label `worker`: every
supervised worker leaves its page beside its lock once a second, and reads those of the others when it is asked.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from trimtab import clock

STAGES = ("decode", "check", "encode", "model", "log")
FRESH_SECONDS = 5.0
"""A page that is older was left by a worker that is gone."""
_SECONDS = (1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5)


class Meters:
    """The counters, gauges and histograms of one worker in a registry of their own, so that two never mix."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the moment a counter was made helps nobody
        registry = CollectorRegistry()
        ProcessCollector(namespace="trimtab", registry=registry)
        self.registry = registry
        self.requests = Counter("trimtab_requests", "Requests answered.", ("route", "code"), registry=registry)
        self.problems = Counter("trimtab_problems", "Answers of the ladder.", ("route", "problem"), registry=registry)
        self.latency = Histogram(
            "trimtab_request_seconds", "Whole request.", ("route",), buckets=_SECONDS, registry=registry
        )
        self.predictions = Counter("trimtab_predictions", "Rows asked about.", ("result",), registry=registry)
        self.outcomes = Counter("trimtab_outcomes", "Outcomes sent.", ("state",), registry=registry)
        self.warnings = Counter("trimtab_warnings", "Warnings in answers.", ("kind",), registry=registry)
        self.rejected = Counter(
            "trimtab_rejected_fields", "Fields that broke the contract.", ("field", "reason"), registry=registry
        )
        self.unlogged = Counter("trimtab_unlogged", "Answers given without being kept.", registry=registry)
        self.load_failures = Counter("trimtab_load_failures", "Versions that did not load.", registry=registry)
        self.epoch = Gauge("trimtab_epoch", "Epoch of the Trim that answers; 0 before the first.", registry=registry)
        self.version = Gauge("trimtab_version_info", "The champion.", ("model", "version"), registry=registry)
        self.spool_records = Gauge("trimtab_spool_records", "Records not yet in the lake.", registry=registry)
        self.spool_oldest = Gauge("trimtab_spool_oldest_seconds", "Age of the oldest of them.", registry=registry)
        latency = Histogram(
            "trimtab_latency_seconds", "Time of one request by stage.", ("stage",), buckets=_SECONDS, registry=registry
        )
        # A bound child saves a lookup by label in each request.
        self.stages = {stage: latency.labels(stage) for stage in STAGES}

    def count_request(self, route: str, status: int, problem: str, seconds: float) -> None:
        """Count one request; `problem` is the code of the ladder that answered it, or empty."""
        self.requests.labels(route, str(status)).inc()
        self.latency.labels(route).observe(seconds)
        if problem:
            self.problems.labels(route, problem).inc()

    def count_warnings(self, warnings: Iterable[str]) -> None:
        """Count warnings by kind: the part before the colon, which the contract or the server chose."""
        for warning in warnings:
            self.warnings.labels(warning.partition(":")[0]).inc()

    def time_stages(self, nanoseconds: Mapping[str, int]) -> None:
        """Add one request's time to each stage."""
        for stage, spent in nanoseconds.items():
            self.stages[stage].observe(spent / 1e9)

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
