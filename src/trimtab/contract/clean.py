"""The Contract compiled for a whole frame: clean rows, rejected rows with reasons, and the counts of reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Final

import msgspec
import polars as pl

from trimtab.contract.columns import NO_CODE, Treat, Treated, compile_column, compile_target
from trimtab.contract.fast import MOMENT
from trimtab.contract.row import META, compile_all
from trimtab.contract.rule_frame import Judge, compile_judge
from trimtab.errors import DataError, Mistake, nearest
from trimtab.nouns.contract import Contract

_TEXTS: Final = pl.List(pl.String)


@dataclass(frozen=True, slots=True)
class Checked:
    """A frame after the contract: every row stands in `clean` or in `quarantine`, in its old order.

    clean        contract columns in their types, `_label`, `_event_at`, `_row`, `_source`, `_arrived_at`, `_warnings`
    quarantine   `_row`, `_source`, `_offset`, `_arrived_at`, `raw` (JSON text), `reasons` ("field:code")
    counts       rows by "field:code", in the contract's order; a row with two bad fields counts at both

    `_row`, `_source`, `_offset` and `_arrived_at` stand there where the frame had them.
    """

    clean: pl.DataFrame
    quarantine: pl.DataFrame
    counts: Mapping[str, int]


@dataclass(frozen=True)
class FrameContract:
    """A compiled Contract: `apply` it to as many frames as there are. `text`: every value is text, as in a CSV file."""

    contract: Contract
    text: bool
    treatments: Mapping[str, Treat] = field(repr=False)
    judge: Judge = field(repr=False)

    def apply(self, frame: pl.DataFrame) -> Checked:
        """Return the frame's rows cleaned or quarantined; columns that the contract does not name are left out.

        A missing optional column counts as all null. Raises `DataError` that names every missing required column.
        """
        self._refuse_missing(frame)
        treated = [treat(_column(frame, name)) for name, treat in self.treatments.items()]
        judged = [*treated, *self.judge(treated[:-1])]
        clean = self._assemble(frame, treated).with_columns(_warnings(judged, frame.height))
        faulty = [part for part in judged if part.codes.null_count() < frame.height]
        if not faulty:
            return Checked(clean, _quarantine(frame.clear(), []), {})
        bad = reduce(or_, (part.codes.is_not_null() for part in faulty))
        codes = [part.codes.alias(part.name).filter(bad) for part in faulty]
        return Checked(clean.filter(~bad), _quarantine(frame.filter(bad), codes), _count(codes))

    def _refuse_missing(self, frame: pl.DataFrame) -> None:
        present = [name for name in frame.columns if name not in META]
        missing = [column.name for column in self.contract.columns if column.required and column.name not in present]
        if missing:
            mistakes = [Mistake(name, f"is required and not in the data{nearest(name, present)}") for name in missing]
            hint = "correct the header of the data, or write required = false for the column in contract.toml"
            raise DataError("The data lacks columns of the contract.", mistakes=mistakes, hint=hint)

    def _assemble(self, frame: pl.DataFrame, treated: Sequence[Treated]) -> pl.DataFrame:
        """Return the columns of `clean` for every row, the bad ones too."""
        *columns, label = treated
        values = [column.values.alias(column.name) for column in columns]
        passing = [frame.get_column(name) for name in ("_row", "_source", "_arrived_at") if name in frame.columns]
        named = [label.values.alias("_label"), self._event_at(frame, values)]
        # by name in a dictionary: a list of Series would rename a column without a name
        return pl.DataFrame({part.name: part for part in (*values, *named, *passing)})

    def _event_at(self, frame: pl.DataFrame, values: Sequence[pl.Series]) -> pl.Series:
        """Return each row's event time; where there is none, the time of its arrival."""
        arrived = _column(frame, "_arrived_at").cast(MOMENT)
        name = self.contract.row.event_time
        event = next((column for column in values if name and column.name == name), None)
        if event is None:
            return arrived.alias("_event_at")
        if event.dtype == pl.Date():
            event = event.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        return event.zip_with(event.is_not_null(), arrived).alias("_event_at")


def compile_frame(contract: Contract, *, text: bool) -> FrameContract:
    """Return the Contract compiled for frames. `text`: every value is text, as in a CSV file.

    Raises `ConfigError` for a contract that makes no sense and `DataError` for reserved column names.
    """
    zone = contract.row.time_zone
    treats = compile_all(contract, lambda column: compile_column(column, text=text, time_zone=zone))
    names = [column.name for column in contract.columns]
    treatments = {**dict(zip(names, treats, strict=True)), contract.target.column: compile_target(contract.target)}
    return FrameContract(contract, text, treatments, compile_judge(contract))


def _column(frame: pl.DataFrame, name: str) -> pl.Series:
    """Return a column of the frame, all null where there is none."""
    if name in frame.columns:
        return frame.get_column(name)
    return pl.repeat(None, frame.height, dtype=pl.Null(), eager=True).alias(name)


def _quarantine(frame: pl.DataFrame, codes: Sequence[pl.Series]) -> pl.DataFrame:
    """Return the rejected rows: where they came from, what they were, and every reason."""
    own = frame.drop(META, strict=False)
    rows = pl.Series("raw", [_json(row) for row in own.iter_rows(named=True)], dtype=pl.String)
    texts = {str(number): f"{code.name}:" + code for number, code in enumerate(codes)}
    reasons = _lists(pl.DataFrame(texts), "reasons") if texts else _nothing("reasons", 0)
    return pl.DataFrame([*(frame.get_column(name) for name in META if name in frame.columns), rows, reasons])


def _json(row: Mapping[str, object]) -> str:
    """Return a row as JSON text; what JSON has no word for becomes text, NaN null."""
    return msgspec.json.encode(row, enc_hook=str).decode()


def _count(codes: Sequence[pl.Series]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for code in codes:
        for found, rows in sorted(code.alias("code").drop_nulls().value_counts().iter_rows()):
            counts[f"{code.name}:{found}"] = rows
    return counts


def _warnings(judged: Sequence[Treated], height: int) -> pl.Series:
    """Return each row's list of warnings. Lists are dear, so only rows that have any get one of their own."""
    marks = [(f"{kind}:{part.name}", mask) for part in judged for kind, mask in part.warnings]
    if not marks:
        return _nothing("_warnings", height)
    masks = pl.DataFrame({str(number): mask for number, (_, mask) in enumerate(marks)})
    some = masks.select(pl.any_horizontal(pl.all()).fill_null(value=False)).to_series()
    texts = masks.filter(some).select(
        pl.when(str(number)).then(pl.lit(text)).otherwise(NO_CODE).alias(str(number))
        for number, (text, _) in enumerate(marks)
    )
    places = some.cast(pl.UInt32).cum_sum() * some.cast(pl.UInt32)
    return pl.concat([_nothing("_warnings", 1), _lists(texts, "_warnings")]).gather(places)


def _lists(texts: pl.DataFrame, name: str) -> pl.Series:
    """Return one list per row with its texts that are not null."""
    return texts.select(pl.concat_list(pl.all()).list.drop_nulls().alias(name)).to_series()


def _nothing(name: str, height: int) -> pl.Series:
    return pl.Series(name, [[]], dtype=_TEXTS).new_from_index(0, height)
