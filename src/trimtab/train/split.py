"""Which rows a family learns from, which stop it, which set the threshold, and which judge it: in the order of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from trimtab.errors import DataError
from trimtab.nouns.contract import Order
from trimtab.nouns.project import TrainSpec

NAMES = ("train", "validation", "calibration", "test")


@dataclass(frozen=True, slots=True)
class Parts:
    """Row numbers of the four parts, each ascending and none in two; `warnings` name what could not be kept."""

    train: np.ndarray
    validation: np.ndarray
    calibration: np.ndarray
    test: np.ndarray
    warnings: tuple[str, ...] = ()

    @property
    def sizes(self) -> Mapping[str, int]:
        """Rows of each part."""
        return {name: len(getattr(self, name)) for name in NAMES}


def cut_rows(
    rows: int,
    spec: TrainSpec,
    *,
    order: Order,
    seed: int,
    events: np.ndarray | None = None,
    matures: timedelta,
    groups: np.ndarray | None = None,
) -> Parts:
    """Return the four parts of rows that stand in time order; with `order` "none", parts by seeded chance.

    `events` (datetime64[us], ascending) are needed for a gap: the label of a row is known only when it has matured, so
    rows younger than the gap before the next part's first row are left out. A gap that the project declares is kept,
    or DataError says that it leaves too little; the automatic one (`matures`) is left away where it would cost more
    than half of a part, with the warning `gap_shortened:<part>`.

    With `groups` (one integer a row) a group stands whole in the part of its first row. Rows of it that come later
    than the next part's first are left out like those of a gap, unless that costs more than half of the part.
    """
    if groups is not None:
        return _cut_groups(groups, spec, order=order, seed=seed, events=events, gap=matures)
    places = _cut_places(rows, spec)
    if order == "none":
        shuffled = np.random.default_rng(seed).permutation(rows)
        return _name_parts([np.sort(part) for part in np.split(shuffled, places)])
    parts = np.split(np.arange(rows), places)
    if order == "event_time" and events is not None and (events[1:] < events[:-1]).any():
        raise ValueError(
            "rows must stand in the order of their event time: a model is judged on rows after those it learnt from"
        )
    gap = matures if spec.gap is None else spec.gap
    if order != "event_time" or events is None or not gap:
        return _name_parts(parts)
    return _open_gaps(parts, events, gap, declared=spec.gap is not None)


def _cut_groups(
    groups: np.ndarray, spec: TrainSpec, *, order: Order, seed: int, events: np.ndarray | None, gap: timedelta
) -> Parts:
    _, first, which = np.unique(groups, return_index=True, return_inverse=True)
    turn = np.random.default_rng(seed).permutation(len(first)) if order == "none" else np.argsort(np.argsort(first))
    rank = turn[which]
    sizes = np.bincount(rank)
    # A group goes where its middle row falls, so that a large one at a border does not always go the same way.
    middle = np.cumsum(sizes) - sizes / 2.0
    part_of = np.searchsorted(np.array(_cut_places(len(groups), spec)), middle, side="right")
    parts = [np.flatnonzero(part_of[rank] == place) for place in range(len(NAMES))]
    if order == "none" or any(not len(part) for part in parts):
        return _name_parts(parts)
    declared = spec.gap is not None
    if order == "event_time" and events is not None:
        return _open_gaps(parts, events, (spec.gap if spec.gap is not None else gap), declared=declared)
    places = np.arange(len(groups)).astype("datetime64[us]")
    return _open_gaps(parts, places, timedelta(microseconds=1), declared=False)


def _name_parts(parts: Sequence[np.ndarray], warnings: Sequence[str] = ()) -> Parts:
    train, validation, calibration, test = parts
    if not (len(train) and len(validation) and len(test)):
        raise DataError(
            f"{sum(map(len, parts))} rows leave a part of the split empty: train {len(train)}, validation "
            f"{len(validation)}, test {len(test)}.",
            hint="bring more rows, or give the empty part a share in [train] split",
        )
    return Parts(train, validation, calibration, test, tuple(warnings))


def _cut_places(rows: int, spec: TrainSpec) -> list[int]:
    """Return where validation, calibration and test begin."""
    test = rows - round(rows * spec.test)
    calibration = test - round(rows * spec.calibration)
    return [calibration - round(rows * spec.validation), calibration, test]


def _open_gaps(parts: list[np.ndarray], events: np.ndarray, gap: timedelta, *, declared: bool) -> Parts:
    kept, warnings = [], []
    for name, part, after in zip(NAMES, parts, [*parts[1:], np.array([], dtype=np.int64)], strict=True):
        known = part[events[part] <= events[after[0]] - np.timedelta64(gap)] if len(after) else part
        if len(known) * 2 < len(part):
            if declared:
                raise DataError(
                    f"The gap of {gap} leaves {len(known)} of the {len(part)} rows of the {name} part.",
                    hint="shorten [train] split.gap in trimtab.toml, or bring rows of a longer period",
                )
            known = part
            warnings.append(f"gap_shortened:{name}")
        kept.append(known)
    return _name_parts(kept, warnings)
