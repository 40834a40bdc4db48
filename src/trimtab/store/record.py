"""What is logged of an answer and of an outcome, field by field as in the lake; light, for the serving worker too."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import msgspec

Value = str | float | int | bool | datetime | date | None
_AS_JSON = frozenset({str, float, int, bool, type(None)})
_encoder = msgspec.json.Encoder()


class PredictionRecord(msgspec.Struct, rename={"event_at": "_event_at", "arrived_at": "_arrived_at"}):
    """One logged Prediction, as in the table `predictions`; times are RFC 3339, UTC; raw, features, output are JSON."""

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
    key_id: str | None = None
    probability: float | None = None
    warnings: Sequence[str] = ()
    latency_us: str = "{}"
    fallback: str = ""
    worker: str = ""


class OutcomeRecord(msgspec.Struct, rename={"arrived_at": "_arrived_at"}):
    """One logged Outcome, as in the table `outcomes`."""

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
    """Return JSON text. Raises RecursionError where a value is nested beyond all reason."""
    return _encoder.encode(value).decode()


def rfc3339(moment: datetime) -> str:
    """Return a moment with microseconds, UTC.

    >>> rfc3339(datetime(2026, 1, 31, 12, tzinfo=UTC))
    '2026-01-31T12:00:00.000000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def features_text(columns: Sequence[str], values: Sequence[Value]) -> str:
    """Return the cleaned values by column name as JSON text; times as RFC 3339."""
    return json_text(
        {name: value if type(value) in _AS_JSON else _plain(value) for name, value in zip(columns, values, strict=True)}
    )


def prediction_text(output: Mapping[str, object]) -> str:
    """Return the predicted class, or the number's shortest text that reads back as the same number."""
    prediction = output["prediction"]
    return prediction if isinstance(prediction, str) else repr(prediction)


def _plain(value: Value) -> object:
    # A datetime is a date as well: look for the narrower type first.
    if isinstance(value, datetime):
        return rfc3339(value)
    return value.isoformat() if isinstance(value, date) else value
