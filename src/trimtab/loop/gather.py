"""Step 1: the sources' new rows into the lake, unchanged, with the position they were read to."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import polars as pl

from trimtab import clock
from trimtab.contract.pii import compile_hide_line
from trimtab.contract.pii_frame import hide_frame
from trimtab.ingest import open_source
from trimtab.ingest.base import Chunk, Rejected
from trimtab.loop.state import Wheel
from trimtab.metrics.figures import count
from trimtab.nouns import Contract, SourceSpec, canonical, fingerprint
from trimtab.store.tables import known_schema

Tell = Callable[[str], None]
T = TypeVar("T")
R = TypeVar("R")
MOMENT = pl.Datetime("us", "UTC")
MOST_ROWS = 200_000
MOST_BYTES = 64_000_000
"""What one commit holds at most, unless one chunk is larger: many small files of a drop then cost one commit."""


@dataclass(slots=True)
class Kept:
    """How many rows a commit holds, the lines that were none, and what a person should know of the source."""

    rows: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def keep_raw(wheel: Wheel, spec: SourceSpec, *, tell: Tell) -> Iterator[Kept]:
    """Append a source's new rows to raw/<source>; yield for each commit how many, and the lines that were no rows.

    The position travels in the commit that holds the rows, under a transaction named by the position before it, so a
    crash at any point skips nothing and repeats nothing. While one batch is written the next is read.
    """
    position = wheel.lake.metadata(f"raw/{spec.name}").get("position")
    source = open_source(spec, expected=expected_columns(wheel, spec))
    batches = in_batches(source.read(_read_position(position)))
    rows = 0
    for new in one_ahead(batches, _RawTable(wheel, spec, position).keep):
        rows += new.rows
        tell("; ".join(new.notes) or f"{spec.name}: {count(rows, spec.role.removesuffix('s'))} read")
        yield new


@dataclass(slots=True)
class _RawTable:
    """The table of a source, and the position that its newest commit carries."""

    wheel: Wheel
    spec: SourceSpec
    position: str | None

    def keep(self, chunks: list[Chunk]) -> Kept:
        """Commit some chunks with the position behind them, and return what was kept."""
        wheel, spec = self.wheel, self.spec
        notes = [note for chunk in chunks if (note := _note_of(chunk, spec, wheel.contract))]
        reached = canonical(chunks[-1].position)
        if reached == self.position:  # nothing but a note; its transaction would be that of the next rows
            return Kept(notes=notes)
        before = fingerprint((spec.name, self.position))
        rejected = [line for chunk in chunks for line in chunk.rejected]
        _keep_rejected(wheel, spec, rejected, before)
        frame = hide_frame(wheel.contract, pl.concat([chunk.frame for chunk in chunks], how="diagonal"), spec.name)
        frame = frame.with_columns(pl.lit(clock.now(), MOMENT).alias("_arrived_at"))
        wheel.lake.append(f"raw/{spec.name}", frame, app=before, number=0, metadata={"position": reached})
        self.position = reached
        return Kept(frame.height, rejected, notes)


def expected_columns(wheel: Wheel, spec: SourceSpec) -> set[str]:
    """Return the columns of which a file of a source must have one; none where only the pipeline knows."""
    contract = wheel.contract
    if spec.role == "outcomes":
        return {*contract.row.key, "prediction_id", spec.value or "value", contract.target.column}
    if wheel.project.pipeline.file is None:
        return {*(column.name for column in contract.columns), contract.target.column}
    return {*spec.key, *(column.name for column in contract.raw.get(spec.name, ()))}


def one_ahead(batches: Iterator[T], keep: Callable[[T], R]) -> Iterator[R]:
    """Yield keep(batch) for each batch, one after the other in a thread; meanwhile the next batch is fetched here.

    Where fetching fails, what was fetched before is kept and yielded first; where keeping fails, nothing is kept after.
    """
    with ThreadPoolExecutor(1, "keep") as thread:
        keeping: Future[R] | None = None
        try:
            for batch in batches:
                if keeping:
                    begun, keeping = keeping, None
                    yield begun.result()
                keeping = thread.submit(keep, batch)
        except Exception:
            if keeping:
                yield keeping.result()
            raise
        if keeping:
            yield keeping.result()


def in_batches(chunks: Iterator[Chunk]) -> Iterator[list[Chunk]]:
    """Yield chunks in the order of the source, as many together as one commit takes.

    Where the source fails, what it gave before is yielded first.
    """
    batch = _Batch()
    try:
        for chunk in chunks:
            if not batch.takes(chunk):
                yield batch.chunks
                batch = _Batch()
            batch.add(chunk)
    except Exception:
        if batch.chunks:
            yield batch.chunks
        raise
    if batch.chunks:
        yield batch.chunks


@dataclass(slots=True)
class _Batch:
    """Chunks that are committed together: not too much in all, and no column of two types."""

    chunks: list[Chunk] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    types: dict[str, pl.DataType] = field(default_factory=dict)

    def takes(self, chunk: Chunk) -> bool:
        """Return whether a chunk may join; the first one always may."""
        frame = chunk.frame
        same = all(self.types.get(name, kind) == kind for name, kind in frame.schema.items())
        small = self.rows + frame.height <= MOST_ROWS and self.size + frame.estimated_size() <= MOST_BYTES
        return not self.chunks or (same and small)

    def add(self, chunk: Chunk) -> None:
        """Take a chunk."""
        self.chunks.append(chunk)
        self.rows += chunk.frame.height
        self.size += int(chunk.frame.estimated_size())
        self.types.update(chunk.frame.schema)


def _note_of(chunk: Chunk, spec: SourceSpec, contract: Contract) -> str:
    if chunk.again and spec.role == "rows" and not contract.row.key:
        return f"{chunk.note}; [row] key is empty, so rows that it held before count twice"
    return chunk.note


def _read_position(text: str | None) -> Mapping[str, Any] | None:
    return None if text is None else json.loads(text)


def _keep_rejected(wheel: Wheel, spec: SourceSpec, rejected: list[Rejected], before: str) -> None:
    """Append the lines that an interrupted turn has not appended already; from one position they come in one order."""
    app = f"rejected/{before}"
    late = rejected[wheel.lake.committed("quarantine", app) or 0 :]
    if not late:
        return
    moment, hide = clock.now(), compile_hide_line(wheel.contract, spec.name)
    rows = [
        {
            "_source": spec.name,
            "_offset": line.offset,
            "_arrived_at": moment,
            "raw": hide(line.line),
            "reasons": [f"line:{line.reason}"],
            "_judged_at": moment,
        }
        for line in late
    ]
    frame = pl.DataFrame(rows, schema=known_schema("quarantine"), orient="row")
    wheel.lake.append("quarantine", frame, app=app, number=len(rejected))
