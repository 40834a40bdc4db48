"""The spool into the lake: each acknowledged record once, before its segment may go."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from trimtab.loop.state import Wheel
from trimtab.nouns.record import subject_of
from trimtab.store import spool_folder
from trimtab.store.spool import Segment, ask_to_seal, segments
from trimtab.store.tables import known_schema

PREDICTIONS = known_schema("predictions")
OUTCOMES = known_schema("outcomes")


def forward(wheel: Wheel, *, tell: Callable[[str], None], wait: float = 2.0) -> Mapping[str, int]:
    """Move what the workers have sealed into the lake; return how many predictions and outcomes were moved.

    Live workers are asked to seal what they hold and have `wait` seconds to do so. A segment's app and number are its
    Delta transaction, so that a crash between any two lines repeats nothing and loses nothing.
    """
    folder = spool_folder(wheel.project)
    ask_to_seal(folder, wait)
    moved = {"predictions": 0, "outcomes": 0}
    for segment in segments(folder):
        for kind, count in _forward_segment(wheel, segment).items():
            moved[kind] += count
    if any(moved.values()):
        tell(f"forwarded {moved['predictions']:,} predictions and {moved['outcomes']:,} outcomes to the lake")
    return moved


def _forward_segment(wheel: Wheel, segment: Segment) -> dict[str, int]:
    predictions: list[dict[str, Any]] = []
    outcomes: list[dict[str, Any]] = []
    for kind, _, body in segment.records():
        (predictions if kind == "prediction" else outcomes).append(msgspec.json.decode(body))
    for table, records, schema in (("predictions", predictions, PREDICTIONS), ("outcomes", outcomes, OUTCOMES)):
        if records:
            wheel.lake.append(table, frame_of(records, schema), app=segment.app, number=segment.number)
    wheel.index.add((record["id"] for record in predictions), _subjects(outcomes))
    segment.drop()
    return {"predictions": len(predictions), "outcomes": len(outcomes)}


def frame_of(records: Iterable[Mapping[str, Any]], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Return logged records as rows of their lake table."""
    rows = [{name: _cell(record.get(name), kind) for name, kind in schema.items()} for record in records]
    return pl.DataFrame(rows, schema=dict(schema), orient="row")


def _cell(value: object, kind: pl.DataType) -> object:
    """Return a record's value as the table keeps it: times parsed, objects as their JSON text."""
    if isinstance(kind, pl.Datetime) and isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(kind, pl.String) and isinstance(value, (dict, list, int, float)):
        return msgspec.json.encode(value).decode()
    return value


def _subjects(outcomes: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(subject_of(record.get("prediction_id"), record.get("key")), record["value"]) for record in outcomes]
