"""The shape of trimtab.toml: every documented key with its default, and which of them wait for a later release."""

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from trimtab.config.schedule import read_schedule
from trimtab.config.shapes import Duration, Later, Section, Size, Stretch, read_duration

AUTO = timedelta(-1)

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


def _read_cooldown(value: object) -> timedelta | int:
    found = re.fullmatch(r"(\d+) windows?", value) if isinstance(value, str) else None
    return int(found[1]) if found else read_duration(value)


def _read_alarms(value: object) -> float:
    found = re.fullmatch(r"1 in (\d+) windows", value) if isinstance(value, str) else None
    if not found or int(found[1]) < 2:
        raise ValueError('write it as "1 in 1000 windows"')
    return float(found[1])


def _read_timeout(value: object) -> timedelta | None:
    return None if value is None else read_duration(value)


def _read_rate(value: object) -> float:
    """Return requests per second of "5/s", "100/m" or "2000/h"; "" is 0, no limit."""
    found = re.fullmatch(r"(\d+)/([smh])", value) if isinstance(value, str) else None
    if value == "":
        return 0.0
    if not found or not int(found[1]):
        raise ValueError('write a rate as "5/s", "100/m" or "2000/h"')
    return int(found[1]) / {"s": 1, "m": 60, "h": 3600}[found[2]]


def _read_windows(value: object) -> float:
    """Return the number of "12 windows"; "" is 0, none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) windows?", value) if isinstance(value, str) else None
    if value == "":
        return 0.0
    if not found:
        raise ValueError('write it as "12 windows"')
    return float(found[1])


def _read_latency(value: object) -> timedelta:
    """Return the duration of "5ms" or "1s"; "" is 0, no limit."""
    found = re.fullmatch(r"(\d+)ms", value) if isinstance(value, str) else None
    return timedelta(0) if value == "" else timedelta(milliseconds=int(found[1])) if found else read_duration(value)


def _check_schedule(text: str) -> str:
    if text:
        read_schedule(text)
    return text


def _read_keep(value: object) -> timedelta | None:
    return None if value == "" else read_duration(value)


def _read_pause(value: object) -> timedelta:
    pause = read_duration(value)
    if not pause:
        raise ValueError("a turn needs a pause of at least a second behind it")
    return pause


def _read_drills(value: object) -> timedelta | None:
    return None if value == "" else _read_pause(value)


def _read_gap(value: object) -> timedelta:
    return AUTO if value == "auto" else read_duration(value)


def _read_window(value: object) -> object:
    return None if value == "all" else value


Windows = Annotated[float, BeforeValidator(_read_windows)]


class ProjectTable(Section):
    """`[project]`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    question: str = ""
    contract: str = "contract.toml"


class StoreTable(Section):
    """`[store]`."""

    folder: str = ".trimtab"
    catalog: Annotated[str, Later("")] = ""
    lake: Annotated[str, Later("")] = ""
    blobs: Annotated[str, Later("")] = ""
    keep: Annotated[timedelta | None, BeforeValidator(_read_keep)] = "400d"  # type: ignore[assignment]


class CsvTable(Section):
    """`csv = {...}` of a source."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8"
    quote: Annotated[str, Field(max_length=1)] = '"'
    decimal: Literal[".", ","] = "."


class PageTable(Section):
    """`page = {...}` of a source."""

    style: Literal["none", "page", "offset", "cursor", "link"] = "none"
    param: str = ""
    size_param: str = ""
    size: Count = 500
    next: str = ""


class SourceTable(Section):
    """`[sources.NAME]`."""

    kind: Literal["files", "database", "api"]
    path: str = ""
    pattern: str = "*"
    format: Literal["", "csv", "parquet", "json", "jsonl", "excel"] = ""
    csv: CsvTable = CsvTable()
    max_bytes: Size = 20_000_000_000
    sheet: str = ""
    settle: Duration = "0s"  # type: ignore[assignment]  # read by Duration's validator
    max_expansion: Annotated[int, Field(ge=1, le=10_000)] = 100
    role: Literal["rows", "outcomes"] = "rows"
    url: str = ""
    table: str = ""
    query: str = ""
    cursor: str = ""
    key: list[str] = []
    overlap: Duration = "0s"  # type: ignore[assignment]  # read by Duration's validator
    chunk: Annotated[int, Field(ge=1, le=1_000_000)] = 50_000
    records: str = ""
    page: PageTable = PageTable()
    headers: dict[str, str] = {}
    after: str = ""
    timeout: Annotated[timedelta | None, BeforeValidator(_read_timeout)] = None
    rate: Annotated[float, BeforeValidator(_read_rate)] = ""  # type: ignore[assignment]
    retries: Annotated[int, Field(ge=0, le=20)] = 5
    allow_private: bool = False
    allow_hosts: list[str] = []
    value: str = ""
    known_at: str = ""


class PipelineTable(Section):
    """`[pipeline]`."""

    sql: str = ""
    python: Annotated[str, Field(pattern=r"^$|^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")] = ""
    watermark: str = ""
    lateness: Duration = "3d"  # type: ignore[assignment]  # read by Duration's validator


class FeaturesTable(Section):
    """`[features]`."""

    python: Annotated[str, Later("")] = ""


class SplitTable(Section):
    """`split = {...}` of `[train]`."""

    validation: Share = 0.15
    calibration: Share = 0.10
    test: Share = 0.15
    gap: Annotated[timedelta, BeforeValidator(_read_gap)] = AUTO


class TrainTable(Section):
    """`[train]`."""

    families: Annotated[list[str], Field(min_length=1)] = ["baseline", "linear", "boosting", "ensemble", "forest"]
    metric: str = ""
    budget: Duration = "60s"  # type: ignore[assignment]  # read by Duration's validator
    window: Annotated[Stretch | None, BeforeValidator(_read_window)] = None
    min_rows: Annotated[int, Field(ge=50)] = 200
    split: SplitTable = SplitTable()
    groups: list[str] = []
    coverage: Annotated[float, Field(ge=0.5, le=0.99)] = 0.9
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 7
    threads: Annotated[int, Field(ge=0)] = 0


class CostTable(Section):
    """`[cost]`."""

    false_positive: Positive = 1.0
    false_negative: Positive = 1.0
    target: Annotated[dict[Literal["recall", "precision"], Share], Field(max_length=1)] = {}
    by_class: dict[str, Positive] = {}
    per_retrain: Annotated[float, Field(ge=0)] = 0.0


class SlicesTable(Section):
    """`[slices]`."""

    by: list[str] = []
    protected: list[str] = []


class MonitorTable(Section):
    """`[monitor]`."""

    window: Stretch = "1d"  # type: ignore[assignment]  # read by Stretch's validator
    min_rows: Count = 200
    min_labels: Count = 100


class ToleranceTable(Section):
    """`tolerance = {...}` of `[triggers]`."""

    absolute: Annotated[float, Field(ge=0)] = 0.005
    relative: Annotated[float, Field(ge=0)] = 0.10


class TriggersTable(Section):
    """`[triggers]`."""

    use: list[str] = ["risk", "every", "growth"]
    false_alarms: Annotated[float, BeforeValidator(_read_alarms)] = "1 in 1000 windows"  # type: ignore[assignment]
    tolerance: ToleranceTable = ToleranceTable()
    growth: Annotated[float, Field(gt=1)] = 1.5
    max_age: Duration = "90d"  # type: ignore[assignment]  # read by Duration's validator
    schedule: Annotated[str, AfterValidator(_check_schedule)] = ""
    labels: Annotated[int, Field(ge=0)] = 0


class TrimTable(Section):
    """`[trim]`."""

    versions: Annotated[int, Field(ge=1, le=3)] = 3
    recalibrate: bool = True
    eta: Annotated[float, Field(ge=0, le=50)] = 5.0
    share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    inertia: Annotated[float, Field(ge=0, lt=1)] = 0.25
    max_label_delay: Windows = "2 windows"  # type: ignore[assignment]  # read by the validator


class RetrainTable(Section):
    """`[retrain]`."""

    every: Windows = "14 windows"  # type: ignore[assignment]  # read by the validator
    recipe: Annotated[str, Later("champion")] = "champion"
    cooldown: Annotated[timedelta | int, BeforeValidator(_read_cooldown)] = "1d"  # type: ignore[assignment]
    per_month: Count = 10
    limit: Duration = "1h"  # type: ignore[assignment]  # read by Duration's validator


class GatesTable(Section):
    """`[gates]`."""

    use: list[str] = ["parity", "golden", "latency", "floor", "slices", "not_worse"]
    evidence: Annotated[float, Field(gt=1)] = 20.0
    margin: Annotated[float, Field(ge=0)] = 0.05
    floor: dict[str, float] = {}
    latency: Annotated[timedelta, BeforeValidator(_read_latency)] = "5ms"  # type: ignore[assignment]  # read by it
    size: Size = "200MB"  # type: ignore[assignment]  # read by Size's validator
    holdout: Share = 0.15
    approval: bool = False


class PromoteTable(Section):
    """`[promote]`."""

    style: Literal["blend", "switch"] = "blend"
    retire_below: Annotated[float, Field(ge=0, lt=0.5)] = 0.06
    windows: Count = 5
    evidence: Annotated[float, Field(gt=1)] = 20.0


class LimitsTable(Section):
    """`limits = {...}` of `[serve]`."""

    body: Size = 1_000_000
    rows: Count = 1000
    seconds: Positive = 10.0
    queue: Count = 256
    per_key: Annotated[str, Later("0/s")] = "0/s"


class ServeTable(Section):
    """`[serve]`."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    log: Literal["required", "best_effort"] = "required"
    extra_fields: Literal["warn", "reject"] = "warn"
    fallback: Literal["previous", "base_rate", "none"] = "previous"
    limits: LimitsTable = LimitsTable()
    keys: Annotated[str, Later("")] = ""
    docs: bool = True
    access_log: Literal["none", "failed", "all"] = "failed"


class LoopTable(Section):
    """`[loop]`."""

    every: Annotated[timedelta, BeforeValidator(_read_pause)] = "1m"  # type: ignore[assignment]
    drills: Annotated[timedelta | None, BeforeValidator(_read_drills)] = ""  # type: ignore[assignment]


class AlertsTable(Section):
    """`[alerts]`."""

    to: Annotated[list[str], Later([])] = []
    per_day: Annotated[int, Later(10)] = 10


class EngineTable(Section):
    """`[engine]`."""

    kind: Annotated[Literal["local", "ray"], Later("local")] = "local"
    address: Annotated[str, Later("")] = ""


class TrackingTable(Section):
    """`[tracking]`."""

    mlflow: str = ""


class ProjectFile(Section):
    """The whole file."""

    format: Literal[1]
    project: ProjectTable
    store: StoreTable = StoreTable()
    sources: dict[str, SourceTable] = {}
    pipeline: PipelineTable = PipelineTable()
    features: FeaturesTable = FeaturesTable()
    train: TrainTable = TrainTable()
    cost: CostTable = CostTable()
    slices: SlicesTable = SlicesTable()
    monitor: MonitorTable = MonitorTable()
    triggers: TriggersTable = TriggersTable()
    trim: TrimTable = TrimTable()
    retrain: RetrainTable = RetrainTable()
    gates: GatesTable = GatesTable()
    promote: PromoteTable = PromoteTable()
    serve: ServeTable = ServeTable()
    loop: LoopTable = LoopTable()
    alerts: AlertsTable = AlertsTable()
    engine: EngineTable = EngineTable()
    tracking: TrackingTable = TrackingTable()
