"""The project in small: its own first raw rows as files, its pipeline, contract and settings, and an empty record."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import polars as pl

from trimtab.audit.readiness.ground import Ground, copy_project
from trimtab.loop.state import Wheel
from trimtab.nouns import SourceSpec
from trimtab.nouns.project import CsvForm
from trimtab.store import open_blobs, open_catalog, open_index, open_lake

ROWS = 12_000
"""Raw rows of each source that the small world begins with, the oldest ones."""
LATER = 200
"""Raw rows that come in later, with a changed schema."""
_OURS = ("_row", "_offset", "_arrived_at")


@dataclass(frozen=True)
class Sample:
    """A small project of its own; `drop` lets further rows of a source come in, as its next file."""

    wheel: Wheel

    def drop(self, source: str, rows: pl.DataFrame) -> None:
        """Let rows come in from a source."""
        spec = next(one for one in self.wheel.project.sources if one.name == source)
        write_rows(rows, spec, f"later-{len(list(spec.path.iterdir()))}")


@contextmanager
def open_sample(ground: Ground, folder: Path) -> Iterator[Sample]:
    """Give the small project of a ground, in `folder`."""
    project = copy_project(ground.wheel.project, folder)
    sources = tuple(_as_files(ground, spec, folder / "raw" / spec.name) for spec in ground.project.sources)
    project = replace(project, sources=sources, train=replace(ground.project.train, budget=timedelta(0)))
    wheel = Wheel(project, open_lake(project), open_catalog(project), open_blobs(project), open_index(project))
    with closing(wheel.catalog), closing(wheel.index):
        yield Sample(wheel)


def _as_files(ground: Ground, spec: SourceSpec, folder: Path) -> SourceSpec:
    """Return a source of files in a folder of its own, which holds the first raw rows of a source."""
    folder.mkdir(parents=True)
    files = SourceSpec(
        name=spec.name,
        kind="files",
        path=folder,
        pattern="*.csv" if spec.is_text else "*.parquet",
        format="csv" if spec.is_text else "parquet",
        csv=CsvForm(),
        key=spec.key,
        role=spec.role,
        value=spec.value,
        known_at=spec.known_at,
    )
    write_rows(raw_rows(ground, spec.name, 0, ROWS), files, "first")
    return files


def raw_rows(ground: Ground, source: str, first: int, rows: int) -> pl.DataFrame:
    """Return so many raw rows of a source from one place on, as the source gave them."""
    table = ground.wheel.lake.read(f"raw/{source}")
    own = [name for name in table.collect_schema().names() if name not in _OURS]
    return table.sort("_row").slice(first, rows).select(own).collect()


def write_rows(rows: pl.DataFrame, spec: SourceSpec, name: str) -> None:
    """Write rows as a file of a source."""
    if spec.format == "csv":
        rows.write_csv(spec.path / f"{name}.csv")
    else:
        rows.write_parquet(spec.path / f"{name}.parquet")
