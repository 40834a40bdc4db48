"""The file that batch answers are written to: CSV or Parquet, written part by part, visible only when it is whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Protocol

import polars as pl

from trimtab.errors import HostError

FORMULA = r"^[=+\-@\t\r]"
NUMBER = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"


class Sheet(Protocol):
    """Takes frames of one shape, one after another."""

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows."""
        ...


@contextmanager
def open_sheet(path: Path) -> Iterator[Sheet]:
    """Hold a sheet open; `path` is replaced as a whole at the end, and untouched where the block raises.

    Raises HostError where the disk does not take it.
    """
    try:
        with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            draft = Path(folder) / "draft"
            if path.suffix.lower() == ".csv":
                with draft.open("wb") as file:
                    yield CsvSheet(file)
            else:
                sheet = ParquetSheet(Path(folder))
                yield sheet
                sheet.join(draft)
            draft.replace(path)
    except OSError as error:
        raise HostError(f"{path} cannot be written: {error.strerror or error}.", hint="see to the disk") from error


class CsvSheet:
    """A CSV file that a spreadsheet can open without running what a cell says."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._begun = False

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows; the first ones bring the header."""
        plain = frame.with_columns(pl.col(pl.List(pl.String())).list.join("; "))
        safe = plain.with_columns(disarm(pl.col(pl.String())))
        if not self._begun:
            names = pl.Series(plain.columns, dtype=pl.String).to_frame("name").select(disarm(pl.col("name")))["name"]
            safe = safe.rename(dict(zip(plain.columns, names, strict=True)))
        self._file.write(safe.write_csv(include_header=not self._begun).encode())
        self._begun = True


class ParquetSheet:
    """Parts of a Parquet file in a folder, joined at the end without holding all of them in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: list[Path] = []

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows."""
        self._parts.append(self._folder / f"part-{len(self._parts):06d}")
        frame.write_parquet(self._parts[-1])

    def join(self, path: Path) -> None:
        """Write all the parts, in their order, as one file."""
        pl.scan_parquet(self._parts).sink_parquet(path, maintain_order=True)


def disarm(cells: pl.Expr) -> pl.Expr:
    """Return text cells with `'` before those that a spreadsheet would take for a formula; numbers stay as they are."""
    formula = cells.str.contains(FORMULA) & ~cells.str.contains(NUMBER)
    return pl.when(formula).then(pl.lit("'") + cells).otherwise(cells).name.keep()
