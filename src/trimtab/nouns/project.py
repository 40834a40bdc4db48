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
    """`page = {...}` of an API source: how its reply is cut into pages.

    `param` is the parameter that asks for a page ("" means: named like the style), `next` the dotted path in a reply to
    the next cursor (style "cursor") or the next URL (style "link"; "" means the Link header).
    """

    style: Literal["none", "page", "offset", "cursor", "link"] = "none"
    param: str = ""
    size_param: str = ""
    size: int = 500
    next: str = ""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """`[sources.NAME]`: where raw rows or outcomes come from. Each kind reads the fields that it needs.

    files      path (or url, in an object store), pattern, format, csv, sheet, settle, max_bytes, max_expansion
    database   url, table or query, cursor, key, overlap, chunk, timeout
    api        url, format, records, page, headers, key, cursor, after, overlap, timeout, rate, retries, allow_*
    outcomes   (role, any kind) key, value, known_at: the columns with the row's key, the label and when it was known
    """

    name: str
    kind: Literal["files", "database", "api"]
    path: Path = Path()
    pattern: str = "*"
    format: Literal["csv", "parquet", "json", "jsonl", "excel"] = "csv"
    csv: CsvForm = CsvForm()
    sheet: str = ""
    settle: timedelta = timedelta(0)
    max_bytes: int = 20_000_000_000
    max_expansion: int = 100
    url: str = field(default="", repr=False)
    table: str = ""
    query: str = ""
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
    after: str = ""
    timeout: timedelta | None = None
    rate: float = 0.0
    retries: int = 5
    allow_private: bool = False
    allow_hosts: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether every value arrives as text, as from a CSV file or a workbook."""
        return self.kind != "database" and self.format in {"csv", "excel"}

    @property
    def patience(self) -> timedelta:
        """How long one wait may last: `timeout`, or what is usual: a statement takes longer than a web server."""
        return self.timeout or (timedelta(minutes=10) if self.kind == "database" else timedelta(seconds=10))


@dataclass(frozen=True, slots=True)
class PipelineSpec:
    """`[pipeline]`: the SQL, or the `function` of a Python file, that makes candidate rows from raw tables.

    `watermark` names a time column of its result: rows more than `lateness` below the newest one are final.
    """

    sql: Path | None = None
    python: Path | None = None
    function: str = ""
    watermark: str = ""
    lateness: timedelta = timedelta(days=3)

    @property
    def file(self) -> Path | None:
        """The pipeline's text; None where the source's row is the row."""
        return self.sql or self.python


@dataclass(frozen=True, slots=True)
class TrainSpec:
    """`[train]`: which families compete, on which rows, by which metric, and how long settings are searched.

    `groups` are columns whose rows of one value never stand in two parts; `coverage` is the share of a regression's
    truths that its interval holds.
    """

    families: tuple[str, ...] = ("baseline", "linear", "boosting", "ensemble", "forest")
    metric: str = ""
    budget: timedelta = timedelta(seconds=60)
    window: Span | None = None
    min_rows: int = 200
    validation: float = 0.15
    calibration: float = 0.10
    test: float = 0.15
    gap: timedelta | None = None
    groups: tuple[str, ...] = ()
    coverage: float = 0.9
    seed: int = 7
    threads: int = 0


@dataclass(frozen=True, slots=True)
class CostSpec:
    """`[cost]`: what mistakes cost; the threshold is the cheapest one on the calibration part.

    `target` asks for a least recall or precision instead. `by_class` is what mistaking a row of a class costs.
    """

    false_positive: float = 1.0
    false_negative: float = 1.0
    target: Mapping[str, float] = field(default_factory=dict)
    by_class: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SliceSpec:
    """`[slices]`: the columns whose values are reported one by one; those of `protected` may not get worse answers."""

    by: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All declared columns, each once."""
        return tuple(dict.fromkeys((*self.by, *self.protected)))


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

    use: tuple[str, ...] = ("risk", "every", "growth")
    arl: float = 1000.0
    tolerance_absolute: float = 0.005
    tolerance_relative: float = 0.10
    growth: float = 1.5
    max_age: timedelta = timedelta(days=90)
    schedule: str = ""
    labels: int = 0


@dataclass(frozen=True, slots=True)
class TrimSpec:
    """`[trim]`: how what answers is corrected between retrains.

    `versions` is how many may answer together, `recalibrate` whether their answers are corrected; `eta` and `share`
    move the weights, `inertia` is the share of the layer of five windows ago, and beyond `max_label_delay` windows
    labels come too late for quick corrections.
    """

    versions: int = 3
    recalibrate: bool = True
    eta: float = 5.0
    share: float = 0.1
    inertia: float = 0.25
    max_label_delay: float = 2.0

    @property
    def is_plain(self) -> bool:
        """Whether one Version answers, just as it was fitted."""
        return self.versions == 1 and not self.recalibrate


@dataclass(frozen=True, slots=True)
class RetrainSpec:
    """`[retrain]`: how often a retrain may happen. A cool-down counts time or windows.

    `every` is how many windows after the last fit the trigger of that name asks for one; 0: never. `cost` is what one
    costs, in the unit of `[cost]`; `limit` is the time that one may take, in a child process of its own (0: no
    limit, and no child).
    """

    every: float = 14.0
    cost: float = 0.0
    cooldown: timedelta | None = timedelta(days=1)
    cooldown_windows: int = 0
    per_month: int = 10
    limit: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class GateSpec:
    """`[gates]`: what a challenger must pass, and the newest share of rows kept from it for that purpose.

    Where exactly one Version answers (`[promote] style = "switch"`), the gate `paired` is asked as well. A latency or
    size of 0 is no limit; with `approval` a person has the last word.
    """

    use: tuple[str, ...] = ("parity", "golden", "latency", "floor", "slices", "not_worse")
    evidence: float = 20.0
    margin: float = 0.05
    floor: Mapping[str, float] = field(default_factory=dict)
    latency: timedelta = timedelta(milliseconds=5)
    size: int = 200_000_000
    holdout: float = 0.15
    approval: bool = False


@dataclass(frozen=True, slots=True)
class PromoteSpec:
    """`[promote]`: what becomes of a challenger that the gates let in.

    `switch`: it answers alone where the gates pass; what it replaced is asked in shadow for `windows`, and put back at
    `evidence`. `blend`: it shares with its predecessor and earns its weight; a
    predecessor whose weight has stayed below `retire_below` for `windows` leaves.
    """

    style: Literal["blend", "switch"] = "blend"
    retire_below: float = 0.06
    windows: int = 5
    evidence: float = 20.0


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
    workers: int = 1
    access_log: Literal["none", "failed", "all"] = "failed"


@dataclass(frozen=True, slots=True)
class LoopSpec:
    """`[loop]`: the pause between two turns of `trimtab up`, and how often the drills of readiness are due.

    `drills` None: never.
    """

    every: timedelta = timedelta(minutes=1)
    drills: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A whole trimtab.toml, paths made absolute. `folder` holds the file, `state` everything that trimtab keeps.

    `keep` is how long rows, Predictions and Outcomes stay after their arrival; None is for ever. `mlflow` is the
    address of the server that trials and Versions are mirrored to; "" is none.
    """

    name: str
    folder: Path
    state: Path
    contract: Path
    question: str = ""
    sources: tuple[SourceSpec, ...] = ()
    pipeline: PipelineSpec = PipelineSpec()
    train: TrainSpec = TrainSpec()
    cost: CostSpec = field(default_factory=CostSpec)
    slices: SliceSpec = SliceSpec()
    monitor: MonitorSpec = MonitorSpec()
    triggers: TriggerSpec = TriggerSpec()
    trim: TrimSpec = TrimSpec()
    retrain: RetrainSpec = RetrainSpec()
    gates: GateSpec = field(default_factory=GateSpec)
    promote: PromoteSpec = PromoteSpec()
    serve: ServeSpec = ServeSpec()
    loop: LoopSpec = LoopSpec()
    keep: timedelta | None = None
    mlflow: str = ""
