"""One chunk of raw rows answered as a whole: rows for the log, rows for people, counts. Loads the frame library."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from trimtab import clock
from trimtab.contract.clean import compile_frame
from trimtab.contract.pii_frame import hide_frame
from trimtab.errors import DataError, Mistake
from trimtab.ingest import Chunk, Rejected
from trimtab.nouns import Project
from trimtab.serve import columns
from trimtab.serve.frame import FrameAnswers
from trimtab.serve.model import Live
from trimtab.store.tables import known_schema

MOMENT = pl.Datetime("us", "UTC")
LOG = known_schema("predictions")
META = ("_row", "_offset", "_arrived_at")


@dataclass(frozen=True, slots=True)
class Part:
    """One chunk answered: rows for the log, rows for the output, counts, and the ends of the ids that were given."""

    log: pl.DataFrame
    shown: pl.DataFrame
    reasons: Counter[str]
    warnings: Counter[str]
    ignored: tuple[str, ...]
    ids: tuple[str, str] | None


class Scorer:
    """Answers chunks of raw rows with what is live. Any thread may ask.

    `text` is whether every value is text, as in a CSV file.
    """

    def __init__(self, project: Project, live: Live, *, text: bool) -> None:
        self._project = project
        self._live = live
        self._model = live.model
        self._contract = live.model.contract
        self._frame_contract = compile_frame(self._contract, text=text)
        self._answers = FrameAnswers(live, text=text)

    def answer(self, chunk: Chunk) -> Part:
        """Return a chunk's rows, each with its answer or with the reasons why there is none.

        Raises DataError for columns that are missing, or that the project does not allow.
        """
        ignored = self._find_ignored(chunk.frame)
        arrived_at = clock.now()
        # The label may stand in the file, right or wrong: it is no part of the question.
        asked = chunk.frame.drop(self._contract.target.column, strict=False)
        asked = asked.with_columns(_arrived_at=pl.lit(arrived_at, MOMENT))
        checked = self._frame_contract.apply(asked)
        answers, left_out = self._answers.answer(checked.clean, asked)
        usable = columns.are_finite(answers)
        clean = _tell(checked.clean, left_out).filter(pl.Series(usable))
        failed = {number: ["model_failed"] for number in checked.clean["_row"].filter(pl.Series(~usable))}
        output = columns.output_columns(self._model, answers[usable]) if clean.height else _NO_OUTPUT
        log = self._lay_log(clean, asked, output, arrived_at)
        refused = dict(zip(checked.quarantine["_row"], checked.quarantine["reasons"].to_list(), strict=True)) | failed
        shown = _show(chunk.frame, self._lay_answers(log, output), refused)
        reasons = Counter({name: count for name, count in checked.counts.items() if count})
        reasons += Counter({"model_failed": len(failed), "unreadable_line": len(chunk.rejected)})
        return Part(
            log.drop("_row"),
            _with_rejected(shown, chunk.frame["_offset"], chunk.rejected),
            reasons,
            Counter(columns.count_values(log["warnings"])),
            ignored,
            (log["id"][0], log["id"][-1]) if log.height else None,
        )

    def _find_ignored(self, frame: pl.DataFrame) -> tuple[str, ...]:
        known = {*self._model.columns, self._contract.target.column, *META}
        ignored = tuple(name for name in frame.columns if name not in known)
        if ignored and self._project.serve.extra_fields == "reject":
            mistakes = [Mistake(name[:64], "is not a column of the contract") for name in ignored]
            raise DataError(
                'The file has columns that [serve] extra_fields = "reject" does not allow.', mistakes=mistakes
            )
        return ignored

    def _lay_log(
        self, clean: pl.DataFrame, asked: pl.DataFrame, output: pl.DataFrame, arrived_at: datetime
    ) -> pl.DataFrame:
        """Return the rows of the log, with `_row` in front."""
        raw = asked.filter(pl.col("_row").is_in(clean["_row"].implode())).drop(META)
        raw, features = hide_frame(self._contract, raw), clean.select(self._model.columns)
        raw_texts = columns.json_texts(raw)
        found = {
            "_row": clean["_row"],
            "id": columns.numbered_ids(clock.uuid7_stem(), clean.height),
            "_event_at": clean["_event_at"],
            "key": columns.key_texts(self._contract, clean),
            "raw": raw_texts,
            "features": raw_texts if columns.are_written_alike(raw, features) else columns.json_texts(features),
            "prediction": columns.prediction_texts(output["prediction"]),
            "output": columns.json_texts(output),
            "warnings": clean["_warnings"],
            **({"probability": output["probability"]} if "probability" in output.columns else {}),
        }
        same = {
            "_arrived_at": pl.lit(arrived_at, MOMENT),
            "version": pl.lit(self._model.id),
            "epoch": pl.lit(self._live.epoch),
            "contract": pl.lit(self._contract.id),
            "latency_us": pl.lit("{}"),
            "fallback": pl.lit(""),
            "worker": pl.lit("batch"),
        }
        laid = pl.DataFrame(found).with_columns(**same)
        absent = [pl.lit(None).alias(name) for name in LOG if name not in laid.columns]
        return laid.with_columns(absent).select("_row", *(pl.col(name).cast(kind) for name, kind in LOG.items()))

    def _lay_answers(self, log: pl.DataFrame, output: pl.DataFrame) -> pl.DataFrame:
        """Return the columns that stand behind the input's own, with `_row` in front."""
        plain = output.select(name for name in ("prediction", "probability") if name in output.columns)
        more = columns.class_columns(self._model.package.classes, output) if log.height else self._empty_columns()
        if not log.height:
            task = self._contract.target.task
            plain = pl.DataFrame(schema={"prediction": pl.Float64() if task == "regression" else pl.String()})
            plain = plain.with_columns(probability=pl.lit(0.0)).clear() if task == "binary" else plain
        ids = log.select(pl.col("id").alias("prediction_id"), pl.lit(self._model.name).alias("version"), "warnings")
        return pl.concat([log.select("_row"), plain, pl.DataFrame(more), ids], how="horizontal")

    def _empty_columns(self) -> list[pl.Series]:
        """Return the task's further columns without rows, so that every part of an output has the same ones."""
        package = self._model.package
        if package.task == "multiclass":
            names = [f"probability_{name}" for name in package.classes]
        else:
            names = ["interval_low", "interval_high"] if self._model.reach is not None else []
        return [pl.Series(name, [], pl.Float64()) for name in names]


_NO_OUTPUT = pl.DataFrame(schema={"prediction": pl.String()})


def _tell(clean: pl.DataFrame, left_out: Mapping[int, list[str]]) -> pl.DataFrame:
    """Return clean rows with further warnings for some of them."""
    if not left_out:
        return clean
    rows = zip(clean["_row"], clean["_warnings"].to_list(), strict=True)
    told = [[*(warnings or ()), *left_out.get(number, ())] for number, warnings in rows]
    return clean.with_columns(_warnings=pl.Series(told, dtype=pl.List(pl.String())))


def _show(frame: pl.DataFrame, answers: pl.DataFrame, refused: Mapping[int, list[str]]) -> pl.DataFrame:
    """Return the input's rows, in order, with the answer's columns behind them.

    A column of the input that is called like one of the answer gets `input.` before its name.
    """
    errors = pl.DataFrame(
        {"_row": list(refused), "errors": list(refused.values())},
        schema={"_row": pl.Int64(), "errors": pl.List(pl.String())},
    )
    taken = {*answers.columns, "errors"}
    own = frame.drop("_row", "_offset")
    left = own.rename({name: f"input.{name}" for name in own.columns if name in taken}).with_columns(frame["_row"])
    if not refused and answers.height == left.height:
        return pl.concat([left.drop("_row"), answers.drop("_row")], how="horizontal").with_columns(
            errors=pl.lit(None, pl.List(pl.String()))
        )
    joined = left.join(answers, on="_row", how="left", maintain_order="left")
    return joined.join(errors, on="_row", how="left", maintain_order="left").drop("_row")


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
