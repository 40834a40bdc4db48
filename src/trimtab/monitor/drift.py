"""Drift: the answers and each column of a Window against what the Version was fitted on and promised.

Drift explains and warns. On real streams nearly every window differs from the fitted rows, so a distance alone never
asks for a retrain; what it costs is said by outcomes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trimtab.metrics.distance import CHANCE, Distance, measure_distance
from trimtab.metrics.figures import count, figure
from trimtab.metrics.profile import Profile
from trimtab.nouns import Judgement, State

MATERIAL = 0.1
"""A distance below it changes little, however sure one is of it."""
LEAST_ROWS = 30
SHOWN = 5


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """How far one column of a Window is from its reference; `weight` is its share of the importance of all columns."""

    column: str
    weight: float
    distance: Distance
    judgement: Judgement

    @property
    def drifted(self) -> bool:
        """Whether it moved by more than chance, and enough to matter."""
        return self.judgement.state is State.FAIL


def judge_drift(reference: Profile, window: Profile, weights: Mapping[str, float]) -> tuple[ColumnDrift, ...]:
    """Return the drift of every column, those whose move weighs most first; the chances of all columns add up to one.

    `weights` are shares of importance; a column without one has weight 0.
    """
    chance = CHANCE / max(len(reference.columns), 1)
    found = []
    for name, one in reference.columns.items():
        distance = measure_distance(one, window.columns[name], chance=chance)
        found.append(ColumnDrift(name, weights.get(name, 0.0), distance, _judge(name, distance)))
    return tuple(sorted(found, key=lambda one: (not one.drifted, -one.weight * one.distance.distance, one.column)))


def _judge(name: str, found: Distance) -> Judgement:
    numbers: dict[str, float | int | str | None] = {
        "distance": found.distance,
        "floor": found.distance_floor,
        "psi": found.psi,
        "js": found.js,
        "chi_squared": found.chi_squared,
        "shift": found.shift,
        "nulls": found.nulls,
        "unlisted": found.unlisted,
        "rows": found.rows,
    }
    if found.rows < LEAST_ROWS:
        said = f"cannot tell: {found.rows:,} rows of '{name}', {LEAST_ROWS} are needed"
        return Judgement(name, State.CANNOT_TELL, (said,), numbers)
    moved = found.distance > max(MATERIAL, found.distance_floor) or abs(found.nulls) > MATERIAL
    return Judgement(name, State.FAIL if moved else State.PASS, (_tell(name, found),), numbers)


def _tell(name: str, found: Distance) -> str:
    way = "" if abs(found.shift) < 0.05 else ", higher" if found.shift > 0 else ", lower"
    told = [f"'{name}' is {figure(found.distance)} away{way} (chance reaches {figure(found.distance_floor)})"]
    told += [f"nulls {found.nulls:+.0%}"] if abs(found.nulls) >= 0.01 else []
    told += [f"values never fitted {found.unlisted:+.0%}"] if abs(found.unlisted) >= 0.01 else []
    return ", ".join(told)


def sum_drift(subject: str, columns: Sequence[ColumnDrift]) -> Judgement:
    """Return one Judgement of several columns: FAIL where any drifted, with the heaviest first."""
    drifted = [one for one in columns if one.drifted]
    weight = sum(one.weight for one in drifted)
    numbers: dict[str, float | int | str | None] = {"columns": len(columns), "drifted": len(drifted), "weight": weight}
    if columns and all(one.judgement.state is State.CANNOT_TELL for one in columns):
        return Judgement(subject, State.CANNOT_TELL, columns[0].judgement.reasons, numbers)
    if not drifted:
        return Judgement(
            subject, State.PASS, (f"nothing moved so far that it matters ({count(len(columns), 'column')})",), numbers
        )
    told = [reason for one in drifted[:SHOWN] for reason in one.judgement.reasons]
    rest = f"; {len(drifted) - SHOWN} more" if len(drifted) > SHOWN else ""
    share = f", {weight:.0%} of the importance" if weight else ""
    opening = f"{len(drifted):,} of {count(len(columns), 'column')} moved{share}{rest}"
    return Judgement(subject, State.FAIL, (opening, *told), numbers)
