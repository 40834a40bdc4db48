"""The file or table that batch answers are written to: CSV, Parquet or Delta, visible only when it is whole."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from trimtab.errors import HostError
from trimtab.store.lake import Lake

FORMULA = r"^[=+\-@\t\r]"
NUMBER = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
FILES = {".csv", ".parquet"}


def write_sheet(parts: Sequence[Path], output: Path, home: Path) -> None:
    """Write parts (Parquet files), in their order, as one CSV or Parquet file or, without an ending, as a Delta table.

    Bounded memory. The draft is made in the folder `home` on the same disk, where a killed run may have left one;
    `output` is replaced as a whole at the end. Raises HostError where the disk does not take it.
    """
    draft = home / "draft"
    try:
        _clear(draft)
        if output.suffix.lower() == ".csv":
            _write_csv(parts, draft)
        elif output.suffix.lower() == ".parquet":
            _rows(parts).sink_parquet(draft, compression="zstd", compression_level=1, maintain_order=True)
        else:
            _write_table(parts, draft)
        draft.replace(output)
    except OSError as error:
        raise HostError(f"{output} cannot be written: {error.strerror or error}.", hint="see to the disk") from error


def _clear(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft)
    draft.unlink(missing_ok=True)


def _rows(parts: Sequence[Path]) -> pl.LazyFrame:
    found = [pl.scan_parquet(part, glob=False, hive_partitioning=False) for part in parts]
    return pl.concat(found, how="vertical_relaxed")


def _write_csv(parts: Sequence[Path], path: Path) -> None:
    """Write a CSV file that a spreadsheet can open without running what a cell says."""
    with path.open("wb") as file:
        for number, part in enumerate(parts):
            frame = pl.read_parquet(part, glob=False, hive_partitioning=False)
            plain = frame.with_columns(pl.col(pl.List(pl.String())).list.join("; "))
            safe = plain.with_columns(disarm(pl.col(pl.String())))
            if number == 0:
                names = pl.Series(plain.columns, dtype=pl.String).to_frame("name").select(disarm(pl.col("name")))
                safe = safe.rename(dict(zip(plain.columns, names["name"], strict=True)))
            file.write(safe.write_csv(include_header=number == 0).encode())


def _write_table(parts: Sequence[Path], folder: Path) -> None:
    lake = Lake(folder.parent)
    for part in parts:
        lake.append(folder.name, pl.read_parquet(part, glob=False, hive_partitioning=False))


def disarm(cells: pl.Expr) -> pl.Expr:
    """Return text cells with `'` before those that a spreadsheet would take for a formula; numbers stay as they are."""
    formula = cells.str.contains(FORMULA) & ~cells.str.contains(NUMBER)
    return pl.when(formula).then(pl.lit("'") + cells).otherwise(cells).name.keep()
