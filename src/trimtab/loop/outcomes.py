"""What really happened, from a file or a source: one Outcome a row, joined by prediction_id or by the key."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import polars as pl

from trimtab import clock
from trimtab.contract.row import META, compile_label, compile_row, row_key
from trimtab.errors import Mistake, UsageError, nearest
from trimtab.ingest import Chunk, declare, open_source
from trimtab.loop.forward import OUTCOMES, forward, frame_of
from trimtab.loop.quarantine import SCHEMA, judged, read_pending, record_released
from trimtab.loop.raw import slices
from trimtab.loop.state import Wheel
from trimtab.metrics.figures import count
from trimtab.nouns import Contract, Outcome, SourceSpec
from trimtab.nouns.record import OutcomeState, subject_of
from trimtab.store import open_claims


@dataclass(frozen=True, slots=True)
class OutcomesRead:
    """How many Outcomes were accepted, parked (nothing known yet to join), repeated or corrected; and the bad rows."""

    accepted: int = 0
    parked: int = 0
    repeated: int = 0
    corrected: int = 0
    rejected: tuple[Mistake, ...] = ()


def read_outcomes(wheel: Wheel, path: Path, *, tell: Callable[[str], None]) -> OutcomesRead:
    """Keep the Outcomes of a CSV or Parquet file: prediction_id or the key's columns, `value`, maybe `known_at`.

    The target's own name is understood for `value`. The same file again changes nothing. Raises DataError, UsageError.
    """
    spec = declare(path, known=wheel.project.sources)
    with wheel.turn("outcomes"):
        forward(wheel, tell=tell)
        states: Counter[str] = Counter()
        rejected: list[Mistake] = []
        for chunk in open_source(spec, finished=True).read(None):
            kept, bad = _sort_chunk(wheel, chunk, states, text=spec.is_text)
            keep_outcomes(wheel, kept)
            rejected += bad
            tell(f"{count(sum(states.values()), 'outcome')} read, {len(rejected):,} rejected")
    return OutcomesRead(**dict(states), rejected=tuple(rejected))


def _sort_chunk(wheel: Wheel, chunk: Chunk, states: Counter[str], *, text: bool) -> tuple[list[Outcome], list[Mistake]]:
    """Return the Outcomes of a chunk that say something new, and the lines that say nothing; count the others."""
    reader = OutcomeReader(wheel.contract, chunk.frame.columns, text=text)
    rejected = [Mistake(_line(line.offset), line.reason) for line in chunk.rejected]
    kept: list[Outcome] = []
    latest: dict[str, Outcome] = {}
    for row in chunk.frame.iter_rows(named=True):
        outcome = reader.read(row)
        if isinstance(outcome, str):
            rejected.append(Mistake(_line(row["_offset"]), outcome))
            continue
        subject = subject_of(outcome.prediction_id, outcome.key)
        state = _state(wheel, outcome, latest.get(subject))
        states[state] += 1
        if state != "repeated":
            kept.append(outcome)
            latest[subject] = outcome
    return kept, rejected


def _line(offset: str) -> str:
    return f"line {offset.rpartition(':')[2]}"


def keep_outcomes(wheel: Wheel, kept: Sequence[Outcome], *, app: str | None = None, number: int | None = None) -> None:
    """Append Outcomes to the lake, once for a transaction, and note their subjects in the index.

    With a transaction also none is appended, so that its number says what was looked at.
    """
    if not kept and app is None:
        return
    records = [{**asdict(outcome), "_arrived_at": outcome.arrived_at} for outcome in kept]
    wheel.lake.append("outcomes", frame_of(records, OUTCOMES), app=app, number=number)
    before = clock.now().timestamp()
    newest = [(subject_of(outcome.prediction_id, outcome.key), outcome.value) for outcome in kept]
    wheel.index.add((), newest)
    with closing(open_claims(wheel.project)) as claims:  # which a worker asks before the index
        claims.forget_outcomes((subject for subject, _ in newest), before)


@dataclass(frozen=True, slots=True)
class SourceRead:
    """How many Outcomes a source gave, and what is wrong with each of its rows that is none."""

    outcomes: int = 0
    refused: tuple[str, ...] = ()


def keep_source_outcomes(wheel: Wheel, spec: SourceSpec, *, tell: Callable[[str], None]) -> SourceRead:
    """Keep the Outcomes in the raw rows of a source, each once; rows that are none go to quarantine.

    They are read from what the lake holds, so a crash at any point repeats none. Rows that an older Contract refused
    are read again under the present one. What one reading brings arrived at one moment, whatever its order.
    """
    app, refused, kept, moment = f"outcomes/{spec.name}", [], 0, clock.now()
    for rows, until in slices(wheel, spec, "outcomes", app):
        good, bad = sort_rows(wheel, spec, rows, moment)
        done = wheel.lake.committed("quarantine", app) or 0
        if (late := bad.filter(pl.col("_row") >= done)).height:
            wheel.lake.append("quarantine", judged(wheel, late), app=app, number=until)
        keep_outcomes(wheel, list(good.values()), app=app, number=until)
        kept += len(good)
        refused += bad["reasons"].explode().to_list()
        tell(f"{spec.name}: {count(kept, 'outcome')} kept, {len(refused):,} refused")
    return SourceRead(kept + _retry_refused(wheel, spec), tuple(refused))


def _retry_refused(wheel: Wheel, spec: SourceSpec) -> int:
    """Read the rows again that another Contract refused; return how many are Outcomes now."""
    pending = read_pending(wheel).filter(pl.col("_source") == spec.name)
    if not pending.height:
        return 0
    rows = wheel.lake.read(f"raw/{spec.name}").filter(pl.col("_row").is_in(pending["_row"].implode())).collect()
    if not rows.height:
        return 0
    good, bad = sort_rows(wheel, spec, rows.with_columns(pl.lit(spec.name).alias("_source")), clock.now())
    app, number = f"released/{spec.name}/{wheel.contract.id}", max(rows["_row"].to_list()) + 1
    keep_outcomes(wheel, list(good.values()), app=app, number=number)
    freed = pending.filter(pl.col("_row").is_in(list(good)))
    record_released(wheel, freed, refused=bad, app=app, number=number)
    return freed.height


def sort_rows(
    wheel: Wheel, spec: SourceSpec, rows: pl.DataFrame, moment: datetime
) -> tuple[dict[int, Outcome], pl.DataFrame]:
    """Return the Outcomes of raw rows by `_row`, arrived at `moment`, and the others as the quarantine keeps them."""
    reader = OutcomeReader(wheel.contract, rows.columns, value=spec.value, known_at=spec.known_at, text=spec.is_text)
    own = [name for name in rows.columns if name not in META]
    read = [(row, reader.read(row, source=spec.name, moment=moment)) for row in rows.iter_rows(named=True)]
    bad = [
        {
            **{name: row[name] for name in META},
            "raw": msgspec.json.encode({name: row[name] for name in own}, enc_hook=str).decode(),
            "reasons": [f"line:{outcome}"],
        }
        for row, outcome in read
        if isinstance(outcome, str)
    ]
    good = {row["_row"]: outcome for row, outcome in read if isinstance(outcome, Outcome)}
    columns = {name: kind for name, kind in SCHEMA.items() if name not in {"_contract", "_judged_at"}}
    return good, pl.DataFrame(bad, schema=columns, orient="row")


def _state(wheel: Wheel, outcome: Outcome, earlier: Outcome | None) -> OutcomeState:
    last = earlier.value if earlier else wheel.index.last_outcome(subject_of(outcome.prediction_id, outcome.key))
    if last is not None:
        return "repeated" if last == outcome.value else "corrected"
    known = outcome.prediction_id is None or wheel.index.knows_prediction(outcome.prediction_id)
    return "accepted" if known else "parked"


class OutcomeReader:
    """Reads rows of outcomes by their columns; a bad row becomes a sentence, never an exception.

    `value` and `known_at` name columns; by default the value stands in `value` or the target's own name.
    """

    def __init__(
        self,
        contract: Contract,
        columns: Sequence[str],
        *,
        value: str = "",
        known_at: str = "",
        text: bool = True,
    ) -> None:
        """Raises UsageError where the columns cannot name a value and a subject."""
        self.contract = contract
        self.value = _value_column(columns, contract, value)
        self.known_at = known_at or "known_at"
        _require_subject(columns, contract)
        self.label = compile_label(contract)
        self.row = compile_row(contract, text=text)

    def read(self, row: Mapping[str, object], source: str = "file", moment: datetime | None = None) -> Outcome | str:
        """Return the Outcome of a row that arrived at `moment` (now), or what is wrong with it."""
        label = self.label(row[self.value])
        if label is None:
            classes = self.contract.target.classes
            return (
                f"the value is none of {', '.join(map(repr, classes))}" if classes else "the value is no finite number"
            )
        known_at = _moment(row.get(self.known_at))
        if isinstance(known_at, str):
            return known_at
        prediction = row.get("prediction_id")
        if prediction and clock.made_at(str(prediction)) is None:
            return "prediction_id is none that trimtab gives"
        key = None if prediction or not self.contract.row.key else row_key(self.contract, self.row(row).values)
        if not prediction and key is None:
            return "names neither a prediction nor a whole key"
        return Outcome(
            id=clock.uuid7(),
            value=label,
            known_at=known_at,
            arrived_at=moment or clock.now(),
            prediction_id=str(prediction) if prediction else None,
            key=key,
            source=source,
        )


def _value_column(columns: Sequence[str], contract: Contract, declared: str) -> str:
    wanted = (declared,) if declared else ("value", contract.target.column)
    for name in wanted:
        if name in columns:
            return name
    near = nearest(wanted[-1], columns)
    raise UsageError(f"The outcomes have no column {' or '.join(map(repr, wanted))}{near}.")


def _require_subject(columns: Sequence[str], contract: Contract) -> None:
    if "prediction_id" in columns:
        return
    if not contract.row.key or any(name not in columns for name in contract.row.key):
        wanted = f", or the key's columns {', '.join(contract.row.key)}" if contract.row.key else ""
        raise UsageError(
            f"The outcomes have no column 'prediction_id'{wanted}.", hint="add it: it joins them to answers"
        )


def _moment(value: object) -> datetime | str:
    """Return when an Outcome was known (absent: now), or what is wrong with it."""
    if value is None or value == "":
        return clock.now()
    if isinstance(value, datetime):
        return value if value.tzinfo else "known_at has no time zone"
    try:
        return clock.parse(str(value))
    except UsageError as error:
        return f"known_at: {error.message}"
