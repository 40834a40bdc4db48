"""What was known at a moment: answers joined with outcomes, and the labelled rows that a fit may use.

Usable at t means that a row had arrived by t, and for an Outcome that it was also known upstream by t. The newest
Outcome known at t counts; an Outcome by key joins every Prediction of that key made before it was known, and the last
of them is the one that metrics count.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trimtab import clock
from trimtab.errors import DataError, UsageError
from trimtab.loop.doubts import UNNAMED, leave_out, read_doubts
from trimtab.loop.state import Wheel
from trimtab.loop.withdraw import arrivals, standing
from trimtab.nouns import Contract, Decision, Snapshot, Trim, canonical
from trimtab.nouns.contract import ColumnType
from trimtab.store.record import rfc3339

END = datetime(9999, 1, 1, tzinfo=UTC)
"""Later than any Outcome: where a table is read as it was, what it held is limited by that."""

TYPES: dict[ColumnType, pl.DataType] = {
    "number": pl.Float64(),
    "integer": pl.Int64(),
    "boolean": pl.Boolean(),
    "category": pl.String(),
    "text": pl.String(),
    "time": pl.Datetime("us", "UTC"),
    "date": pl.Date(),
}


@dataclass(frozen=True, slots=True)
class AsOf:
    """The moment of a turn: rows that arrived by `rows`, outcomes that were known and had arrived by `outcomes`.

    The two differ only where the position is the time: position n means the first n rows in the order of arrival (of
    one moment: clean rows by their number, then Predictions by id), with all their outcomes. `last` is then the n-th
    one's mark: its `_row` or its id.
    """

    rows: datetime
    outcomes: datetime
    last: int | str | None = None

    def holds(self, mark: str) -> pl.Expr:
        """Return whether a row had arrived; `mark` is the column that tells rows of one moment apart."""
        arrived = pl.col("_arrived_at")
        if self.last is None or (mark == "_row" and isinstance(self.last, str)):
            return arrived <= self.rows
        if mark == "id" and isinstance(self.last, int):
            return arrived < self.rows
        return (arrived < self.rows) | ((arrived == self.rows) & (pl.col(mark) <= self.last))


def refuse_moment(wheel: Wheel, as_of: datetime | int | None) -> None:
    """Raise UsageError for a moment that cannot be meant: in the future, or a position where rows have none."""
    if isinstance(as_of, datetime) and as_of > clock.now():
        raise UsageError(f"--as-of {as_of:%Y-%m-%dT%H:%M:%SZ} lies in the future.", hint="leave it out to mean now")
    if isinstance(as_of, int) and wheel.contract.row.order != "file":
        raise UsageError('A position needs order = "file" in contract.toml.', hint="give --as-of a time instead")
    if isinstance(as_of, int) and as_of < 1:
        raise UsageError(f"--as-of {as_of} is no position.", hint="the first row has position 1")


def resolve(wheel: Wheel, as_of: datetime | int | None) -> AsOf:
    """Return the moment meant by a time, by a position (with `order = "file"` only), or by None: now.

    Raises UsageError for a moment that cannot be meant.
    """
    refuse_moment(wheel, as_of)
    if isinstance(as_of, int):
        return _find_position(wheel, as_of)
    moment = as_of or clock.now()
    return AsOf(moment, moment)


def _find_position(wheel: Wheel, position: int) -> AsOf:
    rows = arrivals(wheel.lake.read(wheel.clean)).select("_arrived_at", "_row", pl.lit(None, pl.String).alias("id"))
    answers = wheel.lake.read("predictions").select("_arrived_at", pl.lit(None, pl.Int64).alias("_row"), "id")
    stream = pl.concat([rows, answers]).sort("_arrived_at", "_row", "id", nulls_last=True).collect()
    if position > stream.height:
        raise UsageError(f"--as-of {position} is beyond the end: {stream.height:,} rows have arrived.")
    moment, row, identity = stream.row(position - 1)
    return AsOf(moment, clock.now(), identity if row is None else row)


def load_outcomes(wheel: Wheel, at: AsOf, version: int | None = None) -> pl.DataFrame:
    """Return the newest Outcome of each subject that counts: prediction_id or key, value, `_known_at`.

    Those of a source that is doubted at the moment do not; then what others told of the subject does.
    """
    return pick_newest(leave_out(load_usable(wheel, at, version), read_doubts(wheel), at.rows))


def load_usable(wheel: Wheel, at: AsOf, version: int | None = None) -> pl.DataFrame:
    """Return every Outcome known at `at`, oldest first, with its `source`, whoever told it."""
    usable = pl.max_horizontal("known_at", "_arrived_at")
    return (
        wheel.lake.read("outcomes", version=version)
        .with_columns(usable.alias("_known_at"), pl.col("source").fill_null(UNNAMED))
        .filter(pl.col("_known_at") <= at.outcomes)
        .sort("known_at", "_arrived_at", "id")
        .select("prediction_id", "key", "value", "known_at", "_known_at", "source")
        .collect()
    )


def pick_newest(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return of each subject the Outcome that was known last."""
    return outcomes.unique(["prediction_id", "key"], keep="last", maintain_order=True).drop("source")


def load_predictions(wheel: Wheel, at: AsOf) -> pl.DataFrame:
    """Return the Predictions made by `at`."""
    return wheel.lake.read("predictions").filter(at.holds("id")).collect()


def load_answers(wheel: Wheel, at: AsOf) -> pl.DataFrame:
    """Return the Predictions made by `at`, in order of arrival, with `value` and `_known_at` (null: no Outcome)."""
    return join_outcomes(load_predictions(wheel, at), load_outcomes(wheel, at)).sort("_arrived_at", "id")


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labelled clean rows in the order of time, and the Snapshot that they are."""

    rows: pl.DataFrame
    snapshot: Snapshot


def load_labelled(wheel: Wheel, at: AsOf) -> Labelled:
    """Return the labelled clean rows known at `at`.

    They come from two places: rows of the sources with their label (or an Outcome by key), and Predictions with their
    Outcome. Where a key names the same row twice, the one that arrived last counts.
    """
    pins = _pin_tables(wheel)
    labelled = _read_labelled(wheel, at, pins)
    return Labelled(labelled.drop("_told_at"), _snapshot(labelled, at, pins))


def load_snapshot(wheel: Wheel, snapshot: Snapshot) -> Labelled:
    """Return the labelled clean rows of a Snapshot again. Raises DataError where the record holds them no more.

    The wheel's Contract must be the one of that time. A Snapshot taken at a position ends within a moment: its rows are
    then the first so many.
    """
    for outcomes in (snapshot.as_of, END):
        at = AsOf(snapshot.as_of, outcomes)
        labelled = _read_labelled(wheel, at, snapshot.pins).head(snapshot.rows)
        if _name_content(labelled) == snapshot.fingerprint:
            return Labelled(labelled.drop("_told_at"), snapshot)
    raise DataError(
        f"The record does not hold the rows of Snapshot {snapshot.fingerprint} as they were.",
        hint="rows that were erased or are older than [store] keep are gone; a new Version speaks of what is there now",
    )


def load_history(wheel: Wheel) -> pl.DataFrame:
    """Return all labelled rows known now, with `_told_at`: when upstream knew the label (null where it came along)."""
    present = clock.now()
    return _read_labelled(wheel, AsOf(present, present), _pin_tables(wheel))


def _pin_tables(wheel: Wheel) -> dict[str, int]:
    """Return the Delta versions that a Snapshot stands on."""
    return {table: wheel.lake.version(table) for table in (wheel.clean, "predictions", "outcomes")}


def _read_labelled(wheel: Wheel, at: AsOf, pins: Mapping[str, int]) -> pl.DataFrame:
    contract = wheel.contract
    outcomes = load_outcomes(wheel, at, pins["outcomes"])
    rows = standing(wheel.lake.read(wheel.clean, version=pins[wheel.clean]).filter(at.holds("_row"))).collect()
    answers = wheel.lake.read("predictions", version=pins["predictions"]).filter(at.holds("id"))
    frames = [_from_sources(rows, outcomes, contract), _from_answers(answers.collect(), outcomes, contract)]
    labelled = pl.concat(frames, how="vertical").filter(pl.col("_label").is_not_null())
    labelled = _newest_of_each(labelled.sort("_arrived_at", "_row", nulls_last=True), "_key")
    # Rows of one moment stand by their key, which says nothing of how and when they came here.
    times = ["_event_at", "_key", "_arrived_at"] if contract.row.order == "event_time" else ["_arrived_at"]
    return labelled.sort([*times, "_row", "_id"], nulls_last=True)


def _from_sources(rows: pl.DataFrame, outcomes: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    label = _label_type(contract)
    columns = [_column(rows, name, kind) for name, kind in _columns(contract)]
    keys = rows["_key"] if "_key" in rows.columns else key_column(rows, contract)
    meta = rows.select(
        pl.col("_label").cast(label) if "_label" in rows.columns else pl.lit(None, label).alias("_label"),
        *(pl.col(name) for name in ("_event_at", "_arrived_at", "_row")),
    )
    own = pl.DataFrame([*columns, *meta.get_columns(), keys]) if rows.height else _empty(contract)
    by_key = outcomes.filter(pl.col("key").is_not_null()).select(
        pl.col("key").alias("_key"), pl.col("value").cast(label, strict=False), "_known_at", "known_at"
    )
    joined = own.join(by_key, on="_key", how="left", maintain_order="left", nulls_equal=False)
    late = pl.col("_label").is_null() & pl.col("value").is_not_null()
    return joined.with_columns(
        pl.coalesce("_label", "value").alias("_label"),
        # When the label came, not the row: a pipeline emits a row again when its content or the Contract has changed.
        pl.when(late).then("_known_at").otherwise("_arrived_at").alias("_known_at"),
        pl.when(late).then("known_at").alias("_told_at"),
        pl.lit("", pl.String).alias("_id"),
    ).select(_shape(contract))


def _from_answers(answers: pl.DataFrame, outcomes: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    joined = join_outcomes(answers, outcomes).filter(pl.col("value").is_not_null())
    if not joined.height:
        return _empty(contract)
    columns = features_of(joined, contract).get_columns()
    meta = joined.select(
        pl.col("value").cast(_label_type(contract), strict=False).alias("_label"),
        "_event_at",
        "_arrived_at",
        pl.lit(None, pl.Int64).alias("_row"),
        pl.col("key").alias("_key"),
        "_known_at",
        pl.col("_told_at"),
        pl.col("id").alias("_id"),
    )
    return pl.DataFrame([*columns, *meta.get_columns()]).select(_shape(contract))


def features_of(answers: pl.DataFrame, contract: Contract, names: Sequence[str] | None = None) -> pl.DataFrame:
    """Return the cleaned values of logged answers as columns of a Contract (all, or some); null where there is none."""
    kinds = {name: kind for name, kind in _columns(contract) if names is None or name in names}
    texts = {name: pl.String() if kind.is_temporal() else kind for name, kind in kinds.items()}
    cleaned = answers["features"].str.json_decode(pl.Struct(texts)).struct.unnest()
    return pl.DataFrame([_from_text(cleaned[name], kind) for name, kind in kinds.items()])


def labels_of(labels: pl.Series, contract: Contract) -> NDArray[np.float64]:
    """Return labels as metrics take them: 1 for the positive class, the index of the class, or the number itself."""
    target = contract.target
    if target.task == "regression":
        return labels.cast(pl.Float64).to_numpy()
    if target.task == "binary":
        return (labels == target.positive).cast(pl.Float64).to_numpy()
    places = {name: float(place) for place, name in enumerate(target.classes)}
    return labels.replace_strict(places, default=None, return_dtype=pl.Float64).to_numpy()


def logged_answers(contract: Contract, answers: pl.DataFrame) -> NDArray[np.float64]:
    """Return what was answered, as metrics take it: (n,) probabilities or numbers, (n, k) for multiclass."""
    target = contract.target
    if target.task == "binary":
        return answers["probability"].to_numpy()
    if target.task == "regression":
        return answers["prediction"].cast(pl.Float64).to_numpy()
    shape = pl.Struct({"probabilities": pl.Struct(dict.fromkeys(target.classes, pl.Float64()))})
    found = answers["output"].str.json_decode(shape).struct.field("probabilities")
    return np.column_stack([found.struct.field(name).to_numpy() for name in target.classes])


def logged_reaches(answers: pl.DataFrame) -> NDArray[np.float64]:
    """Return how far each logged interval went to either side of its number; NaN where an answer had none."""
    shape = pl.Struct({"interval": pl.List(pl.Float64())})
    ends = answers["output"].str.json_decode(shape).struct.field("interval").list
    return ((ends.get(1, null_on_oob=True) - ends.get(0, null_on_oob=True)) / 2.0).fill_null(np.nan).to_numpy()


def answering_since(journal: Sequence[Decision], trim: Trim) -> int:
    """Return the first epoch of what answers now: the newest that a promotion, a roll-back or a person made."""
    began = [one.epoch for one in journal if one.epoch and one.by != "layer"]
    return began[-1] if began else trim.epoch


def given_answers(wheel: Wheel, rows: pl.DataFrame, epoch: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the places of the labelled rows that were answered since an epoch, and what was answered then.

    A row is found by its Prediction's id, or where it came from a source by its key: the last one before its label.
    """
    counts = (pl.col("fallback") == "") & (pl.col("epoch") >= epoch)
    logged = wheel.lake.read("predictions").filter(counts).sort("_arrived_at", "id")
    shown = logged.select("id", "key", "_arrived_at", "prediction", "probability", "output").collect()
    places = rows.select("_id", "_key", "_known_at").with_row_index("_place")
    by_id = places.filter(pl.col("_id") != "").join(shown, left_on="_id", right_on="id")
    by_key = places.filter(pl.col("_id") == "").join(shown, left_on="_key", right_on="key", maintain_order="left_right")
    by_key = by_key.filter(pl.col("_arrived_at") <= pl.col("_known_at")).unique("_place", keep="last")
    found = pl.concat([one.select("_place", "prediction", "probability", "output") for one in (by_id, by_key)])
    return found["_place"].to_numpy().astype(np.intp), logged_answers(wheel.contract, found)


def label_column(labels: pl.Series, contract: Contract) -> pl.Series:
    """Return labels in the type that the Contract gives them; null where there is none."""
    return labels.cast(_label_type(contract), strict=False).alias("label")


def moments_of(times: pl.Series) -> NDArray[np.datetime64]:
    """Return UTC times as NumPy keeps them: datetime64[us] without a zone."""
    return times.dt.replace_time_zone(None).to_numpy()


def join_outcomes(answers: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Join Outcomes to Predictions: by id, else by key where the Prediction was made before the Outcome was known."""
    by_id = outcomes.filter(pl.col("prediction_id").is_not_null()).select(
        pl.col("prediction_id").alias("id"), "value", "_known_at", pl.col("known_at").alias("_told_at")
    )
    by_key = outcomes.filter(pl.col("key").is_not_null()).select(
        "key", pl.col("value").alias("key_value"), pl.col("known_at"), pl.col("_known_at").alias("key_known_at")
    )
    joined = answers.join(by_id, on="id", how="left", maintain_order="left")
    joined = joined.join(by_key, on="key", how="left", maintain_order="left", nulls_equal=False)
    use_key = pl.col("value").is_null() & (pl.col("_event_at") <= pl.col("known_at"))
    return joined.with_columns(
        pl.when(use_key).then("key_value").otherwise("value").alias("value"),
        pl.when(use_key).then("key_known_at").otherwise("_known_at").alias("_known_at"),
        pl.when(use_key).then("known_at").otherwise("_told_at").alias("_told_at"),
    ).drop("key_value", "key_known_at", "known_at")


def count_once(answers: pl.DataFrame) -> pl.DataFrame:
    """Return the answers that metrics count: of several Predictions of one key, the last."""
    return _newest_of_each(answers, "key").sort("_arrived_at", "id")


def key_column(rows: pl.DataFrame, contract: Contract) -> pl.Series:
    """Return `_key`: the canonical text of each row's key, null where the Contract has none or a part is missing."""
    names = contract.row.key
    if not names or any(name not in rows.columns for name in names):
        return pl.Series("_key", [None] * rows.height, pl.String)
    keys = rows.select(names).rows()
    texts = [canonical(dict(zip(names, key, strict=True))) if None not in key else None for key in keys]
    return pl.Series("_key", texts, pl.String)


def _newest_of_each(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    keyed = frame.filter(pl.col(key).is_not_null()).unique(key, keep="last", maintain_order=True)
    return pl.concat([keyed, frame.filter(pl.col(key).is_null())])


def _columns(contract: Contract) -> Sequence[tuple[str, pl.DataType]]:
    return [(column.name, TYPES[column.type]) for column in contract.columns]


def _column(rows: pl.DataFrame, name: str, kind: pl.DataType) -> pl.Series:
    """Return a column of the current Contract; a row cleaned under an older one may not have it."""
    if name not in rows.columns:
        return pl.Series(name, [None] * rows.height, kind)
    return rows[name].cast(kind, strict=False)


def _from_text(series: pl.Series, kind: pl.DataType) -> pl.Series:
    if isinstance(kind, pl.Datetime):
        return series.str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    return series.str.to_date(strict=False) if isinstance(kind, pl.Date) else series


def _label_type(contract: Contract) -> pl.DataType:
    return pl.Float64() if contract.target.task == "regression" else pl.String()


def _shape(contract: Contract) -> list[str]:
    names = [column.name for column in contract.columns]
    return [*names, "_label", "_event_at", "_arrived_at", "_row", "_key", "_known_at", "_told_at", "_id"]


def _empty(contract: Contract) -> pl.DataFrame:
    moment = pl.Datetime("us", "UTC")
    meta = {
        "_label": _label_type(contract),
        "_event_at": moment,
        "_arrived_at": moment,
        "_row": pl.Int64(),
        "_key": pl.String(),
        "_known_at": moment,
        "_told_at": moment,
        "_id": pl.String(),
    }
    return pl.DataFrame(schema={**dict(_columns(contract)), **meta})


def _rfc3339(moment: object) -> str:
    return rfc3339(moment) if isinstance(moment, datetime) else ""


def _snapshot(labelled: pl.DataFrame, at: AsOf, pins: Mapping[str, int]) -> Snapshot:
    period = labelled["_event_at"].drop_nulls()
    return Snapshot(
        as_of=at.rows,
        pins=pins,
        rows=labelled.height,
        fingerprint=_name_content(labelled),
        since=_rfc3339(period.min()),
        until=_rfc3339(period.max()),
    )


def _name_content(labelled: pl.DataFrame) -> str:
    content = labelled.drop("_known_at", "_told_at", "_arrived_at", "_row", "_key", "_id").write_csv().encode()
    return hashlib.sha256(content).hexdigest()[:16]
