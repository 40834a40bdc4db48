"""What is logged of an answer, byte by byte, and how a logged answer is shown again."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from trimtab.nouns import Contract
from trimtab.serve.answer import Given, Value
from trimtab.serve.ladder import Problem

JSON_FIELDS = ("raw", "features", "output", "latency_us")
"""Fields of a prediction record that hold JSON text, so that a table can hold rows of any contract."""

_encoder = msgspec.json.Encoder()


class PredictionRecord(msgspec.Struct, rename={"event_at": "_event_at", "arrived_at": "_arrived_at"}):
    """One logged Prediction, field by field as in the lake's table `predictions`; times are RFC 3339, UTC."""

    id: str
    event_at: str
    arrived_at: str
    raw: str
    features: str
    prediction: str
    output: str
    version: str
    epoch: int
    contract: str
    key: str | None = None
    client_id: str | None = None
    probability: float | None = None
    warnings: list[str] = []
    latency_us: str = "{}"
    fallback: str = ""
    worker: str = ""


class OutcomeRecord(msgspec.Struct, rename={"arrived_at": "_arrived_at"}):
    """One logged Outcome, field by field as in the lake's table `outcomes`."""

    id: str
    value: str
    known_at: str
    arrived_at: str
    prediction_id: str | None = None
    key: str | None = None
    source: str = "http"


def encode(record: PredictionRecord | OutcomeRecord) -> bytes:
    """Return a record's bytes for the spool."""
    return _encoder.encode(record)


def json_text(value: object) -> str:
    """Return JSON text. Raises Problem too_deep where a client's unknown field is nested beyond all reason."""
    try:
        return _encoder.encode(value).decode()
    except RecursionError:
        raise Problem("too_deep", "A field is nested too deeply to be kept.") from None


def rfc3339(moment: datetime) -> str:
    """Return a moment with microseconds, UTC.

    >>> rfc3339(datetime(2026, 1, 31, 12, tzinfo=UTC))
    '2026-01-31T12:00:00.000000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def features_text(columns: tuple[str, ...], values: Sequence[Value]) -> str:
    """Return the cleaned values by column name as JSON text; times as RFC 3339."""
    plain = {name: _plain(value) for name, value in zip(columns, values, strict=True)}
    return json_text(plain)


def prediction_text(given: Given) -> str:
    """Return the predicted class, or the number's shortest text that reads back as the same number."""
    prediction = given.output["prediction"]
    return prediction if isinstance(prediction, str) else repr(prediction)


def event_time(contract: Contract, features: Mapping[str, Value], arrived_at: datetime) -> datetime:
    """Return when the row's question was asked: its cleaned event time, or its arrival."""
    value = features.get(contract.row.event_time) if contract.row.event_time else None
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value if isinstance(value, datetime) else arrived_at


def show_prediction(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a logged Prediction as a reply: JSON texts unfolded, meta columns under their plain names."""
    shown = {name.lstrip("_"): value for name, value in record.items()}
    for name in JSON_FIELDS:
        if isinstance(shown.get(name), str):
            shown[name] = msgspec.json.decode(shown[name])
    shown["prediction_id"] = shown.pop("id")
    return shown


def _plain(value: Value) -> object:
    # A datetime is a date as well: look for the narrower type first.
    if isinstance(value, datetime):
        return rfc3339(value)
    return value.isoformat() if isinstance(value, date) else value
