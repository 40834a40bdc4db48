"""A whole file answered with the champion: the Contract, encoder and model of the online route, bit for bit.

Not part of a serving worker: this module loads the frame library.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from trimtab import clock
from trimtab.contract.clean import compile_frame
from trimtab.errors import DataError, Mistake, UsageError
from trimtab.ingest import Chunk, Rejected, declare, open_source
from trimtab.nouns import Contract, Project, SourceSpec
from trimtab.serve.frame import FrameAnswers
from trimtab.serve.model import Live
from trimtab.serve.sheet import Sheet, open_sheet
from trimtab.store import open_index
from trimtab.store.index import Index
from trimtab.store.lake import Lake
from trimtab.store.record import features_text, json_text, prediction_text
from trimtab.store.tables import known_schema
from trimtab.train.artefact import Output

MOMENT = pl.Datetime("us", "UTC")
LOG = known_schema("predictions")
OTHER_NAME = "give --output another name"


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of a file: each row is answered or refused; `reasons` and `warnings` count them by field and code."""

    rows: int
    answered: int
    refused: int
    version: str
    epoch: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One chunk answered: rows for the log, rows for the output, and the counts."""

    log: pl.DataFrame
    shown: pl.DataFrame
    reasons: Counter[str]
    warnings: Counter[str]


def score(  # noqa: PLR0917 - the verb hands over what it has opened
    project: Project,
    live: Live,
    lake: Lake,
    source: Path,
    output: Path,
    tell: Callable[[str], None],
    *,
    overwrite: bool = False,
) -> Scored:
    """Answer every row of a CSV or Parquet file and write the answers, in the order of the input, to `output`.

    Each chunk is logged in the lake before it is written; the output appears when it is complete. Raises UsageError
    for an output that cannot be meant, DataError for a file that cannot be read or lacks a required column.
    """
    refuse_output(project, source, output, overwrite=overwrite)
    spec = declare(source, known=project.sources)
    scorer = Scorer(project, live, text=spec.format == "csv")
    rows, refused, reasons, warnings = 0, 0, Counter[str](), Counter[str]()
    with closing(open_index(project)) as index, open_sheet(output) as sheet:
        for chunk in open_source(spec, finished=True).read(None):
            part = _answer_chunk(scorer, chunk, source)
            _keep(part, lake, index, sheet)
            rows += part.shown.height
            refused += part.shown.height - part.log.height
            reasons += part.reasons
            warnings += part.warnings
            tell(f"{rows:,} rows read, {rows - refused:,} answered, {refused:,} refused")
        if not rows:
            raise DataError(f"{source.name} has no rows.", hint="name a file with rows")
    return Scored(rows, rows - refused, refused, live.model.name, live.epoch, reasons, warnings, scorer.ignored)


def refuse_output(project: Project, source: Path, output: Path, *, overwrite: bool = False) -> None:
    """Raise UsageError where the output is no CSV or Parquet file that can be written without a loss.

    The input, the project's sources and its record are never replaced; another file only where `overwrite` says so.
    """
    if output.suffix.lower() not in {".csv", ".parquet"}:
        raise UsageError(
            f"{output} is neither .csv nor .parquet.", hint="give --output a name with one of these endings"
        )
    if output.is_dir() or not output.parent.is_dir():
        raise UsageError(f"{output} cannot be written: {output.parent} is no folder, or {output} is one.")
    if output.exists() and source.exists() and output.samefile(source):
        raise UsageError("Input and output are the same file.", hint=OTHER_NAME)
    if (output.parent.resolve() / output.name).is_relative_to(project.state.resolve()):
        raise UsageError(f"{output} lies in the record of the project, {project.state}.", hint=OTHER_NAME)
    for spec in project.sources:
        if spec.kind == "files" and _is_read_by(spec, output):
            raise UsageError(f"{output} is data that [sources.{spec.name}] reads as rows.", hint=OTHER_NAME)
    if os.path.lexists(output) and not overwrite:
        raise UsageError(f"{output} exists already.", hint=f"{OTHER_NAME}, or replace the file with --overwrite")


def _is_read_by(spec: SourceSpec, output: Path) -> bool:
    """Return whether a source reads a file of this name now, or would read it at the next turn."""
    folder, name = output.parent.resolve(), output.name
    if spec.path.is_dir():
        return folder == spec.path.resolve() and not name.startswith(".") and fnmatchcase(name, spec.pattern)
    same = spec.path.exists() and output.exists() and output.samefile(spec.path)
    return same or folder / name == spec.path.parent.resolve() / spec.path.name


def _answer_chunk(scorer: "Scorer", chunk: Chunk, source: Path) -> "Part":
    """Return a chunk answered; what is wrong with the table as a whole is told with the file's name."""
    try:
        return scorer.answer(chunk)
    except DataError as error:
        said = f"{source.name} cannot be answered. {error.message}"
        raise DataError(said, hint=error.hint, mistakes=error.mistakes) from error


def _keep(part: Part, lake: Lake, index: Index, sheet: Sheet) -> None:
    if part.log.height:
        lake.append("predictions", part.log)
        index.add(part.log["id"].to_list())
    sheet.write(part.shown)


class Scorer:
    """Answers chunks of raw rows with one Version."""

    def __init__(self, project: Project, live: Live, *, text: bool) -> None:
        self.ignored: tuple[str, ...] = ()
        self._project = project
        self._model = live.model
        self._epoch = live.epoch
        self._contract = live.model.contract
        self._frame_contract = compile_frame(self._contract, text=text)
        self._answers = FrameAnswers(live, text=text)

    def answer(self, chunk: Chunk) -> Part:
        """Return a chunk's rows, each with its answer or with the reasons why there is none."""
        self._look_at_columns(chunk.frame)
        arrived_at = clock.now()
        # The label may stand in the file, right or wrong: it is no part of the question.
        asked = chunk.frame.drop(self._contract.target.column, strict=False)
        asked = asked.with_columns(_arrived_at=pl.lit(arrived_at, MOMENT))
        checked = self._frame_contract.apply(asked)
        log, failed = self._answer_clean(checked.clean, asked, arrived_at)
        refused = dict(zip(checked.quarantine["_row"], checked.quarantine["reasons"].to_list(), strict=True)) | failed
        shown = self._show(chunk.frame, log, refused)
        shown = _with_rejected(shown, chunk.frame["_offset"], chunk.rejected)
        reasons = Counter({name: count for name, count in checked.counts.items() if count})
        reasons += Counter({"model_failed": len(failed), "unreadable_line": len(chunk.rejected)})
        warnings = Counter(one for row in log["warnings"].to_list() for one in row)
        return Part(log.drop("_row"), shown, reasons, warnings)

    def _look_at_columns(self, frame: pl.DataFrame) -> None:
        known = {*self._model.columns, self._contract.target.column, "_row", "_offset"}
        self.ignored = tuple(name for name in frame.columns if name not in known)
        if self.ignored and self._project.serve.extra_fields == "reject":
            mistakes = [Mistake(name[:64], "is not a column of the contract") for name in self.ignored]
            raise DataError(
                'The file has columns that [serve] extra_fields = "reject" does not allow.', mistakes=mistakes
            )

    def _answer_clean(
        self, clean: pl.DataFrame, asked: pl.DataFrame, arrived_at: datetime
    ) -> tuple[pl.DataFrame, dict[int, list[str]]]:
        """Return the log of the clean rows (with `_row`), and the rows that the model gave no usable answer for."""
        answers, left_out = self._answers.answer(clean, asked)
        passed = asked.filter(pl.col("_row").is_in(clean["_row"].implode()))
        rows = passed.drop("_row", "_offset", "_arrived_at").iter_rows(named=True)
        logged, failed = [], {}
        for answer, values, meta, raw in zip(
            answers.tolist(),
            clean.select(self._model.columns).iter_rows(),
            clean.select("_row", "_event_at", "_warnings").iter_rows(),
            rows,
            strict=True,
        ):
            try:
                output = self._model.output(answer)
            except ValueError:
                failed[meta[0]] = ["model_failed"]
                continue
            more = left_out.get(meta[0])
            told = meta if more is None else (*meta[:2], [*meta[2], *more])
            logged.append(self._log_row(output, list(values), told, raw, arrived_at))
        return pl.DataFrame(logged, schema={"_row": pl.Int64(), **LOG}, orient="row"), failed

    def _log_row(
        self, output: Output, values: list[Any], meta: tuple[Any, ...], raw: dict[str, Any], arrived_at: datetime
    ) -> dict[str, Any]:
        return {
            "_row": meta[0],
            "id": clock.uuid7(),
            "_event_at": meta[1],
            "_arrived_at": arrived_at,
            "key": self._model.key(values),
            "raw": msgspec.json.encode(self._model.hide(raw), enc_hook=str).decode(),
            "features": features_text(self._model.columns, values),
            "prediction": prediction_text(output),
            "probability": output.get("probability"),
            "output": json_text(output),
            "version": self._model.id,
            "epoch": self._epoch,
            "contract": self._contract.id,
            "warnings": meta[2],
            "latency_us": "{}",
            "fallback": "",
            "worker": "batch",
        }

    def _show(self, frame: pl.DataFrame, log: pl.DataFrame, refused: Mapping[int, list[str]]) -> pl.DataFrame:
        """Return the input's rows, in order, with the answer's columns behind them."""
        numeric = self._contract.target.task == "regression"
        answers = log.select(
            "_row",
            pl.col("prediction").cast(pl.Float64()) if numeric else pl.col("prediction"),
            *([pl.col("probability")] if self._contract.target.task == "binary" else []),
            *_class_columns(self._contract, log, self._model.package.classes),
            *(_interval_columns(log) if self._model.package.interval_quantile is not None else []),
            pl.col("id").alias("prediction_id"),
            pl.lit(self._model.name).alias("version"),
            "warnings",
        )
        errors = pl.DataFrame(
            {"_row": list(refused), "errors": list(refused.values())},
            schema={"_row": pl.Int64(), "errors": pl.List(pl.String())},
        )
        own = _renamed(frame.drop("_row", "_offset"), {*answers.columns, "errors"})
        left = own.with_columns(frame["_row"])
        joined = left.join(answers, on="_row", how="left", maintain_order="left")
        return joined.join(errors, on="_row", how="left", maintain_order="left").drop("_row")


def _class_columns(contract: Contract, log: pl.DataFrame, classes: tuple[str, ...]) -> list[pl.Series]:
    if contract.target.task != "multiclass":
        return []
    outputs = [msgspec.json.decode(text)["probabilities"] for text in log["output"]]
    return [pl.Series(f"probability_{name}", [one[name] for one in outputs], pl.Float64()) for name in classes]


def _interval_columns(log: pl.DataFrame) -> list[pl.Series]:
    ends = [msgspec.json.decode(text)["interval"] for text in log["output"]]
    return [
        pl.Series(f"interval_{name}", [one[place] for one in ends], pl.Float64())
        for place, name in enumerate(("low", "high"))
    ]


def _renamed(frame: pl.DataFrame, taken: set[str]) -> pl.DataFrame:
    """Return the input's columns; one that is called like a column of the answer gets `input.` before its name."""
    return frame.rename({name: f"input.{name}" for name in frame.columns if name in taken})


def _with_rejected(shown: pl.DataFrame, offsets: pl.Series, rejected: tuple[Rejected, ...]) -> pl.DataFrame:
    """Return the rows with the lines that are no rows between them, where they stand in the file."""
    if not rejected:
        return shown
    bad = pl.DataFrame(
        {"_line": [_line(one.offset) for one in rejected], "errors": [[f"line:{one.reason}"] for one in rejected]},
        schema={"_line": pl.Int64(), "errors": pl.List(pl.String())},
    )
    lines = pl.Series("_line", [_line(offset) for offset in offsets], pl.Int64())
    return pl.concat([shown.with_columns(lines), bad], how="diagonal").sort("_line", maintain_order=True).drop("_line")


def _line(offset: str) -> int:
    return int(offset.rpartition(":")[2])
