"""What the wheel keeps: Snapshot, Version, Trim, Prediction, Outcome and Window."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Scalar = str | float | int | bool | None
Moment = datetime | int
"""A point in the record: a UTC time, or with `order = "file"` a number of rows."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frozen set of clean rows whose label was known at `as_of`, as pinned Delta versions of the three tables.

    `rows` are labelled rows; `fingerprint` is the hash of their content in order; `until` is the last row's event time.
    `erased_rows` of them are no longer kept: somebody asked for their erasure, and the fingerprint speaks of all.
    """

    as_of: datetime
    pins: Mapping[str, int]
    rows: int
    fingerprint: str
    since: str = ""
    until: str = ""
    erased_rows: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """One fitted model as the catalog knows it; the files stand in the blobs under `id`, the hash of the manifest.

    `recipe` holds the family and its hyper-parameters, so that a retrain can repeat it. `metrics` are measured on rows
    that the judged fit had not seen.
    """

    id: str
    number: int
    family: str
    recipe: Mapping[str, object]
    contract: str
    snapshot: Snapshot
    metrics: Mapping[str, object]
    made_at: datetime

    @property
    def name(self) -> str:
        """The running name, for example `v7`."""
        return f"v{self.number}"


@dataclass(frozen=True, slots=True)
class Member:
    """One part of a Trim: a Version's answers, recalibrated, at a weight. A Version may have several parts.

    `calibration` is (a, b) on the log-odds (binary) or on the number (regression); multiclass: a, then one b a class.
    """

    version: str
    weight: float = 1.0
    calibration: tuple[float, ...] = (1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Trim:
    """What answers at one epoch.

    `threshold` turns a probability into a decision; None where there are no classes. `reach` is how far the interval of
    a number goes to either side of it; None: as far as the champion's own.
    """

    epoch: int
    members: tuple[Member, ...]
    threshold: float | None = None
    reach: float | None = None

    @property
    def champion(self) -> str:
        """Id of the Version with the greatest weight; ties go to the newest, which stands last."""
        weights: dict[str, float] = {}
        for member in reversed(self.members):
            weights[member.version] = weights.get(member.version, 0.0) + member.weight
        return max(weights, key=lambda version: weights[version])


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer that one Trim gave to one request at one moment.

    `raw` is the row as it was sent, `features` the cleaned values, `output` the reply's prediction fields.
    """

    id: str
    event_at: datetime
    arrived_at: datetime
    raw: Mapping[str, object]
    features: Mapping[str, Scalar]
    output: Mapping[str, object]
    version: str
    epoch: int
    contract: str
    key: str | None = None
    client_id: str | None = None
    warnings: tuple[str, ...] = ()
    latency_us: Mapping[str, int] = field(default_factory=dict)
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What really happened for one Prediction (`prediction_id`) or one key, and when it was known."""

    id: str
    value: str
    known_at: datetime
    arrived_at: datetime
    prediction_id: str | None = None
    key: str | None = None
    source: str = "http"


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open stretch [start, end) of Predictions, with how many there are and how many have their Outcome."""

    start: Moment
    end: Moment
    predictions: int
    outcomes: int

    @property
    def coverage(self) -> float:
        """Share of Predictions whose Outcome has arrived."""
        return self.outcomes / self.predictions if self.predictions else 0.0


OutcomeState = Literal["accepted", "parked", "repeated", "corrected"]


def subject_of(prediction_id: str | None, key: str | None) -> str:
    """Return what an Outcome speaks about as one text: a Prediction's id, or `key:` with the canonical key."""
    return prediction_id or f"key:{key}"
