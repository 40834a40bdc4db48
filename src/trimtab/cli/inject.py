"""`trimtab inject`."""

from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from trimtab import config
from trimtab.cli.options import AsJson
from trimtab.cli.output import progress, show
from trimtab.clock import parse
from trimtab.errors import UsageError
from trimtab.ingest import declare
from trimtab.metrics.figures import count
from trimtab.nouns.project import CsvForm
from trimtab.testing.faults import KINDS, Fault, plant_fault

NONE = Path()


def inject(
    file: Annotated[Path, Parameter(name="FILE", help="Rows in order of time, CSV or Parquet; it is not changed.")],
    /,
    *,
    kind: Annotated[str, Parameter(help=f"The fault: {', '.join(KINDS)}.")],
    output: Annotated[Path, Parameter(help="The copy with the fault in it, in the same format.")],
    start: Annotated[str, Parameter(help="Where it begins: a share of the rows (0.5), a row, or a date.")] = "0.5",
    end: Annotated[str, Parameter(help="Where it ends, likewise; else with the last row.")] = "",
    column: Annotated[
        str, Parameter(help="The column; else the one of its sort with the most values, a key last.")
    ] = "",
    strength: Annotated[float, Parameter(help="How strong it is; see docs/monitoring.md. 0: as usual.")] = 0.0,
    seed: Annotated[int, Parameter(help="Which rows chance takes.")] = 0,
    target: Annotated[str, Parameter(help="The label's column.")] = "",
    time: Annotated[str, Parameter(help="The column of the moment, for dates and to spare it.")] = "",
    known_at: Annotated[str, Parameter(help="The column of when a label was known, for label_delay.")] = "",
    project: Annotated[Path, Parameter(help="A project whose contract names label, time and key.")] = NONE,
    overwrite: Annotated[bool, Parameter(help="Replace OUTPUT.", negative=())] = False,
    as_json: AsJson = False,
) -> int:
    """Make a fault in a copy of a stream, to see by `replay` or `monitor` what would be noticed, and how late.

    unit_change, null_storm, category_explosion, label_flip, slow_drift, season, feed_stop, duplicate_feed,
    base_rate_change and label_delay; one at a time, and the copy can be given another. Same rows, same seed, same copy.
    """
    _refuse_output(file, output, overwrite=overwrite)
    with progress(f"Reading {file} ..."):
        form, rows = _read(file)
    _refuse_ending(file, output, form)
    spared: tuple[str, ...] = ()
    if project != NONE:
        contract = config.load_contract(config.load(project).contract)
        target, time = target or contract.target.column, time or contract.row.event_time
        spared = tuple(one.name for one in contract.columns if one.role != "feature")
    places = [_place(rows, option, text, time) for option, text in (("--start", start), ("--end", end))]
    spared = (*spared, time) if time else spared
    planted = plant_fault(rows, Fault(kind, places[0], places[1], column, strength, target, known_at, spared, seed))
    _write(planted.rows, output, form)
    said = f"{output}: {planted.said}, from row {places[0] + 1:,} on; {count(planted.touched, 'row')} touched."
    facts = {
        "kind": kind,
        "column": planted.column or None,
        "strength": planted.strength,
        "start": places[0],
        "end": places[1] or rows.height,
        "seed": seed,
        "touched": planted.touched,
        "rows_in": rows.height,
        "rows_out": planted.rows.height,
        "output": output,
    }
    show((said,), facts, as_json=as_json)
    return 0


def _refuse_output(file: Path, output: Path, *, overwrite: bool) -> None:
    if not output.exists():
        return
    if file.exists() and output.samefile(file):
        raise UsageError(f"{output} is the file that is read; it is not changed.", hint="give --output another name")
    if not overwrite:
        raise UsageError(f"{output} is there already.", hint="give --output another name, or --overwrite")


def _refuse_ending(file: Path, output: Path, form: CsvForm | None) -> None:
    """Refuse an output whose name says another format than the one that is written."""
    is_parquet = output.suffix.lower() in {".parquet", ".pq"}
    if is_parquet != (form is None) or output.suffix.lower() in {".jsonl", ".json", ".xlsx", ".gz"}:
        format_ = "Parquet" if form is None else "CSV"
        hint = f"name it {output.with_suffix('.parquet' if form is None else '.csv')}"
        raise UsageError(f"{file} is {format_}, so its copy cannot be called {output}.", hint=hint)


def _read(file: Path) -> tuple[CsvForm | None, pl.DataFrame]:
    """Return how a file is written (None: Parquet) and its rows; those of CSV stay text, as they are."""
    spec = declare(file)
    if spec.format == "parquet":
        return None, pl.read_parquet(file)
    if spec.format != "csv":
        raise UsageError(f"{file} is {spec.format}; faults are made in CSV and Parquet files.")
    text = file.read_text(encoding=spec.csv.encoding).encode()
    quote = spec.csv.quote or None
    return spec.csv, pl.read_csv(BytesIO(text), separator=spec.csv.delimiter, quote_char=quote, infer_schema=False)


def _write(rows: pl.DataFrame, output: Path, form: CsvForm | None) -> None:
    if form is None:
        rows.write_parquet(output)
        return
    text = rows.write_csv(separator=form.delimiter, quote_char=form.quote or '"')
    output.write_text(text, encoding=form.encoding)


PLACES = "a share of the rows (0.5), a row (100), or with --time COLUMN a date (2026-01-31)"


def _place(rows: pl.DataFrame, option: str, text: str, time: str) -> int:
    """Return the number of a row from a share, a number, or a date in the column of time; 0 for an empty text."""
    try:
        number = float(text or 0)
    except ValueError:
        return _find_moment(rows, option, text, time)
    if not (isfinite(number) and number >= 0):
        raise UsageError(f"{option} '{text}' is no share and no row.", hint=f"give {PLACES}")
    return round(number * rows.height) if number < 1 else int(number)


def _find_moment(rows: pl.DataFrame, option: str, text: str, time: str) -> int:
    try:
        moment = parse(text if "T" in text else f"{text}T00:00:00Z")
    except UsageError:
        raise UsageError(f"{option} '{text[:40]}' is no share, no row and no date.", hint=f"give {PLACES}") from None
    if time not in rows.columns:
        raise UsageError(f"{option} {text} is a date, and no column tells the time.", hint=f"give {PLACES}")
    column = rows[time]
    told = column.str.to_datetime(time_zone="UTC", strict=False) if column.dtype == pl.String else column
    zone = pl.Series([moment]).dt.replace_time_zone(getattr(told.dtype, "time_zone", None)).cast(told.dtype)
    later = told >= zone[0]
    return int(later.arg_max() or 0) if later.any() else rows.height
