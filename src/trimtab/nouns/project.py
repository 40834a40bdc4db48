"""One prediction problem as trimtab.toml declares it. `config.py` reads and checks the file; this is what it means."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

Span = timedelta | int
"""A stretch of the record: a duration, or a number of rows."""


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How a CSV file is written, detected once by `init` and pinned."""

    delimiter: str = ","
    encoding: str = "utf-8"
    quote: str = '"'
    decimal: str = "."


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """`[sources.NAME]`: where raw rows or outcomes come from."""

    name: str
    kind: Literal["files"]
    path: Path
    pattern: str = "*"
    format: Literal["csv", "parquet"] = "csv"
    csv: CsvForm = CsvForm()
    max_bytes: int = 20_000_000_000


@dataclass(frozen=True, slots=True)
class TrainSpec:
    """`[train]`: which families compete, on which rows, by which metric."""

    families: tuple[str, ...] = ("baseline", "linear", "boosting")
    metric: str = ""
    window: Span | None = None
    min_rows: int = 200
    validation: float = 0.15
    calibration: float = 0.10
    test: float = 0.15
    gap: timedelta | None = None
    seed: int = 7
    threads: int = 0


@dataclass(frozen=True, slots=True)
class CostSpec:
    """`[cost]`: what mistakes cost; the threshold is the cheapest one on the calibration part."""

    false_positive: float = 1.0
    false_negative: float = 1.0


@dataclass(frozen=True, slots=True)
class MonitorSpec:
    """`[monitor]`: how Predictions are cut into Windows."""

    window: Span = timedelta(days=1)
    min_rows: int = 200
    min_labels: int = 100


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """`[triggers]`: which measured differences fire a retrain.

    `arl` is the average number of windows between false alarms that the risk trigger guarantees.
    """

    use: tuple[str, ...] = ("risk", "growth")
    arl: float = 1000.0
    tolerance_absolute: float = 0.005
    tolerance_relative: float = 0.10
    growth: float = 1.5


@dataclass(frozen=True, slots=True)
class RetrainSpec:
    """`[retrain]`: how often a retrain may happen. A cool-down counts time or windows."""

    cooldown: timedelta | None = timedelta(days=1)
    cooldown_windows: int = 0
    per_month: int = 10


@dataclass(frozen=True, slots=True)
class GateSpec:
    """`[gates]`: what a challenger must pass, and the newest share of rows kept from it for that purpose."""

    use: tuple[str, ...] = ("golden", "paired")
    evidence: float = 20.0
    holdout: float = 0.15


@dataclass(frozen=True, slots=True)
class Limits:
    """`[serve] limits`: bytes of a body, rows of a request, seconds to send it, requests in the queue."""

    body: int = 1_000_000
    rows: int = 1000
    seconds: float = 10.0
    queue: int = 256


@dataclass(frozen=True, slots=True)
class ServeSpec:
    """`[serve]`: address, durability of the log, strictness and limits."""

    host: str = "127.0.0.1"
    port: int = 8000
    log: Literal["required", "best_effort"] = "required"
    extra_fields: Literal["warn", "reject"] = "warn"
    fallback: Literal["previous", "base_rate", "none"] = "previous"
    limits: Limits = Limits()
    docs: bool = True


@dataclass(frozen=True, slots=True)
class Project:
    """A whole trimtab.toml, paths made absolute. `folder` holds the file, `state` everything that trimtab keeps."""

    name: str
    folder: Path
    state: Path
    contract: Path
    question: str = ""
    sources: tuple[SourceSpec, ...] = ()
    train: TrainSpec = TrainSpec()
    cost: CostSpec = CostSpec()
    monitor: MonitorSpec = MonitorSpec()
    triggers: TriggerSpec = TriggerSpec()
    retrain: RetrainSpec = RetrainSpec()
    gates: GateSpec = GateSpec()
    serve: ServeSpec = ServeSpec()
