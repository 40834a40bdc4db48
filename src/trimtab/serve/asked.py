"""What is to be answered in batch: a file, a folder of files, or a Delta table, read from any position."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from trimtab.errors import DataError, Mistake, UsageError
from trimtab.ingest import Chunk, Source, declare, open_source
from trimtab.ingest.parquet import plain_type
from trimtab.nouns import SourceSpec, fingerprint
from trimtab.store.lake import Lake

CHUNK_ROWS = 50_000
LOG_FOLDER = "_delta_log"


@dataclass(frozen=True, slots=True)
class Asked:
    """An input: how it is read, whether all its values are text, and a fingerprint that changes with its content."""

    source: Source
    is_text: bool
    fingerprint: str


def open_asked(path: Path, known: tuple[SourceSpec, ...]) -> Asked:
    """Return a file, folder or Delta table ready to read. Raises UsageError where it is none, or holds nothing."""
    if (path / LOG_FOLDER).is_dir():
        table = Table(path)
        return Asked(table, is_text=False, fingerprint=fingerprint([str(path.resolve()), table.version]))
    files = [path] if not path.is_dir() else sorted(one for one in path.iterdir() if _is_data(one))
    if not files:
        raise UsageError(f"{path} holds no files.", hint="name a file, a folder with files, or a Delta table")
    spec = declare(files[0], known=known)
    if path.is_dir():
        spec = replace(spec, path=path, pattern=f"*{''.join(files[0].suffixes)}")
        _refuse_mixture(path, spec, files)
    stood = [(one.name, one.stat().st_size, one.stat().st_mtime_ns) for one in files]
    source = open_source(spec, finished=True)
    return Asked(source, is_text=spec.is_text, fingerprint=fingerprint([str(path.resolve()), stood]))


def _is_data(path: Path) -> bool:
    return path.is_file() and not path.name.startswith((".", "_"))


def _refuse_mixture(folder: Path, spec: SourceSpec, files: list[Path]) -> None:
    """Raise UsageError for a folder whose files have several endings: none may be left out in silence."""
    others = [Mistake(one.name, f"does not end in {spec.pattern[1:]}") for one in files if not one.match(spec.pattern)]
    if others:
        raise UsageError(
            f"{folder} holds files of several kinds.", hint="answer them one kind after another", mistakes=others
        )


class Table:
    """The rows of a Delta table at the version that it has now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lake = Lake(folder.resolve().parent)
        if self._lake.folder(folder.resolve().name) != folder.resolve():
            raise UsageError(f"The name of {folder} has characters that are not read.", hint="rename the folder")
        self.version = self._lake.version(folder.resolve().name)

    def describe(self) -> str:
        """Return one line that says where the rows come from."""
        return f"Delta table {self._folder}, version {self.version}"

    def read(self, since: Mapping[str, Any] | None) -> Iterator[Chunk]:
        """Yield the rows behind a position. Raises DataError for columns that hold no plain values."""
        version, begin = (since or {}).get("version", self.version), (since or {}).get("row", 0)
        rows = self._lake.read(self._folder.resolve().name, version=version)
        kinds = {name: plain_type(kind) for name, kind in rows.collect_schema().items()}
        mistakes = [
            Mistake(name[:64], "is neither number, text, boolean nor time") for name in kinds if not kinds[name]
        ]
        if mistakes:
            raise DataError(f"{self._folder} has columns that are no plain values.", mistakes=mistakes)
        plain = rows.select(pl.col(name).cast(kind) for name, kind in kinds.items() if kind)
        while (frame := plain.slice(begin, CHUNK_ROWS).collect()).height:
            numbers = pl.int_range(begin, begin + frame.height, dtype=pl.Int64, eager=True)
            begin += frame.height
            offsets = pl.lit("row:") + pl.col("_row").cast(pl.String)
            yield Chunk(
                frame.with_columns(_row=numbers).with_columns(_offset=offsets), {"version": version, "row": begin}
            )
