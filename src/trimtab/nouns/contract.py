"""The agreement about a row: what the model is asked about, what counts as clean, and what the answer means."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Literal

from trimtab.nouns.identity import fingerprint

ColumnType = Literal["number", "integer", "boolean", "category", "text", "time", "date"]
Role = Literal["feature", "key", "time", "group", "ignore"]
Task = Literal["binary", "multiclass", "regression"]
Order = Literal["event_time", "file", "none"]
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Column:
    """One column's type, role, cleaning and limits. Every field is a key of `[columns.NAME]` in contract.toml."""

    name: str
    type: ColumnType
    role: Role = "feature"
    required: bool = False
    clean: tuple[str, ...] = ()
    nulls: tuple[str, ...] = ("",)
    map: Mapping[str, str] = field(default_factory=dict)
    values: tuple[str, ...] = ()
    unseen: Literal["bucket", "reject"] = "bucket"
    unit: str = ""
    hard: Range | None = None
    soft: Range | None = None
    missing: Literal["native", "default"] = "native"
    default: float | str | bool | None = None
    numeric_text: Literal["reject", "repair"] = "reject"
    bool_as_number: Literal["reject", "repair"] = "reject"
    formats: tuple[str, ...] = ("rfc3339",)
    pii: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One of `[[rules]]`: a condition over the cleaned row. Where it is false the row is refused, or warned of."""

    name: str
    where: str
    otherwise: Literal["reject", "warn"] = "reject"


@dataclass(frozen=True, slots=True)
class Target:
    """The label: its column, task, classes, and how long after the event it is known."""

    column: str
    task: Task
    positive: str = ""
    classes: tuple[str, ...] = ()
    meaning: str = ""
    matures_after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Row:
    """What identifies a row and puts it in order."""

    key: tuple[str, ...] = ()
    event_time: str = ""
    order: Order = "none"
    time_zone: str = "UTC"

    def without_key(self) -> "Row":
        """Return the same without key and event time: the rules of a raw row know only its time zone."""
        return Row(time_zone=self.time_zone)


@dataclass(frozen=True)
class Contract:
    """A whole contract.toml. Named by the hash of its content: every edit is a new Contract.

    `raw` holds rules for some columns of a source's rows, by source; they apply before the pipeline. `rules` are
    conditions over several columns.
    """

    row: Row
    target: Target
    columns: tuple[Column, ...]
    raw: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)
    format: int = 1
    rules: tuple[Rule, ...] = ()

    @cached_property
    def id(self) -> str:
        """First 12 hex digits of the hash of the content. What a contract does not use leaves its name as it was."""
        parts: dict[str, object] = {"format": self.format, "row": self.row, "target": self.target}
        parts["columns"] = [_content(column) for column in self.columns]
        if self.raw:
            parts["raw"] = {source: [_content(column) for column in columns] for source, columns in self.raw.items()}
        return fingerprint({**parts, "rules": self.rules} if self.rules else parts)

    @cached_property
    def features(self) -> tuple[Column, ...]:
        """The columns that a model sees, in their order."""
        return tuple(column for column in self.columns if column.role == "feature")

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}


def _content(column: Column) -> Mapping[str, object]:
    return {name: value for name, value in asdict(column).items() if value or name != "pii"}
