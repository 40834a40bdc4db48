"""contract.toml: read, checked as a whole, and written so that a person wants to edit it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from trimtab.config.expression_text import ExpressionError, parse_expression
from trimtab.config.shapes import Duration, Section, check, fail, key_text, quoted, read_toml
from trimtab.errors import ConfigError, Mistake, nearest
from trimtab.nouns.contract import Column, ColumnType, Contract, Order, Role, Row, Rule, Target, Task

_STEPS = ("trim", "lower", "upper", "decimal_comma", "map", "unit", "clip")
_NUMBERS = ("number", "integer")


class RowTable(Section):
    """`[row]`."""

    key: list[str] = []
    event_time: str = ""
    order: Order = "none"
    time_zone: str = "UTC"


class TargetTable(Section):
    """`[target]`."""

    column: str
    task: Task
    positive: str = ""
    classes: list[str] = []
    meaning: str = ""
    matures_after: Duration = "0s"  # type: ignore[assignment]  # read by Duration's validator


class ColumnTable(Section):
    """`[columns.NAME]`."""

    type: ColumnType
    role: Role = "feature"
    required: bool = False
    clean: list[str] = []
    nulls: list[str] = [""]
    map: dict[str, str] = {}
    values: list[str] = []
    unseen: Literal["bucket", "reject"] = "bucket"
    unit: str = ""
    hard: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    soft: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    missing: Literal["native", "default"] = "native"
    default: float | str | bool | None = None
    numeric_text: Literal["reject", "repair"] = "reject"
    bool_as_number: Literal["reject", "repair"] = "reject"
    formats: list[str] = ["rfc3339"]
    pii: bool = False


class RuleTable(Section):
    """One of `[[rules]]`."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,59}$")]
    where: str
    otherwise: Literal["reject", "warn"] = "reject"


class RawTable(Section):
    """`[raw.SOURCE]`: rules for columns of a source's row."""

    columns: dict[str, ColumnTable]


class ContractFile(Section):
    """The whole file."""

    format: Literal[1]
    row: RowTable = RowTable()
    target: TargetTable
    columns: dict[str, ColumnTable]
    rules: list[RuleTable] = []
    raw: dict[str, RawTable] = {}


def load_contract(path: Path) -> Contract:
    """Return the Contract of a file. Raises ConfigError with every mistake, by dotted key."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"There is no {path}.", hint="`trimtab init DIR --data FILE --target COL` makes one"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from None
    return parse_contract(text, str(path))


def parse_contract(text: str, where: str) -> Contract:
    """Return the Contract of a TOML text; `where` names it in messages."""
    file = check(ContractFile, read_toml(text, where), where)
    mistakes = tuple(_mistakes(file))
    if mistakes:
        raise fail(where, mistakes)
    contract = Contract(
        row=Row(tuple(file.row.key), file.row.event_time, file.row.order, file.row.time_zone),
        target=Target(**{**file.target.model_dump(), "classes": tuple(file.target.classes)}),
        columns=_columns(file.columns),
        raw={source: _columns(table.columns) for source, table in file.raw.items()},
        rules=tuple(Rule(**table.model_dump()) for table in file.rules),
    )
    broken = tuple(_rule_mistakes(contract))
    if broken:
        raise fail(where, broken)
    return contract


def contract_text(contract: Contract, notes: Mapping[str, str] | None = None) -> str:
    """Return contract.toml: what differs from a default, notes above their columns. Reads back to the same Contract."""
    notes = notes or {}
    lines = [f"# {line}" for line in notes.get("", "").splitlines()]
    lines += ["format = 1", "", "[row]", *_lines(Row(), contract.row), "", "[target]"]
    target = Target(column="", task=contract.target.task)
    lines += [f"column = {quoted(contract.target.column)}", f"task = {quoted(contract.target.task)}"]
    lines += [line for line in _lines(target, contract.target) if not line.startswith("column = ")]
    for column in contract.columns:
        lines += ["", *(f"# {line}" for line in notes.get(column.name, "").splitlines())]
        lines += _column_lines("columns", column)
    for source, columns in contract.raw.items():
        for column in columns:
            lines += ["", *_column_lines(f"raw.{key_text(source)}.columns", column)]
    for rule in contract.rules:
        lines += ["", "[[rules]]", *_lines(Rule("", ""), rule)]
    return "\n".join(lines) + "\n"


def _column_lines(above: str, column: Column) -> list[str]:
    opening = [f"[{above}.{key_text(column.name)}]", f"type = {quoted(column.type)}"]
    return [*opening, *_lines(Column(column.name, column.type, required=not column.required), column)]


def _lines(default: object, value: object) -> list[str]:
    names = getattr(type(value), "__slots__", ())
    changed = [(name, getattr(value, name)) for name in names if getattr(value, name) != getattr(default, name)]
    return [f"{name} = {_text(item)}" for name, item in changed]


def _text(value: object) -> str:
    seconds = getattr(value, "total_seconds", None)
    return quoted(f"{int(seconds())}s") if seconds else quoted(value)


def _columns(tables: Mapping[str, ColumnTable]) -> tuple[Column, ...]:
    return tuple(_column(name, table) for name, table in tables.items())


def _column(name: str, table: ColumnTable) -> Column:
    fields = table.model_dump()
    for key in ("clean", "nulls", "values", "formats"):
        fields[key] = tuple(fields[key])
    for key in ("hard", "soft"):
        fields[key] = tuple(map(float, fields[key])) if fields[key] else None
    return Column(name=name, **fields)


def _mistakes(file: ContractFile) -> Iterator[Mistake]:
    yield from _row_mistakes(file)
    yield from _target_mistakes(file)
    for above, tables in [("", file.columns), *((f"raw.{name}.", raw.columns) for name, raw in file.raw.items())]:
        for name, table in tables.items():
            for key, what in _column_mistakes(table):
                yield Mistake(f"{above}columns.{name}.{key}", what)
    if not any(table.role == "feature" for table in file.columns.values()):
        yield Mistake("columns", 'none has role = "feature", so a model would see nothing')


def _rule_mistakes(contract: Contract) -> Iterator[Mistake]:
    """Yield what is wrong with the rules; their conditions are read here, though compiled elsewhere."""
    names = Counter(rule.name for rule in contract.rules)
    yield from (Mistake(f"rules.{name}.name", "stands twice") for name, times in names.items() if times > 1)
    if contract.rules and "rule" in contract.by_name:
        yield Mistake("columns.rule", "cannot stand beside [[rules]]: the reasons of both would read alike")
    for rule in contract.rules:
        try:
            parse_expression(rule.where, contract.by_name)
        except ExpressionError as wrong:
            yield Mistake(f"rules.{rule.name}.where", str(wrong))


def _row_mistakes(file: ContractFile) -> Iterator[Mistake]:
    for key in file.row.key:
        if key not in file.columns:
            yield Mistake("row.key", f"there is no column '{key}'{nearest(key, file.columns)}")
    time = file.row.event_time
    if time and (time not in file.columns or file.columns[time].type not in {"time", "date"}):
        times = [name for name, table in file.columns.items() if table.type in {"time", "date"}]
        yield Mistake("row.event_time", f"'{time}' is not a column of type time{nearest(time, times)}")
    if file.row.order == "event_time" and not time:
        yield Mistake("row.order", 'is "event_time", but row.event_time names no column')
    try:
        ZoneInfo(file.row.time_zone)
    except (KeyError, ValueError, OSError):
        yield Mistake("row.time_zone", "is not a time zone of the tz database, for example Europe/Berlin")


def _target_mistakes(file: ContractFile) -> Iterator[Mistake]:
    target = file.target
    if target.column in file.columns:
        yield Mistake(f"columns.{target.column}", "is the target; it must not be a column that the model is given")
    if target.task == "regression":
        return
    if len(target.classes) < 2 or len(set(target.classes)) < len(target.classes):
        yield Mistake("target.classes", "needs at least two different classes")
    if target.task == "binary" and len(target.classes) != 2:
        yield Mistake("target.classes", "a binary target has exactly two")
    if target.task == "binary" and target.positive not in target.classes:
        yield Mistake("target.positive", f"is not one of target.classes{nearest(target.positive, target.classes)}")


def _column_mistakes(table: ColumnTable) -> Iterator[tuple[str, str]]:
    for step in table.clean:
        if what := _step_mistake(step, table):
            yield "clean", what
    yield from _range_mistakes(table)
    yield from _pii_mistakes(table)
    if table.missing == "default" and table.default is None:
        yield "missing", 'is "default", but there is no default'
    if table.default is not None and not _fits(table.default, table.type):
        yield "default", f"does not fit a column of type {table.type}"
    if table.values and table.type != "category":
        yield "values", f"only a category has values, this is a {table.type}"
    if len(set(table.values)) < len(table.values):
        yield "values", "names a value twice"
    if table.type == "category" and table.unseen == "reject" and not table.values:
        yield "unseen", 'is "reject", but there are no values'


def _pii_mistakes(table: ColumnTable) -> Iterator[tuple[str, str]]:
    if not table.pii:
        return
    if table.role == "feature":
        yield "pii", 'a hash is no feature: write role = "ignore" or "key", or make a feature of it before the contract'
    if table.type != "text":
        yield "pii", f'needs type = "text" (whole numbers become their text), this is a {table.type}'
    if table.default is not None:
        yield "default", "would stand in clear in a column with pii = true"


def _range_mistakes(table: ColumnTable) -> Iterator[tuple[str, str]]:
    for key in ("hard", "soft"):
        limits = getattr(table, key)
        if limits and table.type not in _NUMBERS:
            yield key, f"only numbers have a range, this is a {table.type}"
        elif limits and not limits[0] <= limits[1]:
            yield key, "the lower end is above the upper one"


def _step_mistake(step: str, table: ColumnTable) -> str:
    name, *arguments = step.split(":")
    if name not in _STEPS:
        return f"unknown step '{step}'{nearest(name, _STEPS)}"
    if name in {"unit", "clip"} and table.type not in _NUMBERS:
        return f"'{name}' is for numbers, this is a {table.type}"
    if len(arguments) != {"unit": 1, "clip": 2}.get(name, 0):
        return {"unit": "write unit:<factor>", "clip": "write clip:<low>:<high>"}.get(name, f"'{name}' takes nothing")
    if not all(re.fullmatch(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|inf)", argument) for argument in arguments):
        return f"'{step}' needs numbers"
    return ""


def _fits(default: object, kind: str) -> bool:
    if kind == "boolean":
        return isinstance(default, bool)
    if kind in _NUMBERS:
        return isinstance(default, (int, float)) and not isinstance(default, bool)
    return isinstance(default, str) and kind in {"category", "text"}
