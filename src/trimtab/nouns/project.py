"""One prediction problem as trimtab.toml declares it. `config.py` reads and checks the file; this is what it means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
class PageSpec:
    """`page = {...}` of an API source: how its reply is cut into pages."""

    style: Literal["none", "page"] = "none"
    param: str = "page"
    size_param: str = ""
    size: int = 500


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """`[sources.NAME]`: where raw rows or outcomes come from. Each kind reads the fields that it needs.

    files      path, pattern, format, csv, max_bytes
    database   url, table, cursor, key, overlap, chunk
    api        url, records, page, headers, key, timeout, retries, allow_private
    outcomes   (role, any kind) key, value, known_at: the columns with the row's key, the label and when it was known
    """

    name: str
    kind: Literal["files", "database", "api"]
    path: Path = Path()
    pattern: str = "*"
    format: Literal["csv", "parquet"] = "csv"
    csv: CsvForm = CsvForm()
    max_bytes: int = 20_000_000_000
    url: str = field(default="", repr=False)
    table: str = ""
    cursor: str = ""
    key: tuple[str, ...] = ()
    overlap: timedelta = timedelta(0)
    chunk: int = 50_000
    role: Literal["rows", "outcomes"] = "rows"
    value: str = ""
    known_at: str = ""
    records: str = ""
    page: PageSpec = PageSpec()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: timedelta = timedelta(seconds=10)
    retries: int = 5
    allow_private: bool = False

    @property
    def is_text(self) -> bool:
        """Whether every value arrives as text, as from a CSV file."""
        return self.kind == "files" and self.format == "csv"


@dataclass(frozen=True, slots=True)
class PipelineSpec:
    """`[pipeline]`: the SQL that makes candidate rows from raw tables.

    `watermark` names a time column of its result: rows more than `lateness` below the newest one are final.
    """

    sql: Path | None = None
    watermark: str = ""
    lateness: timedelta = timedelta(days=3)


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
    pipeline: PipelineSpec = PipelineSpec()
    train: TrainSpec = TrainSpec()
    cost: CostSpec = CostSpec()
    monitor: MonitorSpec = MonitorSpec()
    triggers: TriggerSpec = TriggerSpec()
    retrain: RetrainSpec = RetrainSpec()
    gates: GateSpec = GateSpec()
    serve: ServeSpec = ServeSpec()
