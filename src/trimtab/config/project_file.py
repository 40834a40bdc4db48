"""trimtab.toml: every documented key with its default, environment on top, checked as a whole."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from trimtab.config.machine import variables
from trimtab.config.project_tables import AUTO, PipelineTable, ProjectFile, SourceTable
from trimtab.config.shapes import check, fail, key_text, quoted, read_toml
from trimtab.errors import ConfigError, Mistake, nearest
from trimtab.nouns.project import (
    CostSpec,
    CsvForm,
    GateSpec,
    Limits,
    LoopSpec,
    MonitorSpec,
    PageSpec,
    PipelineSpec,
    Project,
    PromoteSpec,
    RetrainSpec,
    ServeSpec,
    SliceSpec,
    SourceSpec,
    TrainSpec,
    TriggerSpec,
    TrimSpec,
)

FILE = "trimtab.toml"
_OTHER_VARIABLES = ("TRIMTAB_KEYS", "TRIMTAB_PATH_HOME", "TRIMTAB_PII_KEY")


def load(folder: Path, environ: Mapping[str, str] | None = None) -> Project:
    """Return the Project of a folder's trimtab.toml, with `TRIMTAB_SECTION__KEY` and `PORT` on top.

    Raises ConfigError with every mistake of file and environment at once, NotBuiltYet for a feature of a later release.
    """
    path = folder / FILE
    environ = variables() if environ is None else environ
    try:
        tables = read_toml(path.read_text(encoding="utf-8"), str(path))
    except (FileNotFoundError, NotADirectoryError):
        hint = f"`trimtab init {folder} --data FILE --target COLUMN` makes a project there"
        raise ConfigError(f"{folder} is no trimtab project: it has no {FILE}.", hint=hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from None
    wrong = [*_overlay(tables, environ), *_resolve(tables, environ, "")]
    if wrong:
        raise fail(str(path), wrong)
    try:
        file = check(ProjectFile, tables, str(path))
    except ConfigError as error:
        raise _blame(error, environ, str(path)) from None
    if mistakes := tuple(_mistakes(file)):
        raise fail(str(path), mistakes)
    return _project(file, folder.resolve())


def project_text(name: str, source: str, path: str, form: CsvForm | str, *, file_order: bool) -> str:
    """Return the trimtab.toml that `init` writes: project, source, costs and what differs from a default.

    `form` is how a CSV file is written, or the name of another format.
    """
    lines = [
        "# One prediction problem, declared. `trimtab doctor` checks this file; docs/configuration.md lists every key.",
        "format = 1",
        "",
        "[project]",
        f"name = {quoted(name)}",
        'question = ""   # one sentence: what is asked, and when',
        "",
        f"[sources.{key_text(source)}]",
        'kind = "files"',
        f"path = {quoted(path)}",
        f"format = {quoted(form if isinstance(form, str) else 'csv')}",
    ]
    if isinstance(form, CsvForm):
        pinned = {"delimiter": form.delimiter, "encoding": form.encoding, "quote": form.quote, "decimal": form.decimal}
        lines.append(f"csv = {quoted(pinned)}   # as detected; change it here if it was read wrong")
    lines += ["", "[cost]   # what mistakes cost, in any one unit; the threshold is the cheapest one"]
    lines += ["false_positive = 1.0", "false_negative = 1.0"]
    if file_order:
        lines += ["", "[monitor]   # the position in the file is the time, so windows count rows", "window = 500"]
        lines += ["", "[retrain]", 'cooldown = "1 windows"']
    return "\n".join(lines) + "\n"


def _mistakes(file: ProjectFile) -> Iterator[Mistake]:
    for name, source in file.sources.items():
        where = f"sources.{name}"
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,39}", name):
            yield Mistake(where, "a source's name has letters, digits, - and _, at most 40")
        for key in _needed(source):
            if not getattr(source, key):
                yield Mistake(f"{where}.{key}", f"is required for {source.role} of kind {source.kind}")
        yield from _ill_matched(source, where)
    rows = [name for name, source in file.sources.items() if source.role == "rows"]
    if len(rows) > 1 and not (file.pipeline.sql or file.pipeline.python):
        yield Mistake("sources", f"{len(rows)} sources of rows ({', '.join(rows)}) need [pipeline] to become one")
    yield from _ill_made(file.pipeline)
    yield from _ill_trimmed(file)
    yield from _ill_triggered(file)
    split = file.train.split
    if split.validation + split.calibration + split.test > 0.8:
        yield Mistake("train.split", "leaves less than a fifth of the rows for training")
    if file.tracking.mlflow and not file.tracking.mlflow.startswith(("http://", "https://")):
        yield Mistake("tracking.mlflow", 'is the address of a server: "http://host:5000"')


def _ill_trimmed(file: ProjectFile) -> Iterator[Mistake]:
    """Yield settings of the trim that would have no effect."""
    (versions, style), promote = _settle_style(file), file.promote
    if versions > 1 and style == "switch":
        yield Mistake("trim.versions", 'asks for several Versions; with [promote] style = "switch" exactly one answers')
    if style == "blend" and versions == 1:
        yield Mistake("promote.style", "blends Versions, and [trim] versions = 1 leaves nothing to blend")
    floor = file.trim.share / versions
    if style == "blend" and promote.retire_below <= floor:
        yield Mistake("promote.retire_below", f"must exceed [trim] share / versions, {floor:.3g}, which all keep")


def _ill_triggered(file: ProjectFile) -> Iterator[Mistake]:
    """Yield triggers that lack what they are to go by."""
    named = "every" in file.triggers.use and "use" in file.triggers.model_fields_set
    for name, missing in (("schedule", not file.triggers.schedule), ("labels", not file.triggers.labels)):
        if name in file.triggers.use and missing:
            yield Mistake(f"triggers.{name}", f'is required by the trigger "{name}"')
    if named and not file.retrain.every:
        yield Mistake("retrain.every", 'is required by the trigger "every": for example "12 windows"')


def _settle_style(file: ProjectFile) -> tuple[int, Literal["blend", "switch"]]:
    """Return how many Versions answer, and how a newcomer comes in: where one of the two is written, both follow."""
    versions, style = file.trim.versions, file.promote.style
    if style == "switch" and "versions" not in file.trim.model_fields_set:
        return 1, style
    if versions == 1 and "style" not in file.promote.model_fields_set:
        return versions, "switch"
    return versions, style


def _needed(source: SourceTable) -> tuple[str, ...]:
    own = {"files": ("path",), "database": ("url", "key"), "api": ("url", "key")}[source.kind]
    return own if source.role == "rows" else tuple(dict.fromkeys((*own, "key", "value")))


_FORMATS = {"files": ("csv", "parquet", "jsonl", "excel"), "api": ("json", "jsonl", "csv"), "database": ()}
"""What each kind of source reads; an empty `format` means CSV files, and JSON from an API."""


def _ill_matched(source: SourceTable, where: str) -> Iterator[Mistake]:
    """Yield what contradicts itself in one source's table."""
    formats = _FORMATS[source.kind]
    if source.format and source.format not in formats:
        there_are = " and ".join(f'"{one}"' for one in formats) or "none"
        yield Mistake(f"{where}.format", f"of kind {source.kind} there are {there_are}")
    if source.kind == "database" and bool(source.table) == bool(source.query):
        yield Mistake(f"{where}.table", "name a table, or write a query: one of the two")
    if source.kind == "database" and source.overlap and not source.cursor:
        yield Mistake(f"{where}.overlap", "reaches back from a cursor: name one")
    if source.kind == "api" and bool(source.cursor) != bool(source.after):
        yield Mistake(
            f"{where}.after", "and cursor belong together: the parameter, and the column whose value it takes"
        )
    if source.kind == "api" and source.format in {"jsonl", "csv"} and (source.records or source.page.next):
        yield Mistake(f"{where}.format", f"{source.format} has no names to follow: leave out records and page.next")
    if source.page.style == "cursor" and not source.page.next:
        yield Mistake(f"{where}.page.next", "is required: the path to the next cursor in the reply")


def _ill_made(pipeline: PipelineTable) -> Iterator[Mistake]:
    if pipeline.sql and pipeline.python:
        yield Mistake("pipeline.python", "and sql exclude each other: one of the two makes the rows")
    if (pipeline.sql or pipeline.python) and not pipeline.watermark:
        yield Mistake("pipeline.watermark", "is required: the time column of the result that says which rows are final")


def _pipeline(table: PipelineTable, folder: Path) -> PipelineSpec:
    module, _, function = table.python.partition(":")
    return PipelineSpec(
        sql=folder / table.sql if table.sql else None,
        python=folder / f"{module.replace('.', '/')}.py" if module else None,
        function=function,
        watermark=table.watermark,
        lateness=table.lateness,
    )


def _project(file: ProjectFile, folder: Path) -> Project:
    split, tolerance, cooldown = file.train.split, file.triggers.tolerance, file.retrain.cooldown
    versions, style = _settle_style(file)
    return Project(
        name=file.project.name,
        folder=folder,
        state=folder / file.store.folder,
        keep=file.store.keep,
        contract=folder / file.project.contract,
        question=file.project.question,
        sources=tuple(_source(name, table, folder) for name, table in file.sources.items()),
        pipeline=_pipeline(file.pipeline, folder),
        train=TrainSpec(
            families=tuple(file.train.families),
            groups=tuple(file.train.groups),
            gap=None if split.gap == AUTO else split.gap,
            **file.train.model_dump(include={"metric", "budget", "window", "min_rows", "coverage", "seed", "threads"}),
            **split.model_dump(exclude={"gap"}),
        ),
        cost=CostSpec(
            file.cost.false_positive,
            file.cost.false_negative,
            {str(name): share for name, share in file.cost.target.items()},
            file.cost.by_class,
        ),
        slices=SliceSpec(tuple(file.slices.by), tuple(file.slices.protected)),
        monitor=MonitorSpec(file.monitor.window, file.monitor.min_rows, file.monitor.min_labels),
        triggers=TriggerSpec(
            tuple(name for name in file.triggers.use if name != "every" or file.retrain.every),
            file.triggers.false_alarms,
            tolerance.absolute,
            tolerance.relative,
            file.triggers.growth,
            file.triggers.max_age,
            file.triggers.schedule,
            file.triggers.labels,
        ),
        trim=TrimSpec(**{**file.trim.model_dump(), "versions": versions}),
        retrain=RetrainSpec(
            every=file.retrain.every,
            cost=file.cost.per_retrain,
            cooldown=cooldown if isinstance(cooldown, timedelta) else None,
            cooldown_windows=cooldown if isinstance(cooldown, int) else 0,
            per_month=file.retrain.per_month,
            limit=file.retrain.limit,
        ),
        gates=GateSpec(**{**file.gates.model_dump(), "use": tuple(file.gates.use)}),
        promote=PromoteSpec(style, file.promote.retire_below, file.promote.windows, file.promote.evidence),
        serve=ServeSpec(
            limits=Limits(**file.serve.limits.model_dump(exclude={"per_key"})),
            **file.serve.model_dump(exclude={"limits", "keys"}),
        ),
        loop=LoopSpec(file.loop.every, file.loop.drills),
        mlflow=file.tracking.mlflow,
    )


def _source(name: str, table: SourceTable, folder: Path) -> SourceSpec:
    plain = table.model_dump(exclude={"path", "url", "csv", "format", "key", "page", "allow_hosts"})
    return SourceSpec(
        name=name,
        path=folder if "://" in table.path else folder / table.path,
        url=table.path if "://" in table.path else _anchor(table.url, folder),
        format=table.format if table.format != "" else "json" if table.kind == "api" else "csv",
        csv=CsvForm(**table.csv.model_dump()),
        key=tuple(table.key),
        page=PageSpec(**table.page.model_dump()),
        allow_hosts=tuple(table.allow_hosts),
        **plain,
    )


def _anchor(url: str, folder: Path) -> str:
    """Return a database's URL with SQLite's path made absolute: like every path, it is relative to the file."""
    path = url.removeprefix("sqlite:///")
    return f"sqlite:///{folder / path}" if path != url and not path.startswith(":") else url


def _overlay(tables: dict[str, Any], environ: Mapping[str, str]) -> Iterator[Mistake]:
    """Put environment variables over the file's tables; unknown ones of ours are mistakes."""
    for variable, text in sorted(environ.items()):
        if not variable.startswith("TRIMTAB_") or variable in _OTHER_VARIABLES:
            continue
        section, *keys = variable.removeprefix("TRIMTAB_").lower().split("__")
        if not keys:
            yield Mistake(variable, f"unknown environment variable{nearest(variable, _OTHER_VARIABLES)}")
        elif what := _put(tables, [section, *keys], _value(text)):
            yield Mistake(variable, what)
    if "PORT" in environ and "TRIMTAB_SERVE__PORT" not in environ:
        _put(tables, ["serve", "port"], _value(environ["PORT"]))


def _blame(error: ConfigError, environ: Mapping[str, str], where: str) -> ConfigError:
    """Return the error with the variable's name in place of a key that came from the environment."""
    given = {_key_of(variable): variable for variable in environ if variable.startswith("TRIMTAB_")}
    if "PORT" in environ and "serve.port" not in given:
        given["serve.port"] = "PORT"
    mistakes = [replace(mistake, where=given.get(mistake.where, mistake.where)) for mistake in error.mistakes]
    blamed = [mistake for mistake in mistakes if mistake.where in given.values()]
    return fail("The environment" if len(blamed) == len(mistakes) else where, mistakes)


def _key_of(variable: str) -> str:
    return variable.removeprefix("TRIMTAB_").lower().replace("__", ".")


def _put(tables: dict[str, Any], path: list[str], value: object) -> str:
    if path[0] not in ProjectFile.model_fields:
        return f"there is no section [{path[0]}]{nearest(path[0], ProjectFile.model_fields)}"
    for part in path[:-1]:
        tables = tables.setdefault(part, {})
        if not isinstance(tables, dict):
            return f"'{part}' holds a value, not a table"
    tables[path[-1]] = value
    return ""


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _resolve(tables: dict[str, Any], environ: Mapping[str, str], above: str) -> Iterator[Mistake]:
    """Replace every "env:NAME" by that variable; one that is not set is a mistake, its name is shown, never a value."""
    for key, value in tables.items():
        if isinstance(value, dict):
            yield from _resolve(value, environ, f"{above}{key}.")
        elif isinstance(value, str) and value.startswith("env:"):
            name = value.removeprefix("env:")
            if name in environ:
                tables[key] = environ[name]
            else:
                yield Mistake(f"{above}{key}", f"the environment has no variable {name}")
