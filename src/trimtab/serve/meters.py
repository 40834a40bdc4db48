"""What Prometheus can ask one worker: names begin with `trimtab_`, base units, no ids in labels."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

STAGES = ("decode", "check", "encode", "model", "log")
_SECONDS = (1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5)


class Meters:
    """The counters, gauges and histograms of one worker in a registry of their own, so that two never mix."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        self.requests = Counter("trimtab_requests", "Requests answered.", ("route", "code"), registry=registry)
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

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)
