"""Step 1: the sources' new rows into the lake, unchanged, with the position they were read to; outcomes as Outcomes."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from trimtab import clock
from trimtab.ingest import open_source
from trimtab.ingest.base import Chunk, Rejected
from trimtab.loop.outcomes import OutcomeReader, keep_outcomes
from trimtab.loop.state import Wheel
from trimtab.nouns import Contract, Outcome, SourceSpec, canonical, fingerprint
from trimtab.store.tables import known_schema

Tell = Callable[[str], None]
MOMENT = pl.Datetime("us", "UTC")


@dataclass(slots=True)
class Kept:
    """How many rows of a source were kept, the lines that were none, and what a person should know of the source."""

    rows: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def keep_raw(wheel: Wheel, spec: SourceSpec, *, tell: Tell) -> Kept:
    """Append a source's new rows to raw/<source>; return how many, and the lines that were no rows.

    The position travels in the commit that holds the rows, under a transaction named by the position before it, so a
    crash at any point skips nothing and repeats nothing.
    """
    table = f"raw/{spec.name}"
    position = wheel.lake.metadata(table).get("position")
    kept = Kept()
    for chunk in open_source(spec).read(_read_position(position)):
        note = _note_of(chunk, spec, wheel.contract)
        kept.notes += [note] if note else []
        if canonical(chunk.position) == position:  # nothing but a note; its transaction would be that of the next rows
            tell(note)
            continue
        before = fingerprint((spec.name, position))
        bad = [*chunk.rejected, *_keep_outcomes(wheel, spec, chunk, before)]
        _keep_rejected(wheel, spec, bad, before)
        frame = chunk.frame.with_columns(pl.lit(clock.now(), MOMENT).alias("_arrived_at"))
        position = canonical(chunk.position)
        wheel.lake.append(table, frame, app=before, number=0, metadata={"position": position})
        kept.rejected += bad
        kept.rows += frame.height - (len(bad) - len(chunk.rejected))
        tell(note or f"{spec.name}: {kept.rows:,} {spec.role} read")
    return kept


def _note_of(chunk: Chunk, spec: SourceSpec, contract: Contract) -> str:
    if chunk.again and spec.role == "rows" and not contract.row.key:
        return f"{chunk.note}; [row] key is empty, so rows that it held before count twice"
    return chunk.note


def _read_position(text: str | None) -> Mapping[str, Any] | None:
    return None if text is None else json.loads(text)


def _keep_outcomes(wheel: Wheel, spec: SourceSpec, chunk: Chunk, before: str) -> Iterator[Rejected]:
    """Keep the Outcomes of a chunk of a source of outcomes; yield the rows that are none."""
    if spec.role != "outcomes":
        return
    reader = OutcomeReader(
        wheel.contract, chunk.frame.columns, value=spec.value, known_at=spec.known_at, text=spec.is_text
    )
    kept: list[Outcome] = []
    for row in chunk.frame.iter_rows(named=True):
        outcome = reader.read(row, source=spec.name)
        if isinstance(outcome, Outcome):
            kept.append(outcome)
        else:
            yield Rejected(str(row["_offset"]), "", outcome)
    keep_outcomes(wheel, kept, f"outcomes/{before}")


def _keep_rejected(wheel: Wheel, spec: SourceSpec, rejected: list[Rejected], before: str) -> None:
    if not rejected:
        return
    rows = [
        {
            "_source": spec.name,
            "_offset": line.offset,
            "_arrived_at": clock.now(),
            "raw": line.line,
            "reasons": [f"line:{line.reason}"],
        }
        for line in rejected
    ]
    frame = pl.DataFrame(rows, schema=known_schema("quarantine"), orient="row")
    wheel.lake.append("quarantine", frame, app=f"rejected/{before}", number=0)
